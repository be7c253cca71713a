#include "agent/speaker/repeat_plan.hpp"

#include <gtest/gtest.h>

namespace vipra::agent {
namespace {

using namespace std::chrono_literals;
using Step = RepeatPlan::Step;

constexpr TimePoint at(Duration since) {
  return TimePoint{100h + since};
}
net::RepeatedAdvertisement said(std::uint8_t vrid, std::uint8_t priority, std::uint8_t centiseconds = 100) {
  return {.source = *IpAddress::parse("192.0.2.1"), .head = {0x31, vrid, priority, 1, 0, centiseconds}};
}

class RepeatPlanTest : public testing::Test {
 protected:
  void hold(Duration when) {
    ASSERT_EQ(plan.step(at(when)), Step::kHold);
    plan.on_held(plan.list(), at(when));
  }
  RepeatPlan plan;
};

TEST_F(RepeatPlanTest, HoldsWhatStaysTheSameForAWhile) {
  EXPECT_FALSE(plan.deadline());
  for (const auto when : {0ms, 300ms, 600ms, 900ms}) {
    plan.heard(7, said(7, 200), at(when));
    EXPECT_EQ(plan.step(at(when)), Step::kNothing);
  }
  EXPECT_EQ(plan.deadline(), at(1s));
  hold(1s);
  EXPECT_TRUE(plan.holding());
  EXPECT_EQ(plan.list(), std::vector{said(7, 200)});
}

TEST_F(RepeatPlanTest, ReadsAfterThreeOfTheShortestIntervals) {
  plan.heard(7, said(7, 200, 100), at(0s));
  plan.heard(8, said(8, 200, 10), at(0s));
  hold(1s);
  EXPECT_EQ(plan.deadline(), at(1300ms));
  EXPECT_EQ(plan.step(at(1299ms)), Step::kNothing);
  EXPECT_EQ(plan.step(at(1300ms)), Step::kRead);
  EXPECT_FALSE(plan.on_read(at(1300ms), 6));
  EXPECT_EQ(plan.deadline(), at(1600ms));
}

TEST_F(RepeatPlanTest, ReadsLongIntervalsSoonerThanThat) {
  auto slow = said(7, 200);
  slow.head[4] = 0x0f;
  plan.heard(7, slow, at(0s));
  hold(1s);
  EXPECT_EQ(plan.deadline(), at(1s + RepeatPlan::kLongest));
}

TEST_F(RepeatPlanTest, ReleasesAtOnceWhenSomethingElseIsSaid) {
  plan.heard(7, said(7, 200), at(0s));
  hold(1s);
  plan.heard(7, said(7, 200), at(2s));
  EXPECT_EQ(plan.step(at(2s)), Step::kNothing);
  plan.heard(7, said(7, 90), at(2s));
  EXPECT_EQ(plan.step(at(2s)), Step::kRelease);
  plan.on_released(at(2s), true);
  EXPECT_FALSE(plan.holding());
  EXPECT_EQ(plan.deadline(), at(3s));
}

TEST_F(RepeatPlanTest, ReleasesWhenARouterIsNoBackupAnyMore) {
  plan.heard(7, said(7, 200), at(0s));
  plan.heard(8, said(8, 200), at(0s));
  hold(1s);
  plan.forget(9, at(2s));
  EXPECT_EQ(plan.step(at(2s)), Step::kNothing) << "it was none";
  plan.forget(8, at(2s));
  EXPECT_EQ(plan.step(at(2s)), Step::kRelease);
  plan.on_released(at(2s), true);
  hold(3s);
  EXPECT_EQ(plan.list(), std::vector{said(7, 200)});
}

TEST_F(RepeatPlanTest, HoldsNothingWhereThereIsNoBackup) {
  plan.heard(7, said(7, 200), at(0s));
  plan.forget(7, at(0s));
  hold(1s);
  EXPECT_FALSE(plan.holding());
  EXPECT_FALSE(plan.deadline()) << "and waits for nothing";
}

TEST_F(RepeatPlanTest, GivesWayToAFloodForAMinute) {
  plan.heard(7, said(7, 200), at(0s));
  hold(1s);
  EXPECT_FALSE(plan.on_read(at(2s), 70));
  EXPECT_FALSE(plan.on_read(at(302s), 300)) << "the host stood still: so many were said";
  EXPECT_TRUE(plan.on_read(at(304s), 100));
  EXPECT_EQ(plan.step(at(304s)), Step::kRelease);
  plan.on_released(at(304s), true);
  EXPECT_EQ(plan.deadline(), at(364s));
  plan.heard(7, said(7, 90), at(310s));
  EXPECT_EQ(plan.deadline(), at(364s)) << "news does not bring it back sooner";
}

TEST_F(RepeatPlanTest, AnIntervalOfZeroIsNoReasonToTurnRoundAndRound) {
  plan.heard(7, said(7, 200, 0), at(0s));
  hold(1s);
  EXPECT_EQ(plan.deadline(), at(1s) + RepeatPlan::kShortest);
}

TEST_F(RepeatPlanTest, ReleasesInTheNextTurnWhatChangedAtTheEndOfThisOne) {
  plan.heard(7, said(7, 200), at(0s));
  hold(1s);
  plan.forget(7, at(1100ms));
  EXPECT_EQ(plan.deadline(), at(1100ms));
}

TEST_F(RepeatPlanTest, TriesAgainWhenItIsTold) {
  plan.heard(7, said(7, 200), at(0s));
  plan.on_held({}, at(1s));
  EXPECT_FALSE(plan.deadline());
  plan.try_again(at(2s));
  EXPECT_EQ(plan.deadline(), at(3s));
}

TEST_F(RepeatPlanTest, DoesNotAskAKernelAgainThatRefuses) {
  plan.heard(7, said(7, 200), at(0s));
  plan.on_released(at(1s), false);
  EXPECT_FALSE(plan.deadline());
  plan.heard(7, said(7, 90), at(2s));
  EXPECT_FALSE(plan.deadline());
}

}  // namespace
}  // namespace vipra::agent
