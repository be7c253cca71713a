#include "announce/announcer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "tests/base/allocation_count.hpp"

namespace vipra::announce {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct Sent {
  Duration at{};
  RouterIndex router = 0;
  std::uint32_t address = 0;
};

class Recorder final : public Sink {
 public:
  explicit Recorder(std::size_t expected) { sent_.reserve(expected); }
  void announce(RouterIndex router, std::uint32_t address) override {
    sent_.push_back({now_, router, address});
  }

  Duration now_{};
  std::vector<Sent> sent_;
};

// An interface whose clock is a variable: it wakes exactly at each deadline, and at each input.
class Interface : public testing::Test {
 protected:
  static constexpr TimePoint kStart{100h};

  void run_until(Duration end) {
    while (true) {
      const auto deadline = announcer_.deadline();
      if (!deadline || *deadline > kStart + end) break;
      now_ = std::max(now_, *deadline - kStart);
      step();
      ASSERT_LT(++steps_, 1'000'000) << "the deadline does not move on";
    }
    now_ = end;
  }
  void step() {
    recorder_.now_ = now_;
    announcer_.step(kStart + now_, recorder_);
  }
  void start(RouterIndex router) { announcer_.start(router, kStart + now_); }
  void evidence(RouterIndex router) { announcer_.evidence(router, kStart + now_); }

  // In whole milliseconds, for one router and address.
  [[nodiscard]] std::vector<int> times(RouterIndex router, std::uint32_t address = 0) const {
    std::vector<int> out;
    for (const auto& sent : recorder_.sent_) {
      if (sent.router == router && sent.address == address) out.push_back(static_cast<int>(sent.at / 1ms));
    }
    return out;
  }
  [[nodiscard]] const std::vector<Sent>& sent() const { return recorder_.sent_; }

  Announcer announcer_;
  Recorder recorder_{100'000};
  Duration now_{};
  int steps_ = 0;
};

TEST_F(Interface, WithoutMastersIsSilent) {
  EXPECT_EQ(announcer_.deadline(), std::nullopt);
  announcer_.add(1, for_family(Family::kIpv4), 1);
  EXPECT_EQ(announcer_.deadline(), std::nullopt);
  EXPECT_FALSE(announcer_.announcing(1));
  evidence(1), evidence(2);
  announcer_.stop(2), announcer_.remove(2);
  run_until(120s);
  EXPECT_THAT(sent(), IsEmpty());
}

struct Script {
  const char* name;
  Family family;
  std::vector<Duration> evidence;
  Duration end;
  std::vector<int> announced_ms;
};

void PrintTo(const Script& script, std::ostream* out) {
  *out << script.name;
}

class Scripted : public Interface, public testing::WithParamInterface<Script> {};

TEST_P(Scripted, AnnouncesAtTheTimesOfTheTable) {
  const auto& script = GetParam();
  announcer_.add(7, for_family(script.family), 1);
  start(7);
  EXPECT_EQ(announcer_.deadline(), kStart);
  for (const auto at : script.evidence) {
    run_until(at);
    evidence(7);
    step();
  }
  run_until(script.end);
  EXPECT_EQ(times(7), script.announced_ms);
}

INSTANTIATE_TEST_SUITE_P(
    , Scripted,
    testing::Values(
        Script{"ScheduleOfIpv4", Family::kIpv4, {}, 130s, {0, 100, 1000, 5000, 65000, 125000}},
        Script{"ScheduleOfIpv6", Family::kIpv6, {}, 130s, {0, 1000, 2000, 62000, 122000}},
        // At once, a second and (IPv4) five seconds later, and the refresh a minute after that.
        Script{
            "EvidenceForIpv4", Family::kIpv4, {30s}, 100s, {0, 100, 1000, 5000, 30000, 31000, 35000, 95000}},
        Script{
            "EvidenceForIpv4AmongRepeats", Family::kIpv4, {50ms}, 10s, {0, 50, 100, 1000, 1050, 5000, 5050}},
        Script{"EvidenceForIpv6", Family::kIpv6, {30s}, 95s, {0, 1000, 2000, 30000, 31000, 91000}},
        // What is brought forward replaces the repeat that it meets.
        Script{"EvidenceForIpv6AmongRepeats", Family::kIpv6, {300ms}, 10s, {0, 1000, 2000}},
        Script{
            "EvidenceForIpv6BehindTheLastRepeat", Family::kIpv6, {2300ms}, 10s, {0, 1000, 2000, 3000, 4000}},
        Script{"TwiceWithinASecond",
               Family::kIpv4,
               {30s, 30400ms},
               60s,
               {0, 100, 1000, 5000, 30000, 31000, 32000, 36000}},
        Script{"TwiceWithinASecondIpv6",
               Family::kIpv6,
               {30s, 30400ms},
               60s,
               {0, 1000, 2000, 30000, 31000, 32000}}),
    [](const auto& script) { return std::string{script.param.name}; });

TEST_F(Interface, ServesEvidenceWithTheRoundThatIsDueAnyway) {
  announcer_.add(1, for_family(Family::kIpv4), 1);
  start(1), evidence(1);
  run_until(10s);
  EXPECT_THAT(times(1), ElementsAre(0, 100, 1000, 5000));  // its follow-ups fall on the repeats
}

TEST_F(Interface, StartsTheScheduleAgainAtEveryPromotion) {
  announcer_.add(1, for_family(Family::kIpv4), 1);
  start(1);
  run_until(10s);
  announcer_.stop(1);
  run_until(20s);
  start(1);
  run_until(30s);
  EXPECT_THAT(times(1), ElementsAre(0, 100, 1000, 5000, 20000, 20100, 21000, 25000));
}

TEST_F(Interface, StopsAtOnce) {
  announcer_.add(1, for_family(Family::kIpv4), 1000);
  announcer_.add(2, for_family(Family::kIpv6), 1);
  start(1);
  run_until(0s);
  EXPECT_EQ(sent().size(), 300u);  // in the middle of the first round
  announcer_.stop(1);
  EXPECT_FALSE(announcer_.announcing(1));
  evidence(1);
  run_until(200s);
  EXPECT_EQ(sent().size(), 300u);
  EXPECT_EQ(announcer_.deadline(), std::nullopt);
}

TEST_F(Interface, ForgetsWhatIsRemoved) {
  announcer_.add(1, for_family(Family::kIpv4), 1000);
  announcer_.add(2, for_family(Family::kIpv4), 1);
  start(1), start(2);
  run_until(0s);
  announcer_.remove(1);
  const auto before = sent().size();
  announcer_.add(3, for_family(Family::kIpv6), 1);  // takes the place of 1
  start(3);
  run_until(10s);
  EXPECT_TRUE(std::all_of(sent().begin() + static_cast<std::ptrdiff_t>(before), sent().end(),
                          [](const Sent& s) { return s.router != 1; }));
  EXPECT_THAT(times(3).size(), 3u);
  EXPECT_THAT(times(2), ElementsAre(0, 100, 1000, 5000));
}

TEST_F(Interface, NeverSendsTwoAdvertisementsForOneIpv6AddressWithinASecond) {
  constexpr std::uint32_t kAddresses = 7;
  announcer_.add(1, for_family(Family::kIpv6), kAddresses);
  for (int i = 0; i < 400; ++i) {  // flaps and evidence, at odd distances
    run_until(i * 137ms);
    if (i % 5 == 0) start(1);
    if (i % 5 == 3) announcer_.stop(1);
    evidence(1);
    step();
  }
  for (std::uint32_t address = 0; address < kAddresses; ++address) {
    const auto at = times(1, address);
    ASSERT_GT(at.size(), 10u);
    for (std::size_t i = 1; i < at.size(); ++i) EXPECT_GE(at[i] - at[i - 1], 1000);
  }
}

// The first round waits for the bucket, the second finds it full: address by address, the second must wait.
TEST_F(Interface, KeepsTheSecondOfEachIpv6AddressWhenTheBucketSpreadTheFirst) {
  constexpr std::uint32_t kAddresses = 100;
  announcer_.add(1, for_family(Family::kIpv4), static_cast<std::uint32_t>(kBurst));
  announcer_.add(2, for_family(Family::kIpv6), kAddresses);
  start(1);
  step();
  announcer_.stop(1);
  start(2);
  run_until(10s);
  EXPECT_GT(times(2, kAddresses - 1).at(0), 100);
  for (std::uint32_t address = 0; address < kAddresses; ++address) {
    const auto at = times(2, address);
    ASSERT_EQ(at.size(), 3u);
    EXPECT_EQ(at[1] - at[0], 1000);
    EXPECT_EQ(at[2] - at[1], 1000);
  }
}

TEST_F(Interface, AnnouncesAReturningIpv6AddressAsSoonAsTheSecondIsOver) {
  announcer_.add(1, for_family(Family::kIpv6), 1);
  start(1);
  run_until(300ms);
  announcer_.stop(1);
  start(1);
  run_until(400ms);
  EXPECT_THAT(times(1), ElementsAre(0));
  run_until(1s);
  EXPECT_THAT(times(1), ElementsAre(0, 1000));
}

TEST_F(Interface, AnnouncesAReturningIpv4AddressAtOnce) {
  announcer_.add(1, for_family(Family::kIpv4), 1);
  start(1);
  run_until(30ms);
  announcer_.stop(1);
  start(1);
  step();
  EXPECT_THAT(times(1), ElementsAre(0, 30));
}

TEST_F(Interface, WithAThousandAddressesFinishesFirstRoundsBeforeAnyRepeat) {
  for (RouterIndex router = 0; router < 250; ++router) {
    announcer_.add(router, for_family(router % 2 == 0 ? Family::kIpv4 : Family::kIpv6), 4);
    start(router);
  }
  run_until(20s);
  std::map<std::pair<RouterIndex, std::uint32_t>, int> count;
  std::size_t first_rounds = 0;
  for (const auto& s : sent()) {
    if (count[{s.router, s.address}]++ != 0) {
      ASSERT_EQ(first_rounds, 1000u) << "a repeat at " << s.at / 1ms << " ms";
    } else {
      ++first_rounds;
    }
  }
  ASSERT_EQ(count.size(), 1000u);
  for (const auto& [address, times] : count) EXPECT_EQ(times, address.first % 2 == 0 ? 4 : 3);
  EXPECT_EQ(sent()[999].at, 1400ms);  // 300 at once, 700 at 500 a second
}

TEST_F(Interface, PutsALateStartBeforeTheRepeatsOfOthers) {
  announcer_.add(1, for_family(Family::kIpv4), 1000);
  announcer_.add(2, for_family(Family::kIpv4), 3);
  start(1);
  run_until(1500ms);  // through the first round, deep in the second
  start(2);
  run_until(1506ms);
  EXPECT_THAT(times(2, 0).size(), 1u);
  EXPECT_THAT(times(2, 2).size(), 1u);
}

TEST_F(Interface, LetsALargeRouterHoldUpNobody) {
  announcer_.add(1, for_family(Family::kIpv4), 1000);
  announcer_.add(2, for_family(Family::kIpv6), 1);
  announcer_.add(3, for_family(Family::kIpv4), 2);
  start(1), start(2), start(3);
  step();
  EXPECT_THAT(times(2), ElementsAre(0));
  EXPECT_THAT(times(3, 1), ElementsAre(0));
}

TEST_F(Interface, NeverSendsMoreThanTheBucketAllows) {
  for (RouterIndex router = 0; router < 250; ++router) announcer_.add(router, for_family(Family::kIpv4), 4);
  for (int i = 0; i < 300; ++i) {
    run_until(i * 31ms);
    for (RouterIndex router = 0; router < 250; ++router) {
      if (i % 50 == 0) start(router);
      evidence(router);
    }
    step();
    ASSERT_LE(static_cast<std::int64_t>(sent().size()), 300 + now_ / 2ms);
  }
  EXPECT_GT(static_cast<std::int64_t>(sent().size()), 290 + now_ / 2ms);  // and uses what it has
}

TEST_F(Interface, SurvivesAStormOfEvidenceWithOneRoundASecond) {
  announcer_.add(1, for_family(Family::kIpv4), 1);
  announcer_.add(2, for_family(Family::kIpv6), 1);
  start(1), start(2);
  run_until(10s);
  const auto before = sent().size();
  for (int i = 0; i < 10'000; ++i) {
    run_until(10s + i * 1ms);
    evidence(1), evidence(2);
    step();
  }
  EXPECT_EQ(sent().size() - before, 2 * 10u);
  EXPECT_THAT(times(1), ElementsAre(0, 100, 1000, 5000, 10000, 11000, 12000, 13000, 14000, 15000, 16000,
                                    17000, 18000, 19000));
  run_until(40s);  // the storm is over: the last word is ours, and then it is quiet
  EXPECT_EQ(sent().size() - before, 13u + 12u);
}

TEST_F(Interface, DoesNotMoveOthersByEvidence) {
  announcer_.add(1, for_family(Family::kIpv4), 1);
  announcer_.add(2, for_family(Family::kIpv4), 1);
  start(1), start(2);
  run_until(7s);
  for (int i = 0; i < 1000; ++i) {
    run_until(7s + i * 10ms);
    evidence(1);
    step();
  }
  run_until(66s);
  EXPECT_THAT(times(2), ElementsAre(0, 100, 1000, 5000, 65000));
}

TEST_F(Interface, DefendsAnAddressAtOnceAndThenOnceInTenSeconds) {
  announcer_.add(1, for_family(Family::kIpv4), 2);
  start(1);
  run_until(10s);
  const auto before = sent().size();
  for (int i = 0; i < 25'000; ++i) {
    run_until(10s + i * 1ms);
    announcer_.defend(1, 1, kStart + now_);
    step();
  }
  EXPECT_EQ(sent().size() - before, 3u);
  EXPECT_THAT(times(1, 0), ElementsAre(0, 100, 1000, 5000));
  run_until(60s);  // what came since the last defence is answered too
  EXPECT_THAT(times(1, 1), ElementsAre(0, 100, 1000, 5000, 10000, 20000, 30000, 40000));
}

TEST_F(Interface, DefendsEachAddressByItself) {
  announcer_.add(1, for_family(Family::kIpv4), 3);
  start(1);
  run_until(10s);
  announcer_.defend(1, 2, kStart + now_);
  run_until(12s);
  announcer_.defend(1, 0, kStart + now_);
  announcer_.defend(1, 2, kStart + now_);
  announcer_.defend(1, 3, kStart + now_);  // there is none
  announcer_.defend(2, 0, kStart + now_);  // nor this router
  run_until(30s);
  EXPECT_THAT(times(1, 0), ElementsAre(0, 100, 1000, 5000, 12000));
  EXPECT_THAT(times(1, 1), ElementsAre(0, 100, 1000, 5000));
  EXPECT_THAT(times(1, 2), ElementsAre(0, 100, 1000, 5000, 10000, 20000));
}

TEST_F(Interface, KeepsTheSecondOfAnIpv6AddressWhenItIsDefended) {
  announcer_.add(1, for_family(Family::kIpv6), 1);
  start(1);
  run_until(2300ms);
  announcer_.defend(1, 0, kStart + now_);
  run_until(10s);
  EXPECT_THAT(times(1), ElementsAre(0, 1000, 2000, 3000));
}

TEST_F(Interface, DefendsNothingThatItDoesNotAnnounce) {
  announcer_.add(1, for_family(Family::kIpv4), 1);
  announcer_.defend(1, 0, kStart);
  start(1);
  run_until(10s);
  announcer_.defend(1, 0, kStart + now_);
  run_until(11s);
  announcer_.defend(1, 0, kStart + now_);  // due in nine seconds
  announcer_.stop(1);
  run_until(60s);
  EXPECT_THAT(times(1), ElementsAre(0, 100, 1000, 5000, 10000));
  EXPECT_EQ(announcer_.deadline(), std::nullopt);
}

TEST_F(Interface, TakesOtherFiguresAtOnceAndRepeatsNothing) {
  auto schedule = for_family(Family::kIpv4);
  announcer_.add(1, schedule, 1);
  announcer_.add(2, schedule, 1);
  start(1), start(2);
  run_until(3s);
  schedule.repeats = {};
  for (const auto at : {2s, 4s, 20s}) schedule.repeats.push_back(at);
  schedule.refresh = 10s;
  announcer_.configure(1, schedule);
  run_until(50s);
  EXPECT_THAT(times(1), ElementsAre(0, 100, 1000, 3000, 4000, 20000, 30000, 40000, 50000));
  schedule.refresh = 2s;
  run_until(55s);
  announcer_.configure(1, schedule);
  run_until(58s);
  EXPECT_EQ(times(1).back(), 57000);
  EXPECT_THAT(times(2), ElementsAre(0, 100, 1000, 5000));
}

TEST_F(Interface, OfOtherFiguresAStoppedRouterKeepsSilent) {
  announcer_.add(1, for_family(Family::kIpv4), 1);
  auto schedule = for_family(Family::kIpv4);
  schedule.repeats = {};
  announcer_.configure(1, schedule);
  announcer_.configure(2, schedule);
  run_until(10s);
  EXPECT_THAT(sent(), IsEmpty());
  start(1);
  run_until(60s);
  EXPECT_THAT(times(1), ElementsAre(10000));
}

TEST_F(Interface, AShorterGapForEvidenceIsTakenAtOnce) {
  auto schedule = for_family(Family::kIpv4);
  schedule.evidence_gap = 30s;
  announcer_.add(1, schedule, 1);
  start(1);
  run_until(10s);
  evidence(1);
  run_until(12s);
  evidence(1);
  step();
  schedule.evidence_gap = 1s;
  announcer_.configure(1, schedule);
  run_until(30s);
  EXPECT_THAT(times(1), ElementsAre(0, 100, 1000, 5000, 10000, 12000, 13000, 17000));
}

TEST_F(Interface, DoesNotFireMissedRepeatsTogetherAfterAStall) {
  announcer_.add(1, for_family(Family::kIpv4), 1);
  start(1);
  run_until(50ms);
  now_ = 20s;  // suspended
  step();
  run_until(21s);
  EXPECT_THAT(times(1), ElementsAre(0, 20000, 20100, 20200));
}

TEST_F(Interface, AnnouncesNewAddressesFirst) {
  announcer_.add(1, for_family(Family::kIpv4), 2);
  start(1);
  run_until(10s);
  const auto before = sent().size();
  announcer_.resize(1, 4, kStart + now_);
  step();
  ASSERT_EQ(sent().size(), before + 4);
  EXPECT_EQ(sent()[before].address, 2u);
  EXPECT_EQ(sent()[before + 1].address, 3u);
  announcer_.resize(1, 1, kStart + now_);
  run_until(20s);
  EXPECT_EQ(sent().back().address, 0u);
  EXPECT_TRUE(announcer_.announcing(1));
  announcer_.resize(1, 0, kStart + now_);
  EXPECT_FALSE(announcer_.announcing(1));
}

TEST_F(Interface, OfAStoppedRouterStaysSilentWhenResized) {
  announcer_.add(1, for_family(Family::kIpv4), 2);
  announcer_.resize(1, 3, kStart);
  run_until(10s);
  EXPECT_THAT(sent(), IsEmpty());
}

TEST_F(Interface, StepsWithoutTheHeap) {
  for (RouterIndex router = 0; router < 250; ++router) announcer_.add(router, for_family(Family::kIpv4), 4);
  const auto allocations = testing_support::allocations_in([&] {
    for (RouterIndex router = 0; router < 250; ++router) start(router);
    for (int i = 0; i < 200; ++i) {
      run_until(i * 100ms);
      evidence(static_cast<RouterIndex>(i));
      announcer_.defend(static_cast<RouterIndex>(i), 1, kStart + now_);
      announcer_.stop(static_cast<RouterIndex>(249 - i));
      step();
    }
  });
  EXPECT_EQ(allocations, 0u);
  EXPECT_GT(sent().size(), 1000u);
}

TEST(ScheduleOf, ADefinitionTakesItsFigures) {
  plan::Announcements figures;
  figures.repeats = {20ms, 50ms, 10s};
  figures.refresh = 30s;
  figures.evidence_interval = 3s;
  const auto schedule = schedule_of(Family::kIpv4, figures);
  ASSERT_EQ(schedule.repeats.size(), 3u);
  EXPECT_EQ(schedule.repeats[2], 10s);
  EXPECT_EQ(schedule.refresh, 30s);
  EXPECT_EQ(schedule.evidence_gap, 3s);
  EXPECT_EQ(schedule.round_gap, 20ms) << "or late rounds would be put off further";
  EXPECT_EQ(schedule.spacing, 0s);
}

TEST(ScheduleOf, WithoutRepeatsThereAreNone) {
  plan::Announcements figures;
  EXPECT_EQ(schedule_of(Family::kIpv4, figures).repeats.size(), 0u);
}

TEST(ScheduleOf, MoreRepeatsThanThereIsRoomForAreLeftOut) {
  plan::Announcements figures;
  for (int i = 1; i <= 20; ++i) figures.repeats.push_back(i * 1s);
  EXPECT_EQ(schedule_of(Family::kIpv4, figures).repeats.size(), kMaxRepeats);
}

TEST(ScheduleOf, TheSecondOfIpv6StaysWhateverIsSaid) {
  plan::Announcements figures;
  figures.repeats = {10ms, 20ms};
  figures.evidence_interval = 10ms;
  const auto schedule = schedule_of(Family::kIpv6, figures);
  EXPECT_EQ(schedule.spacing, 1s);
  EXPECT_EQ(schedule.round_gap, 1s);
  EXPECT_EQ(schedule.evidence_gap, 1s);
}

TEST_F(Interface, FiguresOfADefinitionAreKeptEvenWhereTheyAreClose) {
  plan::Announcements figures;
  figures.repeats = {20ms, 50ms, 50ms, 70ms};
  announcer_.add(1, schedule_of(Family::kIpv4, figures), 1);
  start(1);
  run_until(10s);
  EXPECT_THAT(times(1), ElementsAre(0, 20, 50, 60, 70));
}

TEST(AnnouncerDeathTest, RefusesAnIndexTwice) {
  Announcer announcer;
  announcer.add(1, for_family(Family::kIpv4), 1);
  EXPECT_DEATH(announcer.add(1, for_family(Family::kIpv4), 1), "check.failed");
}

TEST_F(Interface, AStepStopsAfterSoManyAndGoesOnAtOnce) {
  announcer_.add(1, for_family(Family::kIpv4), 200);
  start(1);
  recorder_.now_ = now_;
  announcer_.step(kStart + now_, recorder_, 64);
  EXPECT_EQ(recorder_.sent_.size(), 64u);
  EXPECT_EQ(announcer_.deadline(), kStart + now_) << "there are tokens for the rest";
  announcer_.step(kStart + now_, recorder_, 64);
  EXPECT_EQ(recorder_.sent_.size(), 128u);
  EXPECT_EQ(recorder_.sent_.back().address, 127u);
}

}  // namespace
}  // namespace vipra::announce
