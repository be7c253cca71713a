// A resignation is three advertisements, a millisecond apart: what becomes of them when the router becomes
// another one before the last is out.
#include <gmock/gmock.h>

#include "tests/router/fakes.hpp"

namespace vipra::router {
namespace {

plan::VirtualRouter version_3(int vrid, int priority = 100) {
  auto desired = desired_v4(priority);
  desired.vrid = *vrrp::Vrid::make(vrid);
  return desired;
}

plan::VirtualRouter version_2(const char* password, int vrid) {
  auto desired = version_3(vrid);
  desired.version = vrrp::Version::kV2;
  desired.interval = 1s;
  desired.password = vrrp::SimplePassword::make(password);
  return desired;
}

// Whoever hears it knows the old one alone.
TEST(Resignation, AfterAnEditOfTheVridIsWhollyThatOfTheOldOne) {
  for (const int priority : {100, 255}) {  // 255 is master again at once
    Bench b{desired_v4(priority)};
    b.become_master();
    const auto edit = b.now.mono.time_since_epoch();
    b.router.reconfigure(b.now, version_3(52, priority));
    EXPECT_EQ(b.world.resignations.size(), 1u);
    b.until(edit + 1ms);
    EXPECT_EQ(b.world.resignations.size(), 2u) << "spaced";
    b.until(edit + 10ms);
    ASSERT_EQ(b.world.resignations.size(), 3u);
    for (const auto& message : b.world.resignations) EXPECT_EQ(message[1], 51);
    EXPECT_EQ(b.router.counters().resignations_sent, 3u);
    b.until(edit + 1s);
    EXPECT_EQ(b.router.state(), State::kMaster);
    EXPECT_EQ(b.world.resignations.size(), 3u);
    EXPECT_EQ(b.world.last_message[1], 52);
  }
}

TEST(Resignation, AfterAnEditHasTheOldVersionAndTheOldPassword) {
  Bench b{version_2("1111", 51)};
  b.until(4s);
  b.kernel_answers();
  ASSERT_EQ(b.router.state(), State::kMaster);
  b.router.reconfigure(b.now, version_2("2222", 52));
  b.until(4010ms);
  ASSERT_EQ(b.world.resignations.size(), 3u);
  for (const auto& message : b.world.resignations) EXPECT_EQ(message[16], '1');

  b.world.resignations.clear();
  b.until(9s);
  ASSERT_EQ(b.router.state(), State::kMaster);
  b.router.reconfigure(b.now, version_3(52));
  b.until(9010ms);
  ASSERT_EQ(b.world.resignations.size(), 3u);
  for (const auto& message : b.world.resignations) EXPECT_EQ(message[0], 0x21);
}

TEST(Resignation, OfTheFirstEditIsNotLostByASecondAtOnce) {
  Bench b{desired_v4(255)};
  b.become_master();
  for (const int vrid : {52, 53}) b.router.reconfigure(b.now, version_3(vrid, 255));
  b.until(510ms);
  std::vector<int> said;
  for (const auto& message : b.world.resignations) said.push_back(message[1]);
  EXPECT_THAT(said, testing::UnorderedElementsAre(51, 51, 51, 52, 52, 52));
}

TEST(Resignation, IsWhollyOnTheInterfaceThatIsLeft) {
  Bench b;
  b.become_master();
  b.router.set_segment(b.now, segment("10.0.3.15", 3, "eth1"));
  b.until(510ms);
  auto all = b.world.take();
  std::erase_if(all, [](const auto& line) { return !line.starts_with("advert(0)"); });
  EXPECT_THAT(all, testing::ElementsAre("advert(0) on eth0", "advert(0) on eth0", "advert(0) on eth0"));
}

TEST(Resignation, IsSaidToItsEndByADeletedRouter) {
  Bench b;
  b.become_master();
  b.router.reconfigure(b.now, version_3(52));
  b.router.release(b.now, Reason::kDeleted);
  b.kernel_answers();
  EXPECT_FALSE(b.router.finished());
  b.until(510ms);
  EXPECT_TRUE(b.router.finished());
  EXPECT_EQ(b.world.resignations.size(), 3u);
}

}  // namespace
}  // namespace vipra::router
