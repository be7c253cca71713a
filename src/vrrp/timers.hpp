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

// What a takeover may differ by from its deadline and from when others hear of it: delay on the segment and
// jitter of the timers.
inline constexpr Duration kDelayAndJitter{std::chrono::microseconds{1500}};

// How far the priorities of two backups must be apart, so that after a crash the better one is heard before
// the other one's time has come: gap x interval / 256 >= delay and jitter. At least 1: equal ones fire together.
[[nodiscard]] constexpr int least_priority_gap(Duration interval) noexcept {
  const auto one = std::max<Duration>(interval, Duration{1}) / 256;
  const auto gap = (kDelayAndJitter + one - Duration{1}) / std::max<Duration>(one, Duration{1});
  return static_cast<int>(std::clamp<std::int64_t>(gap, 1, 254));
}

// Below this interval equal priorities are too close too. Above it they are taken for what they mostly are, the
// defaults of somebody who does not mind which node it is: two fire together, and the address decides within
// milliseconds.
inline constexpr Duration kSpacedBelow = std::chrono::milliseconds{50};

[[nodiscard]] constexpr bool are_too_close(int a, int b, Duration interval) noexcept {
  if (a == b) return interval < kSpacedBelow;
  return (a < b ? b - a : a - b) < least_priority_gap(interval);
}

static_assert(least_priority_gap(std::chrono::milliseconds{10}) == 39);
static_assert(least_priority_gap(std::chrono::milliseconds{100}) == 4);
static_assert(least_priority_gap(std::chrono::seconds{1}) == 1);

static_assert(skew_time(Version::kV3, Centiseconds{1}, 100) == Duration{6'093'750});
static_assert(active_down_interval(Version::kV3, Centiseconds{1}, 255) == Duration{30'039'062});
static_assert(active_down_interval(Version::kV3, Centiseconds{4095}, 1) == Duration{163'640'039'062});
static_assert(active_down_interval(Version::kV2, std::chrono::seconds{3}, 100) == Duration{9'609'375'000});

}  // namespace vipra::vrrp
