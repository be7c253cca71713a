// When a datagram reached its socket, from the kernel's stamp of it, which is of the wall clock: somebody may
// have set that clock while the datagram waited. Pure.
#pragma once

#include <optional>

#include "base/time.hpp"

namespace vipra::net {

// Both clocks, as read together.
struct ClockReading {
  Duration wall{};       // CLOCK_REALTIME
  Duration monotonic{};  // CLOCK_MONOTONIC

  [[nodiscard]] Duration offset() const noexcept { return wall - monotonic; }
};

// How long ago, at `now`. `emptied` is when the socket was last found, or left, empty: nothing in it is
// older. Without it, `longest`. A stamp fits the wall clock as it is or as it was then; where both are
// possible, the younger one is taken: a deadline counted from it is late by the step at most, never early.
[[nodiscard]] Duration receive_age(Duration stamp, const ClockReading& now,
                                   const std::optional<ClockReading>& emptied, Duration longest) noexcept;

}  // namespace vipra::net
