// Time as pure code sees it: a value that is handed in. The clocks below have no now(); only src/runtime can
// ask.
#pragma once

#include <chrono>
#include <cstdint>

namespace vipra {

using Duration = std::chrono::nanoseconds;

// CLOCK_MONOTONIC: stands still while the machine is suspended. Deadlines live on this axis.
struct MonotonicClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

// CLOCK_BOOTTIME: counts suspend. Tells how long the peers have really been left alone.
struct BootClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using TimePoint = MonotonicClock::time_point;
using BootTimePoint = BootClock::time_point;

// One moment on both axes, read together.
struct Instant {
  TimePoint mono{};
  BootTimePoint boot{};

  friend constexpr Instant operator+(Instant at, Duration by) { return {at.mono + by, at.boot + by}; }
  friend constexpr bool operator==(const Instant&, const Instant&) = default;
};

using Centiseconds = std::chrono::duration<std::int32_t, std::centi>;

}  // namespace vipra
