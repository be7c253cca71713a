// The one place where this module asks for the time.
#pragma once

#include <chrono>

#include "base/time.hpp"

namespace vipra::source {

[[nodiscard]] inline TimePoint steady_now() {
  return TimePoint{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

}  // namespace vipra::source
