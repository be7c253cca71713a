#include "kube_core/reflection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.hpp"

namespace vipra::kube {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Failure::Kind;
using What = Next::What;

constexpr double kHalf = 0.5;

ObjectPtr object(const std::string& name, int version, int content = 0) {
  auto made = make_object(
      {{"metadata", {{"name", name}, {"resourceVersion", std::to_string(version)}}}, {"content", content}},
      nullptr);
  VIPRA_CHECK(made.has_value());
  return *made;
}
WatchEvent changed(WatchEvent::Type type, const std::string& name, int version, int content = 0) {
  WatchEvent out;
  out.type = type;
  out.object = object(name, version, content);
  out.resource_version = std::to_string(version);
  return out;
}
WatchEvent bookmark(int version, bool end = false) {
  WatchEvent out;
  out.type = WatchEvent::Type::kBookmark;
  out.resource_version = std::to_string(version);
  out.initial_events_end = end;
  return out;
}
WatchEvent stream_error(int code) {
  WatchEvent out;
  out.code = code;
  return out;
}
Failure status(int code, std::optional<Duration> retry_after = {}) {
  return {Kind::kStatus, code, retry_after, "said the server"};
}
const Failure kCut{Kind::kConnection, 0, {}, "cut"};
const Failure kNonsense{Kind::kGarbage, 0, {}, "nonsense"};

std::vector<std::string> keys(const std::vector<ObjectPtr>& objects) {
  std::vector<std::string> out;
  for (const auto& it : objects) out.push_back(it->key);
  return out;
}

class ReflectionTest : public testing::Test {
 protected:
  static ReflectionOptions lists() {
    ReflectionOptions out;
    out.initial_events = false;
    return out;
  }
  std::vector<std::string> known() const {
    std::vector<std::string> out;
    for (const auto& [key, it] : reflection.objects()) out.push_back(key);
    return out;
  }
  Next listed(std::vector<ObjectPtr> objects, int version, const std::string& token = {}) {
    delta = {};
    return reflection.listed({std::move(objects), std::to_string(version), token}, kHalf, delta);
  }
  std::optional<Next> event(WatchEvent it) {
    delta = {};
    return reflection.event(std::move(it), kHalf, delta);
  }
  Next ended(const std::optional<Failure>& failure = {}, Duration lived = 0ns) {
    return reflection.watch_ended(failure, TimePoint{} + lived, kHalf);
  }
  // A list of a and b at 10, and the watch behind it open.
  void open() {
    (void)reflection.start(kHalf);
    (void)listed({object("a", 1), object("b", 2)}, 10);
    reflection.watch_opened(TimePoint{});
  }

  Reflection reflection{lists()};
  Delta delta;
};

TEST_F(ReflectionTest, ListsThenWatchesFromThere) {
  const auto first = reflection.start(kHalf);
  EXPECT_EQ(first.what, What::kListPage);
  EXPECT_EQ(first.limit, 500);
  EXPECT_EQ(first.after, 0ns);
  EXPECT_FALSE(reflection.state().readable);
  const auto next = listed({object("b", 2), object("a", 1)}, 10);
  EXPECT_EQ(next.what, What::kWatch);
  EXPECT_EQ(next.resource_version, "10");
  EXPECT_FALSE(next.initial_events);
  EXPECT_GE(next.timeout, 5min);
  EXPECT_LE(next.timeout, 10min);
  ASSERT_TRUE(delta.first);
  EXPECT_THAT(keys(*delta.first), ElementsAre("a", "b"));
  EXPECT_TRUE(reflection.state().readable);
}

TEST_F(ReflectionTest, ReadsAllPagesBeforeItSaysAnything) {
  (void)reflection.start(kHalf);
  const auto second = listed({object("a", 1)}, 10, "token");
  EXPECT_EQ(second.what, What::kListPage);
  EXPECT_EQ(second.continue_token, "token");
  EXPECT_TRUE(delta.empty());
  EXPECT_FALSE(reflection.state().synced);
  EXPECT_EQ(listed({object("b", 2)}, 10).what, What::kWatch);
  EXPECT_THAT(keys(delta.first.value()), ElementsAre("a", "b"));
}

TEST_F(ReflectionTest, APageThatAddsNothingIsNoEndlessList) {
  (void)reflection.start(kHalf);
  (void)listed({object("a", 1)}, 10, "token");
  const auto next = listed({object("a", 1)}, 10, "token");
  EXPECT_EQ(next.continue_token, "");
  EXPECT_GT(next.after, 0ns);
  EXPECT_EQ(reflection.state().reason, Reason::kApiBadAnswer);
}

TEST_F(ReflectionTest, ARelistYieldsOnlyDifferences) {
  open();
  EXPECT_EQ(event(stream_error(410))->what, What::kListPage);
  (void)listed({object("a", 1), object("c", 11)}, 12);
  EXPECT_FALSE(delta.first);
  EXPECT_THAT(keys(delta.upserted), ElementsAre("c"));
  EXPECT_THAT(delta.removed, ElementsAre("b"));
  (void)event(stream_error(410));
  (void)listed({object("a", 1), object("c", 11)}, 12);
  EXPECT_TRUE(delta.empty());
}

TEST_F(ReflectionTest, AnObjectOfAnotherVersionButTheSameContentHasNotChanged) {
  open();
  EXPECT_FALSE(event(changed(WatchEvent::Type::kModified, "a", 11)));
  EXPECT_TRUE(delta.empty());
  (void)event(changed(WatchEvent::Type::kModified, "a", 12, 7));
  EXPECT_THAT(keys(delta.upserted), ElementsAre("a"));
}

TEST_F(ReflectionTest, FollowsEventsAndGoesOnFromTheLastOne) {
  open();
  (void)event(changed(WatchEvent::Type::kAdded, "c", 11));
  EXPECT_THAT(keys(delta.upserted), ElementsAre("c"));
  (void)event(changed(WatchEvent::Type::kDeleted, "a", 12));
  EXPECT_THAT(delta.removed, ElementsAre("a"));
  (void)event(changed(WatchEvent::Type::kDeleted, "nobody", 13));
  EXPECT_TRUE(delta.empty());
  (void)event(bookmark(20));
  const auto next = ended();
  EXPECT_EQ(next.what, What::kWatch);
  EXPECT_EQ(next.resource_version, "20");
  EXPECT_EQ(next.after, 0ns);
}

TEST_F(ReflectionTest, Http410ListsAgainAndTakesNothingAway) {
  open();
  const auto next = ended(status(410));
  EXPECT_EQ(next.what, What::kListPage);
  EXPECT_LE(next.after, 1s);
  EXPECT_THAT(known(), ElementsAre("a", "b"));
  EXPECT_TRUE(reflection.state().readable);
}

TEST_F(ReflectionTest, NoTroubleTakesAnythingAwayAndAllOfItIsNamed) {
  struct Case {
    Failure failure;
    Reason reason;
  };
  for (const auto& [failure, reason] :
       {Case{status(403), Reason::kApiForbidden}, Case{status(401), Reason::kApiForbidden},
        Case{status(404), Reason::kApiNotFound}, Case{status(429), Reason::kApiThrottled},
        Case{status(500), Reason::kApiFailed}, Case{status(302), Reason::kApiFailed},
        Case{kNonsense, Reason::kApiBadAnswer}, Case{{Kind::kTooLarge, 0, {}, ""}, Reason::kApiBadAnswer},
        Case{kCut, Reason::kApiUnreachable}}) {
    reflection = Reflection{lists()};
    open();
    for (int i = 0; i < 30; ++i) {
      const auto next = ended(failure);
      EXPECT_GT(next.after, 0ns);
      (void)reflection.list_failed(failure, kHalf);
    }
    EXPECT_THAT(known(), ElementsAre("a", "b"));
    EXPECT_FALSE(reflection.state().readable);
    EXPECT_EQ(reflection.state().reason, reason);
    (void)listed({object("a", 1), object("b", 2)}, 10);
    EXPECT_TRUE(delta.empty());
  }
}

TEST_F(ReflectionTest, BacksOffToTwoSecondsFiveOrThirtyWithJitter) {
  const auto longest = [&](const Failure& failure, double random) {
    Reflection fresh{lists()};
    Duration out{};
    (void)fresh.start(random);
    for (int i = 0; i < 20; ++i) out = std::max(out, fresh.list_failed(failure, random).after);
    return out;
  };
  EXPECT_EQ(longest(kCut, 0), 1s);
  EXPECT_GT(longest(kCut, 0.99), 1900ms);
  EXPECT_LE(longest(kCut, 0.99), 2s);
  for (const int code : {403, 404, 429}) {
    EXPECT_EQ(longest(status(code), 0), 15s) << code;
    EXPECT_LE(longest(status(code), 0.99), 30s) << code;
  }
  EXPECT_LE(longest(status(503), 0.99), 5s);
  (void)reflection.start(kHalf);
  EXPECT_LE(reflection.list_failed(kCut, kHalf).after, 200ms);
}

TEST_F(ReflectionTest, ObeysRetryAfterUpToAMinute) {
  (void)reflection.start(kHalf);
  const auto next = reflection.list_failed(status(429, 7s), kHalf);
  EXPECT_GE(next.after, 7s);
  EXPECT_LT(next.after, 8s);
  EXPECT_LT(reflection.list_failed(status(503, 3600s), 0).after, 65s);
}

TEST_F(ReflectionTest, AWatchThatLivedStartsAgainAtOnceAndOneThatDiesAtBirthWaits) {
  open();
  EXPECT_EQ(ended({}, 2s).after, 0ns);
  reflection.watch_opened(TimePoint{});
  EXPECT_GT(ended({}, 1ms).after, 0ns);
  reflection.watch_opened(TimePoint{});
  (void)event(bookmark(11));
  EXPECT_EQ(ended({}, 1ms).after, 0ns);
}

TEST_F(ReflectionTest, ACutWatchIsNoBadHealthUntilTheNextTryFails) {
  open();
  (void)event(bookmark(11));
  const auto next = ended(kCut, 2s);
  EXPECT_EQ(next.what, What::kWatch);
  EXPECT_TRUE(reflection.state().readable);
  (void)ended(kCut);
  EXPECT_FALSE(reflection.state().readable);
  reflection.watch_opened(TimePoint{});
  EXPECT_TRUE(reflection.state().readable);
}

TEST_F(ReflectionTest, AfterNonsenseAnOpenWatchAloneIsNoGoodNews) {
  open();
  EXPECT_EQ(ended(kNonsense).what, What::kListPage);
  (void)listed({object("a", 1), object("b", 2)}, 12);
  reflection.watch_opened(TimePoint{});
  EXPECT_FALSE(reflection.state().readable);
  (void)event(bookmark(13));
  EXPECT_TRUE(reflection.state().readable);
}

TEST_F(ReflectionTest, AnAnswerThatIsTooLargeMakesPagesSmaller) {
  (void)reflection.start(kHalf);
  EXPECT_EQ(reflection.list_failed({Kind::kTooLarge, 0, {}, ""}, kHalf).limit, 250);
  for (int i = 0; i < 10; ++i) (void)reflection.list_failed({Kind::kTooLarge, 0, {}, ""}, kHalf);
  EXPECT_EQ(reflection.list_failed({Kind::kTooLarge, 0, {}, ""}, kHalf).limit, 10);
}

TEST_F(ReflectionTest, TooManyObjectsAreRefusedAndNamed) {
  auto options = lists();
  options.max_objects = 2;
  reflection = Reflection{options};
  open();
  const auto next = event(changed(WatchEvent::Type::kAdded, "c", 11));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->what, What::kListPage);
  EXPECT_GT(next->after, 0ns);
  EXPECT_FALSE(reflection.state().readable);
}

TEST_F(ReflectionTest, AListThatFailsInTheMiddleTakesNothingAway) {
  open();
  (void)event(stream_error(410));
  (void)listed({object("a", 1)}, 12, "token");
  EXPECT_TRUE(delta.removed.empty());
  const auto next = reflection.list_failed(status(410), kHalf);
  EXPECT_EQ(next.what, What::kListPage);
  EXPECT_EQ(next.continue_token, "");
  EXPECT_THAT(known(), ElementsAre("a", "b"));
}

class InitialEventsTest : public ReflectionTest {
 protected:
  InitialEventsTest() { reflection = Reflection{ReflectionOptions{}}; }
};

TEST_F(InitialEventsTest, TakeThePlaceOfTheList) {
  const auto first = reflection.start(kHalf);
  EXPECT_EQ(first.what, What::kWatch);
  EXPECT_TRUE(first.initial_events);
  EXPECT_EQ(first.resource_version, "");
  reflection.watch_opened(TimePoint{});
  EXPECT_FALSE(reflection.state().readable);
  (void)event(changed(WatchEvent::Type::kAdded, "a", 1));
  EXPECT_TRUE(delta.empty());
  (void)event(bookmark(10, true));
  EXPECT_THAT(keys(delta.first.value()), ElementsAre("a"));
  EXPECT_TRUE(reflection.state().readable);
  EXPECT_FALSE(reflection.reading_initial_events());
  EXPECT_EQ(ended({}, 2s).resource_version, "10");
}

TEST_F(InitialEventsTest, TakeAwayOnlyAtTheirEnd) {
  (void)reflection.start(kHalf);
  reflection.watch_opened(TimePoint{});
  (void)event(changed(WatchEvent::Type::kAdded, "a", 1));
  (void)event(changed(WatchEvent::Type::kAdded, "b", 2));
  (void)event(bookmark(10, true));
  const auto again = event(stream_error(410));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->initial_events);
  reflection.watch_opened(TimePoint{});
  (void)event(changed(WatchEvent::Type::kAdded, "b", 2));
  EXPECT_TRUE(delta.empty());
  (void)ended(kCut, 2s);
  EXPECT_THAT(known(), ElementsAre("a", "b"));
  reflection.watch_opened(TimePoint{});
  (void)event(changed(WatchEvent::Type::kAdded, "b", 2));
  (void)event(bookmark(12, true));
  EXPECT_THAT(delta.removed, ElementsAre("a"));
}

TEST_F(InitialEventsTest, AreNotAskedForAgainOnceRefused) {
  for (const int code : {400, 422}) {
    reflection = Reflection{ReflectionOptions{}};
    (void)reflection.start(kHalf);
    const auto next = ended(status(code));
    EXPECT_EQ(next.what, What::kListPage);
    EXPECT_EQ(next.after, 0ns);
    EXPECT_EQ(reflection.state().reason, Reason::kNone);
    (void)listed({object("a", 1)}, 10);
    EXPECT_EQ(ended(status(410)).what, What::kListPage);
  }
}

TEST_F(InitialEventsTest, WithoutAnEndFallBackToAList) {
  (void)reflection.start(kHalf);
  reflection.watch_opened(TimePoint{});
  (void)event(changed(WatchEvent::Type::kAdded, "a", 1));
  EXPECT_EQ(ended({}, 10s).what, What::kWatch);
  reflection.watch_opened(TimePoint{});
  EXPECT_EQ(ended({}, 10s).what, What::kListPage);
}

}  // namespace
}  // namespace vipra::kube
