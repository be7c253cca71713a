// The lab measures with CLOCK_MONOTONIC; every TimePoint it hands out is on that axis.
#pragma once

#include <chrono>
#include <thread>

#include "base/time.hpp"

namespace vipra::lab {

[[nodiscard]] TimePoint now() noexcept;

[[nodiscard]] constexpr double to_ms(Duration d) noexcept {
  return std::chrono::duration<double, std::milli>{d}.count();
}

// True as soon as the predicate is; false when `within` has passed. Asks once more at the end, so that a
// stalled host does not turn "it happened" into "it did not". The predicate is asked every `poll`.
template <class Predicate>
[[nodiscard]] bool wait_until(Predicate&& predicate, Duration within,
                              Duration poll = std::chrono::milliseconds{2}) {
  const TimePoint deadline = now() + within;
  while (!predicate()) {
    if (now() >= deadline) return predicate();
    std::this_thread::sleep_for(poll);
  }
  return true;
}

}  // namespace vipra::lab
