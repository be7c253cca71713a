// Timer arithmetic of RFC 9568 section 6.1 and RFC 3768 section 6.1, in integer nanoseconds: multiplied
// before divided, exact for every interval. In whole centiseconds every skew of a 10 ms interval would be
// zero, and all backups would fire together.
#pragma once

#include <algorithm>

#include "base/time.hpp"
#include "vrrp/types.hpp"

namespace vipra::vrrp {

// Skew_Time. Version 2 skews by (256-P)/256 of a second, whatever the interval.
[[nodiscard]] constexpr Duration skew_time(Version version, Duration active_interval, int priority) noexcept {
  const Duration unit = version == Version::kV2 ? Duration{std::chrono::seconds{1}} : active_interval;
  return unit * (256 - priority) / 256;
}

// Active_Down_Interval. `misses` is 3 in the RFCs; lossy or very fast segments want more.
[[nodiscard]] constexpr Duration active_down_interval(Version version, Duration active_interval, int priority,
                                                      int misses = kDefaultMisses) noexcept {
  return active_interval * misses + skew_time(version, active_interval, priority);
}

static_assert(skew_time(Version::kV3, Centiseconds{1}, 100) == Duration{6'093'750});
static_assert(active_down_interval(Version::kV3, Centiseconds{1}, 255) == Duration{30'039'062});
static_assert(active_down_interval(Version::kV3, Centiseconds{4095}, 1) == Duration{163'640'039'062});
static_assert(active_down_interval(Version::kV2, std::chrono::seconds{3}, 100) == Duration{9'609'375'000});

}  // namespace vipra::vrrp
