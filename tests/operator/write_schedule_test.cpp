#include "operator/write_schedule.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace vipra::cluster {
namespace {

using namespace std::chrono_literals;

Status owned_by(const std::string& node) {
  Status status;
  status.owner = node;
  return status;
}

struct WriteScheduleTest : testing::Test {
  TimePoint now{1000s};
  ScheduleOptions options;
  WriteSchedule schedule{options};

  void SetUp() override { schedule.observed("u", "web", "1", Status{}, now); }
  void want(const std::string& node, double random = 0.5) {
    schedule.wanted("u", owned_by(node), now, random);
  }
};

TEST_F(WriteScheduleTest, WritesWhatChangedAfterTheCoalescingTime) {
  want("a");
  EXPECT_TRUE(schedule.due(now).empty());
  EXPECT_EQ(schedule.deadline(), now + 150ms);
  now += 100ms;
  want("b");  // does not postpone it
  now += 50ms;
  const auto writes = schedule.due(now);
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].status.owner, "b");
  EXPECT_EQ(writes[0].resource_version, "1");
  EXPECT_FALSE(schedule.deadline());
}

TEST_F(WriteScheduleTest, WritesNothingThatIsThereAlready) {
  schedule.wanted("u", Status{}, now, 0);
  EXPECT_FALSE(schedule.deadline());
  want("a");
  schedule.wanted("u", Status{}, now, 0);  // back again before it was written
  EXPECT_FALSE(schedule.deadline());
  schedule.wanted("unknown", owned_by("a"), now, 0);
  EXPECT_TRUE(schedule.due(now + 1h).empty());
}

TEST_F(WriteScheduleTest, AnOldCacheIsNoReasonToWriteAgain) {
  want("a");
  now += 200ms;
  ASSERT_EQ(schedule.due(now).size(), 1u);
  schedule.written("u", "5", now);
  schedule.observed("u", "web", "1", Status{}, now + 1ms);  // from before our write
  want("a");
  EXPECT_FALSE(schedule.deadline());
  schedule.observed("u", "web", "5", owned_by("a"), now + 2ms);
  want("a");
  EXPECT_FALSE(schedule.deadline());
  schedule.observed("u", "web", "6", owned_by("stranger"), now + 3ms);  // somebody else wrote
  want("a");
  EXPECT_TRUE(schedule.deadline());
}

TEST_F(WriteScheduleTest, ACacheThatNeverShowsOurWriteIsBelievedAfterAWhile) {
  want("a");
  ASSERT_EQ(schedule.due(now + 1s).size(), 1u);
  schedule.written("u", "5", now + 1s);
  schedule.observed("u", "web", "7", Status{}, now + 1s + options.cache_lag);
  want("a");
  EXPECT_TRUE(schedule.deadline());
}

// The watch was faster than the answer, and then the object was edited: that edit must not be taken for old.
TEST_F(WriteScheduleTest, AnEchoBeforeTheAnswerIsAnEchoToo) {
  want("a");
  now += 200ms;
  ASSERT_EQ(schedule.due(now).size(), 1u);
  schedule.observed("u", "web", "5", owned_by("a"), now);
  schedule.written("u", "5", now);
  schedule.observed("u", "web", "6", owned_by("a"), now + 1ms);
  want("b");
  const auto writes = schedule.due(now + 1s);
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].resource_version, "6");
}

// The echo never came alone (a relist, for example), and the cache shows nothing a second time.
TEST_F(WriteScheduleTest, WhatTheCacheShowedInsteadOfTheEchoIsUsedAfterAConflict) {
  want("a");
  now += 200ms;
  ASSERT_EQ(schedule.due(now).size(), 1u);
  schedule.written("u", "5", now);
  schedule.observed("u", "web", "7", owned_by("x"), now + 1ms);
  want("b");
  now += 1s;
  ASSERT_EQ(schedule.due(now).size(), 1u);
  schedule.conflicted("u", now, 0.5);
  const auto again = schedule.due(now + 5s);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].resource_version, "7");
  EXPECT_EQ(again[0].status.owner, "b");
}

TEST_F(WriteScheduleTest, OneWriteOfAnObjectAtATime) {
  want("a");
  ASSERT_EQ(schedule.due(now + 1s).size(), 1u);
  want("b");
  EXPECT_TRUE(schedule.due(now + 2s).empty());
  schedule.written("u", "2", now + 2s);
  const auto next = schedule.due(now + 2s);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].status.owner, "b");
  EXPECT_EQ(next[0].resource_version, "2");
}

TEST_F(WriteScheduleTest, AFailureIsTriedAgainLaterAndLaterAndAsTheServerAsks) {
  want("a");
  now += 1s;
  Duration last{};
  for (int i = 0; i < 4; ++i) {
    now = std::max(now, schedule.deadline().value_or(now));
    ASSERT_EQ(schedule.due(now).size(), 1u) << i;
    schedule.failed("u", {}, now, 0.99);
    const auto wait = *schedule.deadline() - now;
    EXPECT_GT(wait, last);
    last = wait;
  }
  now = *schedule.deadline();
  ASSERT_EQ(schedule.due(now).size(), 1u);
  schedule.failed("u", 7s, now, 0.5);
  EXPECT_GE(*schedule.deadline(), now + 7s);
}

TEST_F(WriteScheduleTest, WhatWasPostponedComesAgainSoonHoweverOften) {
  want("a");
  now += 200ms;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(schedule.due(now).size(), 1u) << i;
    schedule.postponed("u", 250ms, now);
    EXPECT_EQ(schedule.deadline(), now + 250ms);
    now += 250ms;
  }
}

TEST_F(WriteScheduleTest, AConflictIsTriedAgainWithWhatTheCacheShowsThen) {
  want("a");
  now += 1s;
  ASSERT_EQ(schedule.due(now).size(), 1u);
  schedule.conflicted("u", now, 0.5);
  schedule.observed("u", "web", "9", Status{}, now);
  now = *schedule.deadline();
  const auto writes = schedule.due(now);
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].resource_version, "9");
  // It was our own write after all: the cache shows it, nothing is left to do.
  schedule.conflicted("u", now, 0.5);
  schedule.observed("u", "web", "10", owned_by("a"), now);
  EXPECT_FALSE(schedule.deadline());
}

TEST_F(WriteScheduleTest, AFlappingObjectIsWrittenAtABoundedRate) {
  int writes = 0;
  for (int i = 0; i < 400; ++i) {  // 100 s
    now += 150ms;
    want(i % 2 ? "a" : "b", 0);
    now += 100ms;
    for (const auto& write : schedule.due(now)) {
      ++writes;
      schedule.written(write.uid, std::to_string(i), now);
    }
  }
  EXPECT_LE(writes, 5 + 50 + 1);
  EXPECT_GE(writes, 40);
}

TEST_F(WriteScheduleTest, WritesUnderWayAreBoundedAndNobodyStarves) {
  for (int i = 0; i < 100; ++i) {
    const auto uid = std::to_string(i);
    schedule.observed(uid, uid, "1", Status{}, now);
    schedule.wanted(uid, owned_by("a"), now, 0);
  }
  now += 1s;
  std::size_t written = 0;
  while (written < 100) {
    const auto writes = schedule.due(now);
    ASSERT_FALSE(writes.empty());
    EXPECT_LE(writes.size(), options.max_in_flight);
    EXPECT_FALSE(writes.size() == options.max_in_flight && schedule.deadline());
    for (const auto& write : writes) schedule.written(write.uid, "2", now);
    written += writes.size();
  }
  EXPECT_EQ(written, 100u);
  EXPECT_EQ(schedule.in_flight(), 0u);
}

TEST_F(WriteScheduleTest, AnObjectThatWentWhileBeingWrittenIsForgotten) {
  want("a");
  ASSERT_EQ(schedule.due(now + 1s).size(), 1u);
  schedule.gone("u");
  EXPECT_EQ(schedule.in_flight(), 0u);
  schedule.written("u", "2", now + 1s);
  EXPECT_EQ(schedule.in_flight(), 0u);
}

}  // namespace
}  // namespace vipra::cluster
