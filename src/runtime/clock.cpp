#include "runtime/clock.hpp"

#include <ctime>

namespace vipra::runtime {
namespace {
std::int64_t read_ns(clockid_t id) noexcept {
  timespec ts{};
  ::clock_gettime(id, &ts);
  return static_cast<std::int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec;
}
}  // namespace

Instant now() noexcept {
  return {TimePoint{Duration{read_ns(CLOCK_MONOTONIC)}}, BootTimePoint{Duration{read_ns(CLOCK_BOOTTIME)}}};
}
void sleep_until(TimePoint at) noexcept {
  const auto ns = at.time_since_epoch().count();
  const timespec until{ns / 1'000'000'000, ns % 1'000'000'000};
  static_cast<void>(::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr));
}
std::int64_t unix_now_ns() noexcept {
  return read_ns(CLOCK_REALTIME);
}

}  // namespace vipra::runtime
