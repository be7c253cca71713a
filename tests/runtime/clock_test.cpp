#include "runtime/clock.hpp"

#include <gtest/gtest.h>

#include <ctime>

namespace vipra::runtime {
namespace {

TEST(Clock, reads_the_kernels_clocks_in_nanoseconds) {
  const auto of = [](clockid_t id) {
    timespec ts{};
    ::clock_gettime(id, &ts);
    return static_cast<std::int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec;
  };
  const auto mono = of(CLOCK_MONOTONIC);
  const auto boot = of(CLOCK_BOOTTIME);
  const auto unix_time = of(CLOCK_REALTIME);
  const auto read = now();
  EXPECT_GE(read.mono.time_since_epoch().count(), mono);
  EXPECT_LE(read.mono.time_since_epoch().count(), of(CLOCK_MONOTONIC));
  EXPECT_GE(read.boot.time_since_epoch().count(), boot);
  EXPECT_LE(read.boot.time_since_epoch().count(), of(CLOCK_BOOTTIME));
  EXPECT_GE(unix_now_ns(), unix_time);
}

}  // namespace
}  // namespace vipra::runtime
