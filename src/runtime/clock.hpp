// The only place where time is asked for.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace vipra::runtime {

[[nodiscard]] Instant now() noexcept;               // both clocks, read together
void sleep_until(TimePoint at) noexcept;            // or until a signal
[[nodiscard]] std::int64_t unix_now_ns() noexcept;  // CLOCK_REALTIME: for people, never for decisions

}  // namespace vipra::runtime
