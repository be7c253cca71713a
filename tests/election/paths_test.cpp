// Advertisements that come by two paths, to the group and by unicast: either keeps a Backup, copies are not
// answered twice, and what a resignation has overtaken changes nothing.
#include <gmock/gmock.h>

#include "tests/election/driver.hpp"

namespace vipra::election {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using vrrp::Path;
constexpr Centiseconds k1s{100};
constexpr const char* kPeer = "10.0.2.20";

struct Paths : Driver {
  explicit Paths(int priority) : Driver{priority, config_1s()} { (void)at(0, Startup{}); }
  Log hear(double when, Path path, int priority, const char* source = kPeer) {
    return at(when, AdvertReceived{*IpAddress::parse(source), static_cast<vrrp::Priority>(priority), k1s,
                                   TimePoint{seconds(when)}, path});
  }
  void become_master() {
    (void)until(3.7);
    ASSERT_EQ(machine.state(), State::kMaster);
  }
};

TEST(TwoPaths, EitherOneKeepsABackup) {
  Paths d{100};
  for (int i = 1; i < 10; ++i) EXPECT_THAT(d.hear(i, Path::kMulticast, 200), IsEmpty());
  for (int i = 10; i < 20; ++i) EXPECT_THAT(d.hear(i, Path::kUnicast, 200), IsEmpty());
  EXPECT_EQ(d.machine.state(), State::kBackup);
  EXPECT_DOUBLE_EQ(d.deadline(), 22.609375);
}

TEST(TwoPaths, ACopyIsNoSecondAdvertisementForTheTimer) {
  Paths d{100};
  (void)d.hear(1.0, Path::kMulticast, 200);
  (void)d.hear(1.001, Path::kUnicast, 200);
  EXPECT_DOUBLE_EQ(d.deadline(), 4.610375) << "from when it was heard last";
  EXPECT_EQ(d.machine.heard_priority(), 200);
}

TEST(Copies, OfALosingAdvertisementAreAnsweredOnce) {
  Paths d{150};
  d.become_master();
  EXPECT_THAT(d.hear(3.8, Path::kMulticast, 100), ElementsAre("@3.8 advert(150)", "@3.8 evidence"));
  EXPECT_THAT(d.hear(3.801, Path::kUnicast, 100), IsEmpty());
  EXPECT_THAT(d.hear(3.802, Path::kUnicast, 100, "10.0.2.21"),
              ElementsAre("@3.802 advert(150)", "@3.802 evidence"))
      << "another sender's is no copy";
}

TEST(Copies, OfTheNextAdvertisementAreToldFromTheLastOnes) {
  Paths d{150};
  d.become_master();
  (void)d.hear(3.8, Path::kMulticast, 100);
  (void)d.until(4.799);
  EXPECT_THAT(d.hear(4.8, Path::kUnicast, 100), ElementsAre("@4.8 advert(150)", "@4.8 evidence"));
  EXPECT_THAT(d.hear(4.801, Path::kMulticast, 100), IsEmpty());
}

TEST(Copies, OfAResignationAreAnsweredOnce) {
  Paths d{150};
  d.become_master();
  std::size_t answers = 0;
  for (int i = 0; i < 3; ++i) {
    answers += d.hear(3.8 + i * 0.001, Path::kMulticast, 0).size();
    answers += d.hear(3.8001 + i * 0.001, Path::kUnicast, 0).size();
  }
  EXPECT_EQ(answers, 3u) << "as many as on one path";
}

TEST(Overtaken, ALateCopyOfAnOlderAdvertisementDoesNotReArmTheTimer) {
  Paths d{100};
  (void)d.hear(1.0, Path::kMulticast, 200);
  (void)d.hear(1.5, Path::kMulticast, 0);
  EXPECT_DOUBLE_EQ(d.deadline(), 2.109375) << "one skew";
  EXPECT_THAT(d.hear(1.502, Path::kUnicast, 200), IsEmpty());
  EXPECT_DOUBLE_EQ(d.deadline(), 2.109375);
  EXPECT_THAT(d.until(2.2), ElementsAre("@2.109375 advert(100)", "@2.109375 install", "@2.109375 announce",
                                        "@2.109375 Backup->Master:MasterResigned"));
}

TEST(Overtaken, NorDoesItThrowBackWhoHasTakenOver) {
  Paths d{254};
  (void)d.hear(1.0, Path::kMulticast, 255);
  (void)d.hear(1.5, Path::kUnicast, 0);
  (void)d.until(1.51);
  ASSERT_EQ(d.machine.state(), State::kMaster);
  EXPECT_THAT(d.hear(1.512, Path::kMulticast, 255), IsEmpty());
  EXPECT_EQ(d.machine.state(), State::kMaster);
}

TEST(Overtaken, AnAdvertisementOnThePathOfTheResignationIsNewer) {
  Paths d{100};
  (void)d.hear(1.0, Path::kMulticast, 200);
  (void)d.hear(1.5, Path::kMulticast, 0);
  (void)d.hear(1.51, Path::kMulticast, 200);
  EXPECT_DOUBLE_EQ(d.deadline(), 5.119375) << "the master is back";
  (void)d.hear(1.52, Path::kUnicast, 200);
  EXPECT_DOUBLE_EQ(d.deadline(), 5.129375) << "and is believed on the other path again";
}

TEST(Overtaken, OnceBothPathsHaveResignedEitherMayBringTheMasterBack) {
  Paths d{100};
  (void)d.hear(1.0, Path::kMulticast, 200);
  (void)d.hear(1.5, Path::kMulticast, 0);
  (void)d.hear(1.501, Path::kUnicast, 0);
  (void)d.hear(1.51, Path::kUnicast, 200);
  EXPECT_DOUBLE_EQ(d.deadline(), 5.119375);
}

TEST(Overtaken, AnotherNodeIsBelieved) {
  Paths d{100};
  (void)d.hear(1.0, Path::kMulticast, 200);
  (void)d.hear(1.5, Path::kMulticast, 0);
  (void)d.hear(1.502, Path::kUnicast, 150, "10.0.2.21");
  EXPECT_DOUBLE_EQ(d.deadline(), 5.111375);
}

TEST(Overtaken, HoldsAsLongAsTheLargestSkew) {
  Paths d{1};
  (void)d.hear(1.0, Path::kMulticast, 200);
  (void)d.hear(1.0, Path::kMulticast, 0);
  (void)d.until(1.99);
  ASSERT_EQ(d.machine.state(), State::kBackup) << "the largest skew is a little less than the interval";
  (void)d.hear(1.995, Path::kUnicast, 200);
  EXPECT_DOUBLE_EQ(d.deadline(), 1.99609375);
}

// IPv6 by unicast: what a peer hears from us is not what the group hears.
TEST(Ties, AreBetweenTheAddressesThatThePathShows) {
  Driver d{100, config_1s(), "fe80::1"};
  (void)d.at(0, Startup{});
  (void)d.until(3.7);
  ASSERT_EQ(d.machine.state(), State::kMaster);
  AdvertReceived advert{*IpAddress::parse("2001:db8::2"), 100, k1s, TimePoint{seconds(3.8)}, Path::kUnicast,
                        IpAddress::parse("2001:db8::3")};
  EXPECT_FALSE(d.at(3.8, advert).empty());
  EXPECT_EQ(d.machine.state(), State::kMaster);
  advert.own_source = IpAddress::parse("2001:db8::1");
  advert.received_at = TimePoint{seconds(3.9)};
  (void)d.at(3.9, advert);
  EXPECT_EQ(d.machine.state(), State::kBackup);
}

}  // namespace
}  // namespace vipra::election
