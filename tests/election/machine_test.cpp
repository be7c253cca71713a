// What the traces do not cover: adoption, stalls, faults, followers, storms, and every event in every state.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/election/driver.hpp"

namespace vipra::election {
namespace {

using plan::PreemptionPolicy;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
constexpr Centiseconds k1s{100};

TEST(Adoption, AFreshCrashCostsNoMastership) {
  Driver d{150, config_1s()};
  d.now = instant(100);
  Driver::Log log;
  d.append(log, d.machine.step(d.now, Startup{Adoption{true, instant(99.5).boot}}));
  EXPECT_THAT(log,
              ElementsAre("@100 advert(150)", "@100 install", "@100 announce", "@100 Init->Master:Adopted"));
}

TEST(Adoption, AnOldOneLeavesTheAddressesToWhoeverTookThem) {
  Driver d{150, config_1s()};
  d.now = instant(100);
  Driver::Log log;
  d.append(log, d.machine.step(d.now, Startup{Adoption{true, instant(96.5).boot}}));
  EXPECT_THAT(log, ElementsAre("@100 remove", "@100 Init->Backup:Startup"));
}

TEST(Adoption, WhatWasNotMasterIsCleanedUp) {
  Driver d{150, config_1s()};
  d.now = instant(100);
  Driver::Log log;
  d.append(log, d.machine.step(d.now, Startup{Adoption{false, instant(100).boot}}));
  EXPECT_THAT(log, ElementsAre("@100 remove", "@100 Init->Backup:Startup"));
}

TEST(Stall, AMasterThatSleptLongerThanItsPeersWaitListensFirst) {
  auto d = master_at_3s();
  d.now = instant(60);
  Driver::Log log;
  d.append(log, d.machine.step(d.now, DeadlineReached{}));
  EXPECT_THAT(log, ElementsAre("@60 silence", "@60 Master->Backup:Stalled"));
  EXPECT_TRUE(d.machine.holds_addresses()) << "if nobody took over, nobody shall notice";
  EXPECT_THAT(d.until(62), Contains("@61.4140625 Backup->Master:MasterSilent"));
}

TEST(Stall, SuspendCountsEvenThoughMonotonicTimeStoodStill) {
  auto d = master_at_3s();
  const Instant woke{TimePoint{seconds(4.1)}, BootTimePoint{seconds(3600)}};
  Driver::Log log;
  d.append(log, d.machine.step(woke, DeadlineReached{}));
  EXPECT_EQ(d.machine.state(), State::kBackup);
}

TEST(Stall, ATakerHeardWhileListeningEndsTheHold) {
  auto d = master_at_3s();
  d.now = instant(60);
  (void)d.machine.step(d.now, DeadlineReached{});
  (void)d.advert(60.1, "10.0.2.1", 100, k1s);
  EXPECT_THAT(d.until(60.2), ElementsAre("@60.12 remove"));
  EXPECT_EQ(d.machine.reason(), Reason::kNotPreempting);
}

TEST(Fault, AMasterResignsAndRemovesAtOnce) {
  auto d = master_at_3s();
  EXPECT_THAT(
      d.at(4.1, Faulted{Reason::kInterfaceDown}),
      ElementsAre("@4.1 advert(0)", "@4.1 silence", "@4.1 remove", "@4.1 Master->Fault:InterfaceDown"));
  EXPECT_THAT(d.until(5), ElementsAre("@4.101 advert(0)", "@4.102 advert(0)"));
  EXPECT_THAT(d.at(6, Recovered{}), ElementsAre("@6 Fault->Backup:Startup"));
}

TEST(Fault, NothingIsHeardOrSentInIt) {
  auto d = master_at_3s();
  (void)d.at(4.1, Faulted{Reason::kInterfaceDown});
  (void)d.until(5);
  EXPECT_THAT(d.advert(6, "10.0.2.1", 10, k1s), IsEmpty());
  EXPECT_EQ(d.machine.deadline(), std::nullopt);
}

TEST(Preemption, DelayedWaitsFromTheFirstLowerAdvertisement) {
  Driver d{150, with_policy(config_1s(), PreemptionPolicy::kDelayed, 10s)};
  (void)d.at(0, Startup{});
  for (int second = 1; second <= 10; ++second) (void)d.advert(second, "10.0.2.1", 100, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 13.4140625);
  (void)d.advert(11, "10.0.2.1", 100, k1s);  // the delay is over: no longer re-armed
  (void)d.advert(12, "10.0.2.1", 100, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 13.4140625);
}

TEST(Preemption, ADelayThatIsMadeShorterCountsFromTheSameMoment) {
  auto config = with_policy(config_1s(), PreemptionPolicy::kDelayed, 1h);
  Driver d{150, config};
  (void)d.at(0, Startup{});
  for (int second = 1; second <= 10; ++second) (void)d.advert(second, "10.0.2.1", 100, k1s);
  config.preemption.delay = 5s;
  (void)d.at(10.5, ConfigChanged{config});
  (void)d.advert(11, "10.0.2.1", 100, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 13.4140625) << "it has been the better one for 10 s";
}

TEST(Preemption, TheAddressOwnerTakesOverEvenWithNever) {
  Driver d{255, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(0.5, "10.0.2.16", 255, k1s);  // a duplicate owner with the greater address
  EXPECT_EQ(d.machine.state(), State::kBackup);
  EXPECT_THAT(d.until(0.6), ElementsAre("@0.52 remove"));
  const auto before = d.deadline();
  (void)d.advert(1.5, "10.0.2.1", 100, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), before) << "a lower master does not re-arm the owner";
}

// Two masters, of which the lesser one does not hear the better one, and is the faster one.
class TwoMasters : public testing::TestWithParam<PreemptionPolicy> {};
TEST_P(TwoMasters, TheLesserOneHurriesNobodyWhoHearsTheBetterOne) {
  Driver d{103, with_policy(config_1s(), GetParam(), 400ms)};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.12", 212, k1s);
  for (int i = 1; i <= 32; ++i) (void)d.advert(1.0 + 0.1 * i, "10.0.2.13", 101, Centiseconds{10});
  EXPECT_DOUBLE_EQ(d.deadline(), 4.59765625);
  EXPECT_EQ(d.machine.heard_master(), IpAddress::v4(10, 0, 2, 12));
}
INSTANTIATE_TEST_SUITE_P(AnyPolicy, TwoMasters,
                         testing::Values(PreemptionPolicy::kNever, PreemptionPolicy::kImmediate,
                                         PreemptionPolicy::kDelayed));

TEST_P(TwoMasters, TheResignationOfOneIsNoneOfTheOther) {
  for (const int lesser : {101, 150}) {
    Driver d{120, with_policy(config_1s(), GetParam(), 10s)};
    (void)d.at(0, Startup{});
    (void)d.advert(1.0, "10.0.2.12", 212, k1s);
    (void)d.advert(1.5, "10.0.2.13", lesser, k1s);
    (void)d.advert(2.0, "10.0.2.12", 212, k1s);
    (void)d.advert(2.5, "10.0.2.13", lesser, k1s);
    for (const double when : {2.7, 2.701, 2.702}) (void)d.advert(when, "10.0.2.13", 0, k1s);
    EXPECT_DOUBLE_EQ(d.deadline(), 5.53125) << "the better one was heard at 2.0";
    (void)d.advert(3.0, "10.0.2.12", 212, k1s);
    (void)d.advert(3.1, "10.0.2.12", 0, k1s);
    EXPECT_DOUBLE_EQ(d.deadline(), 3.63125);
  }
}

TEST(Preemption, WhoResignsAgainAndAgainIsStillNoneOfTheOther) {
  Driver d{219, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.14", 254, k1s);
  for (int i = 1; i <= 5; ++i) {
    (void)d.advert(1.0 + 0.1 * i, "10.0.2.9", 1, k1s);
    (void)d.advert(1.05 + 0.1 * i, "10.0.2.9", 0, k1s);
    EXPECT_DOUBLE_EQ(d.deadline(), 4.14453125) << i;
  }
}

TEST(Preemption, OfThreeMastersNoLesserOneHurries) {
  Driver d{180, with_policy(config_1s(), PreemptionPolicy::kDelayed, 10s)};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.11", 217, Centiseconds{80});
  (void)d.advert(1.1, "10.0.2.16", 143, k1s);
  (void)d.advert(1.2, "10.0.2.13", 106, Centiseconds{10});
  EXPECT_DOUBLE_EQ(d.deadline(), 4.396875);
}

TEST(Preemption, OfThreeMastersTheBestIsNotForgotten) {
  Driver d{131, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.10", 252, k1s);
  (void)d.advert(1.1, "10.0.2.16", 137, k1s);
  (void)d.advert(1.2, "10.0.2.15", 129, k1s);
  (void)d.advert(1.3, "10.0.2.16", 0, k1s);
  (void)d.advert(1.4, "10.0.2.15", 0, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 4.48828125);
}

TEST(Preemption, TheLesserOfTwoMastersIsLeftInPlaceWhenTheBetterOneIsSilent) {
  Driver d{103, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.12", 212, k1s);
  for (int i = 1; i <= 50; ++i) (void)d.advert(1.0 + 0.1 * i, "10.0.2.13", 101, Centiseconds{10});
  EXPECT_EQ(d.machine.state(), State::kBackup);
  EXPECT_EQ(d.machine.heard_master(), IpAddress::v4(10, 0, 2, 13));
  EXPECT_DOUBLE_EQ(d.deadline(), 6.359765625);
}

// A master that yielded to a better one is silent: whoever waits for him must not wait long.
TEST(Preemption, AResignationIsNotLateForTheSakeOfAMasterWhoYielded) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.11", 150, k1s);
  (void)d.advert(1.1, "10.0.2.12", 200, k1s);
  (void)d.advert(1.2, "10.0.2.12", 0, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 2.709375) << "an interval and the skew after 1.1: he would have spoken";
}

TEST(Backup, WhatWasReadLateAndIsOlderChangesNothing) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(2.0, "10.0.2.16", 150, k1s);
  const auto before = d.deadline();
  const auto master = IpAddress::v4(10, 0, 2, 16);
  (void)d.at(2.1, AdvertReceived{master, 150, k1s, TimePoint{seconds(1.0)}});
  EXPECT_DOUBLE_EQ(d.deadline(), before);
  (void)d.at(2.2, AdvertReceived{master, vrrp::kResign, k1s, TimePoint{seconds(1.9)}});
  EXPECT_DOUBLE_EQ(d.deadline(), before) << "he has come back since";
  EXPECT_EQ(d.machine.heard_priority(), 150);
}

TEST(Stall, ABackupThatMayHaveMissedItsMasterGivesHimTimeToSpeakAgain) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.16", 150, k1s);
  (void)d.at(4.5, Stalled{3s});
  EXPECT_DOUBLE_EQ(d.deadline(), 6.109375);
  (void)d.advert(5.0, "10.0.2.16", 0, k1s);
  const auto resigned = d.deadline();
  (void)d.at(5.1, Stalled{3s});
  EXPECT_DOUBLE_EQ(d.deadline(), resigned) << "not one who has resigned";
}

TEST(Takeover, SaysHowLongTheFormerMasterHadBeenSilent) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.5, "10.0.2.16", 150, k1s);
  const auto deadline = d.machine.deadline();
  ASSERT_TRUE(deadline);
  const auto actions = d.machine.step(Driver::at_time(*deadline), DeadlineReached{});
  const auto* transition = std::get_if<Transition>(&actions[actions.size() - 1]);
  ASSERT_NE(transition, nullptr);
  EXPECT_EQ(transition->to, State::kMaster);
  EXPECT_EQ(transition->silence, *deadline - TimePoint{seconds(1.5)});
}

TEST(Takeover, OfNobodySaysNothing) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  const auto deadline = d.machine.deadline();
  ASSERT_TRUE(deadline);
  const auto actions = d.machine.step(Driver::at_time(*deadline), DeadlineReached{});
  const auto* transition = std::get_if<Transition>(&actions[actions.size() - 1]);
  ASSERT_NE(transition, nullptr);
  EXPECT_EQ(transition->silence, Duration::zero());
}

TEST(Storm, RepliesToResignationsAreBoundedToo) {
  auto d = master_at_3s();
  int replies = 0;
  for (int i = 0; i < 1000; ++i) {
    d.now = instant(4.0 + i * 0.0003);
    for (const auto& action :
         d.machine.step(d.now, AdvertReceived{*IpAddress::parse("10.0.2.1"), 0, k1s, d.now.mono})) {
      replies += std::holds_alternative<SendAdvert>(action) ? 1 : 0;
    }
  }
  EXPECT_EQ(replies, kMaxRepliesPerInterval);
  EXPECT_LT(d.deadline(), 5.001) << "what is not answered does not put off the next advertisement";
}

TEST(Takeover, AResignationThatTheTakersAdvertisementOvertookIsNotTheTakers) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.1", 200, k1s);
  (void)d.advert(1.5, "10.0.2.1", 0, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 2.109375);
  (void)d.advert(1.6, "10.0.2.2", 150, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 5.209375);
  (void)d.advert(1.601, "10.0.2.1", 0, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 5.209375);
  (void)d.advert(1.7, "10.0.2.2", 0, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 2.309375) << "its own counts";
}

TEST(Release, ForGoodIsNotTakenBackWhenTheSuccessorResigns) {
  auto d = master_at_3s();
  (void)d.at(4.0, Release{Reason::kDeleted, true});
  (void)d.until(4.01);
  (void)d.advert(4.3, "10.0.2.1", 120, k1s);
  EXPECT_THAT(d.advert(4.4, "10.0.2.1", 0, k1s), IsEmpty());
  EXPECT_EQ(d.machine.state(), State::kReleasing);
  EXPECT_THAT(d.until(9), Contains("@5.09609375 Releasing->Init:Deleted"));
}

TEST(Storm, RepliesToLosingAdvertisementsAreBounded) {
  auto d = master_at_3s();
  int replies = 0;
  for (int i = 0; i < 1000; ++i) {
    d.now = instant(4.0 + i * 0.0003);
    for (const auto& action :
         d.machine.step(d.now, AdvertReceived{*IpAddress::parse("10.0.2.1"), 10, k1s, d.now.mono})) {
      replies += std::holds_alternative<SendAdvert>(action) ? 1 : 0;
    }
  }
  EXPECT_EQ(replies, kMaxRepliesPerInterval);
  EXPECT_DOUBLE_EQ(d.deadline(), 4.4140625) << "no deadline moves";
}

struct Follower : testing::Test {
  static Driver make() {
    auto config = config_1s();
    config.follows_lead = true;
    return Driver{150, config, "fe80::15"};
  }
};

TEST_F(Follower, StaysBackupWhileItsLeadIs) {
  auto d = make();
  (void)d.at(0, Startup{});
  EXPECT_THAT(d.until(30), IsEmpty());
  EXPECT_EQ(d.machine.state(), State::kBackup);
  EXPECT_EQ(d.machine.deadline(), std::nullopt) << "and does not wake up for nothing";
}
TEST_F(Follower, LeavesBackupWithItsLead) {
  auto d = make();
  (void)d.at(0, Startup{});
  EXPECT_THAT(d.at(1, LeadChanged{LeadState::kMaster}), Contains("@1 Backup->Master:LeadIsMaster"));
}
TEST_F(Follower, FallsWithItsLeadAndHoldsTheAddressesForTheTaker) {
  auto d = make();
  (void)d.at(0, Startup{});
  (void)d.at(1, LeadChanged{LeadState::kMaster});
  EXPECT_THAT(d.at(1.5, LeadChanged{LeadState::kBackup}),
              ElementsAre("@1.5 advert(150)", "@1.5 silence", "@1.5 Master->Backup:LeadIsNotMaster"));
  EXPECT_THAT(d.until(1.6), ElementsAre("@1.52 remove"));
}
TEST_F(Follower, ResignsWhenItsLeadIsAway) {
  auto d = make();
  (void)d.at(0, Startup{});
  (void)d.at(1, LeadChanged{LeadState::kMaster});
  EXPECT_THAT(d.at(1.5, LeadChanged{LeadState::kAway}),
              ElementsAre("@1.5 advert(0)", "@1.5 silence", "@1.5 Master->Backup:LeadIsNotMaster"));
}
TEST_F(Follower, ToleratesNobodyWhomItWouldWinAgainstBesideAStandingLead) {
  for (const int other : {100, 150}) {
    auto d = make();
    (void)d.at(0, Startup{});
    (void)d.at(1, LeadChanged{LeadState::kMaster});
    (void)d.advert(1.1, "fe80::16", 200, k1s);  // on a segment where the lead is not
    ASSERT_EQ(d.machine.state(), State::kBackup);
    (void)d.until(1.5);
    for (int second = 2; second <= 4; ++second) (void)d.advert(second, "fe80::1", other, k1s);
    (void)d.until(5);
    EXPECT_EQ(d.machine.state(), State::kMaster) << other;
  }
}
TEST_F(Follower, ThatStartsBesideAStandingLeadWaitsForNothing) {
  auto config = config_1s();
  config.follows_lead = true;
  config.startup_delay = 1h;
  Driver d{150, config, "fe80::15"};
  (void)d.at(0, LeadChanged{LeadState::kMaster});
  EXPECT_THAT(d.at(1, Startup{}), Contains("@1 Init->Master:LeadIsMaster"));
}
TEST_F(Follower, ATieDoesNotTearTheFamiliesApart) {
  auto d = make();
  (void)d.at(0, Startup{});
  (void)d.at(1, LeadChanged{LeadState::kMaster});
  EXPECT_THAT(d.advert(1.5, "fe80::ff", 150, k1s), ElementsAre("@1.5 advert(150)", "@1.5 evidence"));
}

// Every event in every state: nothing crashes, nothing is sent by a router that is not Master, and an address
// is never held in Init or Fault.
TEST_F(Follower, AdoptsOnlyBesideALeadThatDid) {
  for (const auto lead : {LeadState::kMaster, LeadState::kBackup}) {
    auto config = config_1s();
    config.follows_lead = true;
    Driver follower{150, config};
    follower.now = instant(100);
    (void)follower.machine.step(follower.now, LeadChanged{lead});
    (void)follower.machine.step(follower.now, Startup{Adoption{true, instant(99.5).boot}});
    EXPECT_EQ(follower.machine.state(), lead == LeadState::kMaster ? State::kMaster : State::kBackup);
  }
}

TEST(Exhaustive, NoEventIsImpossible) {
  const std::vector<Event> events{Startup{},
                                  Startup{Adoption{true, instant(4.4).boot}},
                                  Shutdown{},
                                  Release{},
                                  CancelRelease{},
                                  DeadlineReached{},
                                  AdvertReceived{*IpAddress::parse("10.0.2.1"), 0, k1s, instant(4.5).mono},
                                  AdvertReceived{*IpAddress::parse("10.0.2.1"), 100, k1s, instant(4.5).mono},
                                  AdvertReceived{*IpAddress::parse("10.0.2.1"), 150, k1s, instant(4.5).mono},
                                  AdvertReceived{*IpAddress::parse("10.0.2.99"), 150, k1s, instant(4.5).mono},
                                  AdvertReceived{*IpAddress::parse("10.0.2.1"), 255, k1s, instant(4.5).mono},
                                  PriorityChanged{1},
                                  PriorityChanged{254},
                                  PrimaryAddressChanged{*IpAddress::parse("10.0.2.77")},
                                  ConfigChanged{Config{}},
                                  Faulted{Reason::kCheckFailed},
                                  Recovered{},
                                  TakerAnnounced{instant(4.5).mono},
                                  LeadChanged{LeadState::kMaster},
                                  LeadChanged{LeadState::kBackup},
                                  LeadChanged{LeadState::kAway},
                                  Stalled{10s},
                                  PeerEvidence{*IpAddress::parse("10.0.2.1"), PeerEvidence::Kind::kResigned}};
  for (const auto policy :
       {PreemptionPolicy::kNever, PreemptionPolicy::kImmediate, PreemptionPolicy::kDelayed}) {
    for (const bool follows : {false, true}) {
      for (const int priority : {1, 150, 255}) {
        for (const auto& first : events) {
          for (const auto& second : events) {
            for (const auto& third : events) {
              auto config = with_policy(config_1s(), policy, 5s);
              config.follows_lead = follows;
              Driver d{priority, config};
              (void)d.machine.step(instant(0), Startup{});
              double at = 4.5;
              for (const auto* event : {&first, &second, &third}) {
                const auto before = d.machine.state();
                const auto actions = d.machine.step(instant(at), *event);
                at += 0.01;
                for (const auto& action : actions) {
                  const auto* advert = std::get_if<SendAdvert>(&action);
                  if (advert == nullptr || advert->priority == 0) continue;
                  ASSERT_TRUE(before == State::kMaster || d.machine.state() == State::kMaster);
                }
                if (d.machine.state() == State::kInit || d.machine.state() == State::kFault) {
                  ASSERT_FALSE(d.machine.holds_addresses());
                }
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace vipra::election
