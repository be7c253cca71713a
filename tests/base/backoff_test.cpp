#include "base/backoff.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace vipra {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, WaitsBetweenHalfAndTheWholeOfADoublingStep) {
  Backoff low{100ms, 1s}, high{100ms, 1s};
  for (const auto step : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    EXPECT_EQ(low.next(0.0), step / 2);
    const auto longest = high.next(0.999999);
    EXPECT_LT(longest, step);
    EXPECT_GT(longest, step - 1ms);
  }
}

TEST(Backoff, StartsAgainAfterASuccess) {
  Backoff backoff{100ms, 1s};
  for (int i = 0; i < 10; ++i) (void)backoff.next(0.5);
  backoff.reset();
  EXPECT_EQ(backoff.next(0.0), 50ms);
}

TEST(Backoff, NeverOverflows) {
  Backoff backoff{1ns, 24h};
  for (int i = 0; i < 1000; ++i) EXPECT_LE(backoff.next(0.99), 24h);
  EXPECT_EQ(backoff.next(0.0), 12h);
}

}  // namespace
}  // namespace vipra
