// The world's one clock, and what each node's own clocks make of it: another origin, another rate, and a
// monotonic clock that stands still while the machine is suspended.
#pragma once

#include <chrono>
#include <string>

#include "base/time.hpp"

namespace vipra::sim {

// Another clock than the nodes', so that the compiler keeps the two apart.
struct WorldClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<WorldClock, Duration>;
  static constexpr bool is_steady = true;
};
using WorldTime = WorldClock::time_point;

class NodeClock {
 public:
  NodeClock() = default;
  NodeClock(Duration monotonic_origin, Duration boot_origin, int ppm)
      : monotonic_origin_{monotonic_origin}, boot_origin_{boot_origin}, ppm_{ppm} {}

  [[nodiscard]] Instant at(WorldTime time) const {
    const auto local = elapsed(time);
    return {TimePoint{monotonic_origin_ + local - suspended_}, BootTimePoint{boot_origin_ + local}};
  }
  // The first moment at which the monotonic clock shows `mono`, if nothing suspends it before.
  [[nodiscard]] WorldTime when(TimePoint mono) const {
    const auto local = mono.time_since_epoch() - monotonic_origin_ + suspended_;
    WorldTime time{Duration{local.count() * kMillion / (kMillion + ppm_)}};
    while (elapsed(time) < local) time += Duration{1};
    return time;
  }
  void suspended(WorldTime from, WorldTime until) { suspended_ += elapsed(until) - elapsed(from); }

 private:
  static constexpr Duration::rep kMillion = 1'000'000;
  [[nodiscard]] Duration elapsed(WorldTime time) const {
    const auto since = time.time_since_epoch().count();
    return Duration{since + since * ppm_ / kMillion};
  }
  Duration monotonic_origin_{};
  Duration boot_origin_{};
  Duration suspended_{};
  Duration::rep ppm_ = 0;
};

// Milliseconds with three decimals: what histories are written in.
[[nodiscard]] std::string in_milliseconds(Duration duration);
[[nodiscard]] inline std::string in_milliseconds(WorldTime time) {
  return in_milliseconds(time.time_since_epoch());
}

}  // namespace vipra::sim
