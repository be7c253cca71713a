#include "net/receive_age.hpp"

#include <gtest/gtest.h>

namespace vipra::net {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongest = 10s;

// The wall clock is 1000 h ahead, and `set` more.
constexpr ClockReading at(Duration monotonic, Duration set = {}) {
  return {monotonic + 1000h + set, monotonic};
}

TEST(ReceiveAge, IsTheDifferenceOfTheClockThatStampedIt) {
  EXPECT_EQ(receive_age(at(4700ms).wall, at(5s), std::nullopt, kLongest), 300ms);
  EXPECT_EQ(receive_age(at(4700ms).wall, at(5s), at(4s), kLongest), 300ms);
}

TEST(ReceiveAge, IsBoundedByWhenTheSocketWasEmpty) {
  EXPECT_EQ(receive_age(at(3s).wall, at(5s), at(4s), kLongest), 1s);
  EXPECT_EQ(receive_age(at(6s).wall, at(5s), at(4s), kLongest), 0s) << "a stamp of the future";
  EXPECT_EQ(receive_age(at(1s).wall, at(50s), std::nullopt, kLongest), kLongest);
}

TEST(ReceiveAge, SurvivesAClockThatWasSetForward) {
  // Stamped before the step, and after it.
  EXPECT_EQ(receive_age(at(4700ms).wall, at(5s, 1h), at(4s), kLongest), 300ms);
  EXPECT_EQ(receive_age(at(4700ms, 1h).wall, at(5s, 1h), at(4s), kLongest), 300ms);
}

TEST(ReceiveAge, SurvivesAClockThatWasSetBack) {
  EXPECT_EQ(receive_age(at(4700ms).wall, at(5s, -1h), at(4s), kLongest), 300ms);
  EXPECT_EQ(receive_age(at(4700ms, -1h).wall, at(5s, -1h), at(4s), kLongest), 300ms);
}

TEST(ReceiveAge, IsNeverOlderThanTrueWhereAStepLeavesADoubt) {
  // 200 ms forward: stamped 300 ms ago it may seem 500 ms old; which of the two clocks it was nobody knows.
  EXPECT_EQ(receive_age(at(4700ms).wall, at(5s, 200ms), at(4s), kLongest), 300ms);
  EXPECT_LE(receive_age(at(4700ms, 200ms).wall, at(5s, 200ms), at(4s), kLongest), 300ms);
  EXPECT_LE(receive_age(at(4700ms).wall, at(5s, -200ms), at(4s), kLongest), 300ms);
  EXPECT_LE(receive_age(at(4700ms, -200ms).wall, at(5s, -200ms), at(4s), kLongest), 300ms);
}

}  // namespace
}  // namespace vipra::net
