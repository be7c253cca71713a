// How long a router listens before it claims: after the start, after its link came up, after a fault.
#include <gmock/gmock.h>

#include "tests/election/driver.hpp"

namespace vipra::election {
namespace {

using plan::PreemptionPolicy;
using testing::ElementsAre;

constexpr Centiseconds k1s{100};

Config delayed(Duration startup, Duration link_up, Duration recovery = {}) {
  auto config = config_1s();
  config.startup_delay = startup;
  config.link_up_delay = link_up;
  config.recovery_delay = recovery;
  return config;
}

TEST(StartupDelay, IsHowLongSilenceLastsAtTheStart) {
  Driver d{150, delayed(30s, 0s)};
  EXPECT_THAT(d.at(2, Startup{}), ElementsAre("@2 Init->Backup:Startup"));
  EXPECT_DOUBLE_EQ(d.deadline(), 32);
  EXPECT_TRUE(d.machine.listens_first());
  EXPECT_EQ(d.until(32).front(), "@32 advert(150)");
  EXPECT_FALSE(d.machine.listens_first());
}

TEST(StartupDelay, ShorterThanAnElectionChangesNothing) {
  Driver d{150, delayed(3s, 0s)};
  (void)d.at(0, Startup{});
  EXPECT_DOUBLE_EQ(d.deadline(), 3.4140625);
  EXPECT_FALSE(d.machine.listens_first());
}

TEST(StartupDelay, HoldsBackTheAddressOwnerToo) {
  Driver d{255, delayed(30s, 0s)};
  EXPECT_THAT(d.at(0, Startup{}), ElementsAre("@0 Init->Backup:Startup"));
  EXPECT_DOUBLE_EQ(d.deadline(), 30);
}

TEST(StartupDelay, EndsWithAMasterThatIsLeftInPlace) {
  Driver d{150, delayed(30s, 0s)};
  (void)d.at(0, Startup{});
  (void)d.advert(1, "10.0.2.1", 200, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 4.4140625);
}

TEST(StartupDelay, AppliesToPreemption) {
  Driver d{150, with_policy(delayed(30s, 0s), PreemptionPolicy::kImmediate)};
  (void)d.at(0, Startup{});
  (void)d.advert(1, "10.0.2.1", 100, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 30);
}

TEST(StartupDelay, EndsWithAResignation) {
  Driver d{150, delayed(30s, 0s)};
  (void)d.at(0, Startup{});
  (void)d.advert(1, "10.0.2.1", 0, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 1.4140625);
}

TEST(StartupDelay, IsNotShortenedByAnotherPriorityOrInterval) {
  Driver d{150, delayed(30s, 0s)};
  (void)d.at(0, Startup{});
  (void)d.at(1, PriorityChanged{250});
  EXPECT_DOUBLE_EQ(d.deadline(), 30);
  auto config = delayed(30s, 0s);
  config.interval = 2s;
  (void)d.at(2, ConfigChanged{config});
  EXPECT_DOUBLE_EQ(d.deadline(), 30);
}

TEST(StartupDelay, CountsFromTheStartEvenIfThatWasAFault) {
  Driver d{150, delayed(30s, 0s)};
  (void)d.at(0, Faulted{Reason::kAddressInUse});
  (void)d.at(20, Recovered{});
  EXPECT_DOUBLE_EQ(d.deadline(), 30);
  (void)d.at(25, Faulted{Reason::kAddressInUse});
  (void)d.at(29, Recovered{});
  EXPECT_DOUBLE_EQ(d.deadline(), 32.4140625) << "what is left of it is shorter than an election";
}

TEST(StartupDelay, IsUnknownToAnAdoptedMastership) {
  Driver d{150, delayed(30s, 0s)};
  d.now = instant(100);
  EXPECT_EQ(d.machine.step(d.now, Startup{Adoption{true, instant(99.5).boot}}).size(), 4u);
  EXPECT_EQ(d.machine.state(), State::kMaster);
}

TEST(LinkUpDelay, AppliesAfterTheLinkWasDownAndAfterNothingElse) {
  auto d = master_at_3s(delayed(0s, 20s));
  (void)d.at(4.1, Faulted{Reason::kInterfaceDown});
  (void)d.until(6);
  (void)d.at(7, Faulted{Reason::kAddressInUse});  // found meanwhile
  (void)d.at(10, Recovered{});
  EXPECT_DOUBLE_EQ(d.deadline(), 30);
  (void)d.at(11, Faulted{Reason::kAddressInUse});
  (void)d.at(12, Recovered{});
  EXPECT_DOUBLE_EQ(d.deadline(), 15.4140625);
}

TEST(RecoveryDelay, AppliesAfterAnyFault) {
  for (const auto fault : {Reason::kInterfaceDown, Reason::kAddressInUse, Reason::kGatewayUnreachable}) {
    auto d = master_at_3s(delayed(0s, 0s, 20s));
    (void)d.at(4.1, Faulted{fault});
    (void)d.until(5);
    EXPECT_THAT(d.at(10, Recovered{}), ElementsAre("@10 Fault->Backup:Startup"));
    EXPECT_TRUE(d.machine.listens_first());
    EXPECT_DOUBLE_EQ(d.deadline(), 30);
    EXPECT_EQ(d.until(30).front(), "@30 advert(150)");
  }
}

TEST(RecoveryDelay, IsUnknownToAStartAndToAnotherDefinition) {
  Driver d{150, delayed(0s, 0s, 20s)};
  (void)d.at(0, Startup{});
  EXPECT_DOUBLE_EQ(d.deadline(), 3.4140625);
  (void)d.at(1, Faulted{Reason::kReconfigured});  // resigns as the old router, stands as the new one
  (void)d.at(1, Recovered{});
  EXPECT_DOUBLE_EQ(d.deadline(), 4.4140625);
  (void)d.at(2, Faulted{Reason::kRouteMissing});
  (void)d.at(3, Faulted{Reason::kReconfigured});
  (void)d.at(4, Recovered{});
  EXPECT_DOUBLE_EQ(d.deadline(), 24) << "what else happens meanwhile makes no fault undone";
}

TEST(RecoveryDelay, AndTheOthersEndWithTheLatest) {
  for (const auto& [link_up, recovery] : {std::pair{15s, 20s}, std::pair{20s, 15s}}) {
    auto d = master_at_3s(delayed(0s, link_up, recovery));
    (void)d.at(4.1, Faulted{Reason::kInterfaceDown});
    (void)d.until(5);
    (void)d.at(10, Recovered{});
    EXPECT_DOUBLE_EQ(d.deadline(), 30);
  }
  Driver d{150, delayed(60s, 0s, 20s)};
  (void)d.at(0, Faulted{Reason::kAddressInUse});
  (void)d.at(10, Recovered{});
  EXPECT_DOUBLE_EQ(d.deadline(), 60);
}

TEST(RecoveryDelay, StartsAnewWithEachFault) {
  Driver d{150, delayed(0s, 0s, 20s)};
  (void)d.at(0, Faulted{Reason::kRouteMissing});
  (void)d.at(10, Recovered{});
  (void)d.at(25, Faulted{Reason::kRouteMissing});
  (void)d.at(26, Recovered{});
  EXPECT_DOUBLE_EQ(d.deadline(), 46);
}

TEST(RecoveryDelay, HoldsBackPreemptionAndEndsWithAResignation) {
  Driver d{150, with_policy(delayed(0s, 0s, 20s), PreemptionPolicy::kImmediate)};
  (void)d.at(0, Faulted{Reason::kRouteMissing});
  (void)d.at(10, Recovered{});
  (void)d.advert(11, "10.0.2.1", 100, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 30);
  (void)d.advert(12, "10.0.2.1", 0, k1s);
  EXPECT_DOUBLE_EQ(d.deadline(), 12.4140625) << "an address that nobody serves is worse";
}

TEST(RecoveryDelay, HoldsBackADelayedPreemptionThatWouldComeEarlier) {
  Driver d{150, with_policy(delayed(0s, 0s, 20s), PreemptionPolicy::kDelayed, 2s)};
  (void)d.at(0, Faulted{Reason::kRouteMissing});
  (void)d.at(10, Recovered{});
  for (int at = 11; at <= 29; ++at) EXPECT_TRUE(d.advert(at, "10.0.2.1", 100, k1s).empty()) << at;
  EXPECT_TRUE(d.advert(30, "10.0.2.1", 100, k1s).empty());
  EXPECT_DOUBLE_EQ(d.deadline(), 32.4140625) << "29 was the last advertisement that it waited for";
}

}  // namespace
}  // namespace vipra::election
