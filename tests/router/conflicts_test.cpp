// Others that use a router's addresses, and nodes whose priorities are too close.
#include <gmock/gmock.h>

#include "tests/router/fakes.hpp"

namespace vipra::router {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr MacAddress kStranger{{2, 0x99, 0, 0, 0, 0xc9}};
constexpr MacAddress kOther{{2, 0x99, 0, 0, 0, 0xca}};

struct Disputed : Bench, testing::Test {
  using Bench::Bench;
  void SetUp() override {
    become_master();
    until(5s);
    world.take();
    world.record = true;
  }
  void claim(const char* ip = "10.0.2.101", const MacAddress& mac = kStranger) {
    router.on_claim(now, {*IpAddress::parse(ip), mac, true}, now.mono);
  }
  // What it did about claims, and which warnings it told; without its advertisements.
  std::vector<std::string> took() {
    auto all = world.take();
    std::erase_if(all, [](const auto& line) { return line.starts_with("advert"); });
    return all;
  }
  std::string warned() const { return router.warning() ? router.warning()->detail : ""; }
};

TEST_F(Disputed, AClaimOutOfTheBlueIsDefendedAndThenAWarning) {
  claim();
  EXPECT_THAT(took(), ElementsAre("defend 1"));
  EXPECT_EQ(router.warning(), nullptr) << "it may be the loser of an election whose advertisement comes yet";
  EXPECT_EQ(router.counters().conflicting_claims, 1u);
  until(6s);
  EXPECT_THAT(took(), ElementsAre("warning Conflict"));
  EXPECT_THAT(warned(), HasSubstr("02:99:00:00:00:c9"));
  EXPECT_THAT(warned(), HasSubstr("10.0.2.101"));
}

TEST_F(Disputed, TheWarningEndsTwoAndAHalfMinutesAfterTheLastClaim) {
  claim();
  until(15s);
  claim();
  until(164999ms);
  EXPECT_NE(router.warning(), nullptr);
  until(165s);
  EXPECT_EQ(router.warning(), nullptr);
  EXPECT_THAT(took(), ElementsAre("defend 1", "warning Conflict", "defend 1", "warning over"));
}

TEST_F(Disputed, AStrangerWhoRefreshesOnceAMinuteIsOneConflictWithoutEnd) {
  for (int minute = 0; minute < 10; ++minute) {
    until(5s + minute * 60s);
    if (minute != 3 && minute != 7) claim();  // these were lost
  }
  auto all = took();
  EXPECT_EQ(std::erase(all, "defend 1"), 8);
  EXPECT_THAT(all, ElementsAre("warning Conflict"));
}

TEST_F(Disputed, AClaimAfterAPromotionIsThatOfTheFormerMaster) {
  Bench b;
  b.become_master();
  b.until(1s);
  b.world.take();
  b.router.on_claim(b.now, {*IpAddress::parse("10.0.2.101"), kStranger, true}, b.now.mono);
  EXPECT_THAT(b.world.take(), ElementsAre("evidence"));
  EXPECT_EQ(b.router.counters().conflicting_claims, 0u);
}

TEST_F(Disputed, AClaimWhileMastersMeetIsTheLosers) {
  hear(50);
  until(5500ms);
  took();
  claim();
  EXPECT_THAT(took(), ElementsAre("evidence"));
  until(10s);
  EXPECT_THAT(took(), IsEmpty());
}

TEST_F(Disputed, ALoserWhoseClaimIsFasterThanItsAdvertisementIsNoStranger) {
  claim();
  until(5800ms);
  hear(50);
  until(30s);
  EXPECT_THAT(took(), ElementsAre("defend 1", "evidence"));
}

TEST_F(Disputed, ThePeersVirtualMacAddressIsNoStrangers) {
  claim("10.0.2.100", vrrp::virtual_mac(Family::kIpv4, *vrrp::Vrid::make(51)));
  EXPECT_THAT(took(), ElementsAre("evidence"));
  claim("10.0.2.100", vrrp::virtual_mac(Family::kIpv4, *vrrp::Vrid::make(52)));
  EXPECT_THAT(took(), ElementsAre("defend 0"));
}

TEST_F(Disputed, ItsOwnMacAddressAndOtherAddressesAreNoConflict) {
  claim("10.0.2.101", segment().mac);
  claim("10.0.2.7");
  until(30s);
  EXPECT_THAT(took(), IsEmpty());
}

TEST_F(Disputed, AThousandForgersASecondMakeFewWords) {
  for (int i = 0; i < 20'000; ++i) {
    until(5s + i * 1ms);
    MacAddress mac = kStranger;
    mac.bytes[4] = static_cast<std::uint8_t>(i / 256);
    mac.bytes[5] = static_cast<std::uint8_t>(i);
    claim(i % 2 == 0 ? "10.0.2.100" : "10.0.2.101", mac);
  }
  auto all = took();
  std::erase_if(all, [](const auto& line) { return line.starts_with("defend"); });
  EXPECT_THAT(all, ElementsAre("warning Conflict", "warning Conflict")) << "ten seconds apart";
  EXPECT_EQ(router.counters().conflicting_claims, 20'000u);
}

TEST_F(Disputed, WhoStandsDownHasNothingToDefend) {
  claim();
  until(7s);
  hear(200);
  ASSERT_EQ(router.state(), State::kBackup);
  EXPECT_EQ(router.warning(), nullptr);
  took();
  claim();
  until(7010ms);
  EXPECT_THAT(took(), testing::Not(testing::Contains("defend 1")));
}

// With an interval of 40 s a loser's next advertisement is far away; a stranger is named all the same.
TEST(DisputedSlowly, ALongIntervalWaitsLongerForTheLosersAdvertisement) {
  auto desired = desired_v4();
  desired.interval = 40s;
  Bench b{desired};
  b.until(200s);
  b.kernel_answers();
  ASSERT_EQ(b.router.state(), State::kMaster);
  b.until(300s);
  b.world.take();
  b.router.on_claim(b.now, {*IpAddress::parse("10.0.2.100"), kStranger, true}, b.now.mono);
  b.until(309s);
  EXPECT_EQ(b.router.warning(), nullptr);
  b.until(310s);
  EXPECT_NE(b.router.warning(), nullptr);
}

TEST_F(Disputed, AnotherVirtualRouterWithItsAddressIsAConflict) {
  const auto foreign = [&](const char* ip, const char* source, int vrid, Duration patience = 5s) {
    router.on_foreign_advertisement(
        now, {*IpAddress::parse(ip), *IpAddress::parse(source), static_cast<std::uint8_t>(vrid)}, patience);
  };
  foreign("10.0.2.102", "10.0.2.30", 52);
  EXPECT_EQ(router.warning(), nullptr) << "not one of its addresses";
  foreign("10.0.2.101", "10.0.2.30", 52);
  EXPECT_THAT(took(), ElementsAre("warning Conflict"));
  EXPECT_THAT(warned(), HasSubstr("10.0.2.30 advertises 10.0.2.101 under virtual router id 52"));
  for (int i = 1; i <= 10; ++i) {
    until(5s + i * 1s);
    foreign("10.0.2.101", "10.0.2.30", 52);
  }
  until(34s);
  EXPECT_NE(router.warning(), nullptr);
  until(36s);
  EXPECT_EQ(router.warning(), nullptr);
  EXPECT_THAT(took(), ElementsAre("warning over"));
  foreign("10.0.2.101", "10.0.2.30", 52, 160s);  // one that advertises every 40 s
  until(150s);
  EXPECT_NE(router.warning(), nullptr);
}

TEST_F(Disputed, AClaimantIsShownBeforeAnotherRouterAndBothBeforeTheRest) {
  hear(50, "10.0.2.1", 100ms, vrrp::ChecksumForm::kRfc9568);
  hear(50, "10.0.2.1", 100ms, vrrp::ChecksumForm::kRfc5798);
  EXPECT_EQ(router.warning()->reason, Reason::kChecksumFormsMixed);
  until(10s);
  router.on_foreign_advertisement(now, {*IpAddress::parse("10.0.2.101"), *IpAddress::parse("10.0.2.30"), 52},
                                  5s);
  EXPECT_THAT(warned(), HasSubstr("virtual router id 52"));
  claim();
  until(11s);
  EXPECT_THAT(warned(), HasSubstr("another host"));
  until(159999ms);
  EXPECT_THAT(warned(), HasSubstr("another host"));
  until(160s);
  EXPECT_EQ(router.warning()->reason, Reason::kChecksumFormsMixed);
}

TEST_F(Disputed, AnAddressThatIsGivenUpIsNoLongerDisputed) {
  router.on_foreign_advertisement(now, {*IpAddress::parse("10.0.2.101"), *IpAddress::parse("10.0.2.30"), 52},
                                  5s);
  ASSERT_NE(router.warning(), nullptr);
  auto desired = desired_v4();
  desired.addresses.pop_back();
  router.reconfigure(now, desired);
  EXPECT_EQ(router.warning(), nullptr);
}

struct TooClose : testing::Test {
  static plan::VirtualRouter with(int priority, Duration interval = 100ms) {
    auto desired = desired_v4(priority);
    desired.interval = interval;
    return desired;
  }
  static void listen(Bench& b, int heard, Duration from, Duration to) {
    for (auto at = from; at <= to; at += 50ms) {
      b.until(at);
      b.hear(heard, "10.0.2.1", 100ms);
    }
  }
};

TEST_F(TooClose, AMasterWhosePriorityIsCloseForAWhileIsAWarning) {
  Bench b{with(100)};
  listen(b, 102, 0s, 9900ms);
  EXPECT_EQ(b.router.warning(), nullptr);
  listen(b, 102, 10s, 10s);
  ASSERT_NE(b.router.warning(), nullptr);
  EXPECT_EQ(b.router.warning()->reason, Reason::kPriorityGap);
  EXPECT_THAT(b.router.warning()->detail, HasSubstr("priority 100 and 102 of 10.0.2.1 differ by 2"));
  EXPECT_THAT(b.router.warning()->detail, HasSubstr("differ by 4"));
  listen(b, 104, 10s, 10s);
  EXPECT_EQ(b.router.warning(), nullptr);
}

TEST_F(TooClose, WhoIsEqualIsTheDefault) {
  Bench b{with(100)};
  listen(b, 100, 0s, 20s);
  EXPECT_EQ(b.router.warning(), nullptr);
}

TEST_F(TooClose, AtTenMillisecondsEvenWhoIsEqual) {
  Bench b{with(100, 10ms)};
  for (auto at = Duration{}; at <= 11s; at += 10ms) {
    b.until(at);
    b.hear(100, "10.0.2.1", 10ms);
  }
  ASSERT_NE(b.router.warning(), nullptr);
  EXPECT_EQ(b.router.warning()->reason, Reason::kPriorityGap);
}

TEST_F(TooClose, PrioritiesThatChangeAllTheTimeMakeNoWords) {
  Bench b{with(100)};
  for (int i = 0; i < 1000; ++i) {
    b.until(i * 20ms);
    b.hear(i % 2 == 0 ? 102 : 150);
    b.hear(i % 2 == 0 ? 102 : 103);
  }
  for (const auto& line : b.world.take()) EXPECT_FALSE(line.starts_with("warning")) << line;
}

TEST_F(TooClose, WhoFollowsTakesNothingOver) {
  auto desired = with(100);
  desired.lead = "web/other";
  Bench b{desired};
  listen(b, 102, 0s, 20s);
  EXPECT_EQ(b.router.warning(), nullptr);
}

TEST_F(TooClose, WhatACheckDidIsNoMistakeOfTheDefinition) {
  Bench b{with(150)};
  b.router.set_contributions(b.now,
                             {{"web/ipv4", "check/envoy", -49, false, Reason::kCheckFailed, "", false}});
  listen(b, 102, 0s, 20s);
  EXPECT_EQ(b.router.warning(), nullptr);
}

}  // namespace
}  // namespace vipra::router
