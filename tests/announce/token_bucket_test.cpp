#include "announce/token_bucket.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace vipra::announce {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint at(Duration since_start) {
  return TimePoint{100h} + since_start;
}

int take_all(TokenBucket& bucket, TimePoint now) {
  int taken = 0;
  while (bucket.try_take(now)) ++taken;
  return taken;
}

TEST(TokenBucket, GivesItsBurstAtOnceAndThenItsRate) {
  TokenBucket bucket{300, 500};
  EXPECT_EQ(take_all(bucket, at(0s)), 300);
  EXPECT_EQ(take_all(bucket, at(0s)), 0);
  EXPECT_EQ(take_all(bucket, at(1999us)), 0);
  EXPECT_EQ(take_all(bucket, at(2ms)), 1);
  EXPECT_EQ(take_all(bucket, at(102ms)), 50);
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurst) {
  TokenBucket bucket{300, 500};
  EXPECT_EQ(take_all(bucket, at(0s)), 300);
  EXPECT_EQ(take_all(bucket, at(24h)), 300);
}

TEST(TokenBucket, IsFullFromTheVeryStartOfTheClock) {
  TokenBucket bucket{3, 1};
  EXPECT_EQ(take_all(bucket, TimePoint{}), 3);
}

TEST(TokenBucket, TellsExactlyWhenTheNextTokenComes) {
  TokenBucket bucket{2, 500};
  EXPECT_EQ(bucket.next_token_at(at(0s)), at(0s));
  EXPECT_EQ(take_all(bucket, at(0s)), 2);
  EXPECT_EQ(bucket.next_token_at(at(0s)), at(2ms));
  EXPECT_FALSE(bucket.try_take(at(2ms) - 1ns));
  EXPECT_TRUE(bucket.try_take(at(2ms)));
  EXPECT_EQ(bucket.next_token_at(at(2ms)), at(4ms));
}

TEST(TokenBucket, GivesNothingForATimeThatGoesBack) {
  TokenBucket bucket{2, 500};
  EXPECT_EQ(take_all(bucket, at(1s)), 2);
  EXPECT_EQ(take_all(bucket, at(0s)), 0);
  EXPECT_EQ(take_all(bucket, at(1002ms)), 1);
}

// Over every window, not only from the start.
TEST(TokenBucket, GivesAtMostBurstPlusRateTimesTimeInAnyWindow) {
  std::mt19937 random{1};
  TokenBucket bucket{30, 500};
  std::vector<TimePoint> taken;
  auto now = at(0s);
  for (int i = 0; i < 20'000; ++i) {
    now += Duration{static_cast<Duration::rep>(random() % 5'000'000)};
    for (auto tries = random() % 8; tries > 0; --tries) {
      if (bucket.try_take(now)) taken.push_back(now);
    }
  }
  ASSERT_GT(taken.size(), 5000u);
  for (std::size_t first = 0; first < taken.size(); first += 7) {
    for (std::size_t last = first; last < taken.size() && last < first + 400; ++last) {
      const auto allowed = 30 + (taken[last] - taken[first]) / 2ms + 1;
      ASSERT_LE(static_cast<std::int64_t>(last - first + 1), allowed);
    }
  }
}

TEST(TokenBucketDeathTest, NeedsABurstAndARate) {
  EXPECT_DEATH((TokenBucket{0, 1}), "check.failed");
  EXPECT_DEATH((TokenBucket{1, 0}), "check.failed");
}

}  // namespace
}  // namespace vipra::announce
