#include "lab/clock.hpp"

#include <time.h>

namespace vipra::lab {

TimePoint now() noexcept {
  timespec ts{};
  ::clock_gettime(CLOCK_MONOTONIC, &ts);
  return TimePoint{std::chrono::seconds{ts.tv_sec} + std::chrono::nanoseconds{ts.tv_nsec}};
}

}  // namespace vipra::lab
