// The golden traces T1-T19: derived by hand from RFC 9568 section 6.4, RFC 3768 section 6.4 and from the
// rules of ARCHITECTURE.md ("ours"), not from this implementation. Times in seconds from Startup; interval 1
// s unless said.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/election/driver.hpp"

namespace vipra::election {
namespace {

using plan::PreemptionPolicy;
using testing::ElementsAre;
using testing::IsEmpty;
constexpr Centiseconds k1s{100};
constexpr Centiseconds k100ms{10};

TEST(Trace, T1SilenceMakesABackupMasterAfterThreeIntervalsPlusSkew) {
  Driver d{100, config_1s()};
  EXPECT_THAT(d.at(0, Startup{}), ElementsAre("@0 Init->Backup:Startup"));
  EXPECT_THAT(d.until(3.609374999), IsEmpty());
  EXPECT_THAT(d.until(3.609375), ElementsAre("@3.609375 advert(100)", "@3.609375 install",
                                             "@3.609375 announce", "@3.609375 Backup->Master:MasterSilent"));
  EXPECT_THAT(d.until(4.609375), ElementsAre("@4.609375 advert(100)"));
}

TEST(Trace, T2TheAddressOwnerIsMasterAtOnce) {
  Driver d{255, config_1s()};
  EXPECT_THAT(d.at(0, Startup{}),
              ElementsAre("@0 advert(255)", "@0 install", "@0 announce", "@0 Init->Master:AddressOwner"));
  EXPECT_THAT(d.until(1.0), ElementsAre("@1 advert(255)"));
}

TEST(Trace, T3TheIntervalIsLearnedAndForgottenOnMastership) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  EXPECT_THAT(d.advert(1.0, "10.0.2.1", 200, k100ms), IsEmpty());
  EXPECT_DOUBLE_EQ(d.deadline(), 1.3609375);
  EXPECT_EQ(d.until(1.3609375).size(), 4u);
  EXPECT_DOUBLE_EQ(d.deadline(), 2.3609375);
}

TEST(Trace, T4AResignationLeavesTheSkewOfTheLearnedInterval) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.1", 200, k100ms);
  EXPECT_THAT(d.advert(1.1, "10.0.2.1", 0, k100ms), IsEmpty());
  EXPECT_DOUBLE_EQ(d.deadline(), 1.1609375);
}

TEST(Trace, T5WithPreemptionALowerMasterDoesNotReArm) {
  Driver d{150, with_policy(config_1s(), PreemptionPolicy::kImmediate)};
  (void)d.at(0, Startup{});
  EXPECT_THAT(d.advert(1.0, "10.0.2.1", 100, k1s), IsEmpty());
  EXPECT_DOUBLE_EQ(d.deadline(), 3.4140625);
}

TEST(Trace, T6WithoutPreemptionItDoes) {
  Driver d{150, config_1s()};
  (void)d.at(0, Startup{});
  EXPECT_THAT(d.advert(1.0, "10.0.2.1", 100, k1s), IsEmpty());
  EXPECT_DOUBLE_EQ(d.deadline(), 4.4140625);
}

struct T7 : testing::Test {
  static Driver master(Config config) {
    Driver d{150, config};
    (void)d.at(0, Startup{});
    (void)d.until(3.4140625);
    EXPECT_EQ(d.machine.state(), State::kMaster);
    EXPECT_DOUBLE_EQ(d.deadline(), 4.4140625);
    return d;
  }
};

// Its last word, with its real priority, makes the survivor announce again.
TEST_F(T7, AMasterYieldsToAnEqualWithTheGreaterAddress) {
  auto d = master(config_1s());
  EXPECT_THAT(d.advert(4.0, "10.0.2.16", 150, k1s),
              ElementsAre("@4 advert(150)", "@4 silence", "@4 Master->Backup:Preempted"));
}
TEST_F(T7, AndAnswersTheLesserAtOnceWithoutMovingItsTimer) {
  auto d = master(config_1s());
  EXPECT_THAT(d.advert(4.0, "10.0.2.14", 150, k1s), ElementsAre("@4 advert(150)", "@4 evidence"));
  EXPECT_DOUBLE_EQ(d.deadline(), 4.4140625);
}
TEST_F(T7, NothingHappensOnItsOwnEcho) {
  auto d = master(config_1s());
  EXPECT_THAT(d.advert(4.0, "10.0.2.15", 150, k1s), IsEmpty());
}
// RFC 3768 lets a master discard a losing advertisement in silence. No advertisement answers it then, but the
// announcement that clients need after a heal does (ours).
TEST_F(T7, Version2AnswersWithNoAdvertisement) {
  auto d = master(config_v2());
  EXPECT_THAT(d.advert(4.0, "10.0.2.14", 150, k1s), ElementsAre("@4 evidence"));
  EXPECT_DOUBLE_EQ(d.deadline(), 4.4140625);
}
TEST_F(T7, Version2HasALastWordToo) {
  auto d = master(config_v2());
  EXPECT_THAT(d.advert(4.0, "10.0.2.16", 150, k1s),
              ElementsAre("@4 advert(150)", "@4 silence", "@4 Master->Backup:Preempted"));
}

TEST(Trace, T8AResignationHeardByAMasterIsAnsweredAndRestartsItsTimer) {
  auto d = T7::master(config_1s());
  EXPECT_THAT(d.advert(4.0, "10.0.2.1", 0, k1s), ElementsAre("@4 advert(150)"));
  EXPECT_DOUBLE_EQ(d.deadline(), 5.0);
}

TEST(Trace, T9ShutdownResignsThreeTimesAndIsOver) {
  auto d = T7::master(config_1s());
  EXPECT_THAT(d.at(4.0, Shutdown{}),
              ElementsAre("@4 advert(0)", "@4 remove", "@4 silence", "@4 Master->Init:Shutdown"));
  EXPECT_THAT(d.until(4.1), ElementsAre("@4.001 advert(0)", "@4.002 advert(0)"));
  EXPECT_THAT(d.at(4.4140625, DeadlineReached{}), IsEmpty());  // the master's old deadline
  EXPECT_EQ(d.machine.deadline(), std::nullopt);
}

TEST(Trace, T10Version2SkewsByTheSecondWhateverTheInterval) {
  auto config = config_v2();
  config.interval = 3s;
  Driver d{100, config};
  (void)d.at(0, Startup{});
  EXPECT_DOUBLE_EQ(d.deadline(), 9.609375);
  (void)d.advert(1.0, "10.0.2.1", 200, Centiseconds{300});
  EXPECT_DOUBLE_EQ(d.deadline(), 10.609375);
  (void)d.advert(2.0, "10.0.2.1", 0, Centiseconds{300});
  EXPECT_DOUBLE_EQ(d.deadline(), 2.609375) << "a resignation leaves the same skew";
}

TEST(Trace, T11ASecondResignationNeverExtendsTheWait) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.1", 200, k100ms);
  (void)d.advert(1.1, "10.0.2.1", 0, k100ms);
  (void)d.advert(1.105, "10.0.2.1", 0, k100ms);
  EXPECT_DOUBLE_EQ(d.deadline(), 1.1609375);
}

TEST(Trace, T12APriorityChangeRecomputesFromTheLastAdvertisement) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(3.0, "10.0.2.1", 250, k1s);
  (void)d.advert(5.0, "10.0.2.1", 250, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 8.609375);
  (void)d.at(6.0, PriorityChanged{200});
  EXPECT_DOUBLE_EQ(d.deadline(), 8.21875);
  (void)d.at(6.5, PriorityChanged{50});
  EXPECT_DOUBLE_EQ(d.deadline(), 8.21875) << "never extended";
}

TEST(Trace, T13AQueuedAdvertisementIsJudgedByWhenItArrived) {
  Driver d{100, config_1s()};
  (void)d.at(0, Startup{});
  // The loop was late: at 3.7 both the advertisement of 3.6 and the deadline of 3.609375 are there.
  d.now = Driver::at_time(TimePoint{seconds(3.7)});
  Driver::Log log;
  d.append(log, d.machine.step(
                    d.now, AdvertReceived{*IpAddress::parse("10.0.2.1"), 200, k1s, TimePoint{seconds(3.6)}}));
  d.append(log, d.machine.step(d.now, DeadlineReached{}));
  EXPECT_THAT(log, IsEmpty());
  EXPECT_DOUBLE_EQ(d.deadline(), 7.209375);
}

TEST(Trace, T14TheTieBreakComparesAll128Bits) {
  auto config = config_1s();
  Driver d{150, config, "fe80::1"};
  (void)d.at(0, Startup{});
  (void)d.until(3.4140625);
  EXPECT_THAT(d.advert(4.0, "fe80::2", 150, k1s),
              ElementsAre("@4 advert(150)", "@4 silence", "@4 Master->Backup:Preempted"));
  EXPECT_EQ(d.machine.reason(), Reason::kLowerAddress);
}

class T15 : public testing::TestWithParam<PreemptionPolicy> {};
TEST_P(T15, AWorsenedMasterIsReplacedWhateverThePolicy) {
  Driver d{120, with_policy(config_1s(), GetParam(), 60s)};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.1", 150, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 4.53125);
  (void)d.advert(2.0, "10.0.2.1", 90, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 2.53125);
  (void)d.advert(2.5, "10.0.2.1", 90, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 2.53125) << "its further lower advertisements do not re-arm";
  EXPECT_EQ(d.until(2.53125).back(), "@2.53125 Backup->Master:MasterWorsened");
}
INSTANTIATE_TEST_SUITE_P(AnyPolicy, T15,
                         testing::Values(PreemptionPolicy::kNever, PreemptionPolicy::kImmediate,
                                         PreemptionPolicy::kDelayed));

TEST(Trace, T15AMasterThatRecoversInTimeIsLeftAlone) {
  Driver d{120, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.1", 150, k1s);
  (void)d.advert(2.0, "10.0.2.1", 90, k1s);
  (void)d.advert(2.5, "10.0.2.1", 150, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 6.03125);
}

TEST(Trace, T16AStrangerWithALowerPriorityIsNoWorsenedMaster) {
  Driver d{120, config_1s()};
  (void)d.at(0, Startup{});
  (void)d.advert(1.0, "10.0.2.1", 150, k1s);
  (void)d.advert(2.0, "10.0.2.9", 90, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 5.53125);
}

TEST(Trace, T17APlannedReleaseKeepsTheAddressesUntilTheTakerHasAnnounced) {
  auto d = T7::master(config_1s());
  EXPECT_THAT(d.at(4.0, Release{}),
              ElementsAre("@4 advert(0)", "@4 silence", "@4 Master->Releasing:Released"));
  EXPECT_THAT(d.until(4.2), ElementsAre("@4.001 advert(0)", "@4.002 advert(0)"));
  EXPECT_THAT(d.advert(4.3, "10.0.2.1", 120, k1s), IsEmpty());
  EXPECT_THAT(d.at(4.301, TakerAnnounced{TimePoint{seconds(4.301)}}), IsEmpty());
  EXPECT_THAT(d.until(9), ElementsAre("@4.311 remove", "@4.311 Releasing->Init:Released"));
}

TEST(Trace, T17WithoutATakerTheReleaseEndsAtItsBound) {
  auto d = T7::master(config_1s());
  (void)d.at(4.0, Release{});
  (void)d.until(4.01);
  EXPECT_THAT(d.until(9), ElementsAre("@5.09609375 remove",
                                      "@5.09609375 Releasing->Init:Released"));  // 255/256 s + margin
}

TEST(Trace, T18ASuccessorThatResignsBringsTheElectionBack) {
  auto d = T7::master(config_1s());
  (void)d.at(4.0, Release{});
  (void)d.until(4.01);
  (void)d.advert(4.3, "10.0.2.1", 120, k1s);
  EXPECT_THAT(d.advert(4.4, "10.0.2.1", 0, k1s), ElementsAre("@4.4 Releasing->Backup:MasterResigned"));
  EXPECT_DOUBLE_EQ(d.deadline(), 4.8140625);
  EXPECT_TRUE(d.machine.holds_addresses());
}

TEST(Trace, T18ACancelledReleaseDoesToo) {
  auto d = T7::master(config_1s());
  (void)d.at(4.0, Release{});
  (void)d.until(4.01);
  EXPECT_THAT(d.at(4.4, CancelRelease{}), ElementsAre("@4.4 Releasing->Backup:ReleaseCancelled"));
  EXPECT_DOUBLE_EQ(d.deadline(), 4.8140625);
}

TEST(Trace, T19AMasterThatHearsABetterOneHoldsItsAddressesForTheTaker) {
  auto d = T7::master(config_1s());
  (void)d.advert(4.0, "10.0.2.1", 200, k1s);
  EXPECT_TRUE(d.machine.holds_addresses());
  (void)d.at(4.005, TakerAnnounced{TimePoint{seconds(4.005)}});
  EXPECT_THAT(d.until(4.1), ElementsAre("@4.015 remove"));
  EXPECT_FALSE(d.machine.holds_addresses());
}

TEST(Trace, T19ButNoLongerThanTwentyMilliseconds) {
  auto d = T7::master(config_1s());
  (void)d.advert(4.0, "10.0.2.1", 200, k1s);
  EXPECT_THAT(d.until(4.1), ElementsAre("@4.02 remove"));
}

}  // namespace
}  // namespace vipra::election
