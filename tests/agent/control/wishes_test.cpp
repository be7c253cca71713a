#include "agent/control/wishes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vipra::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kNoon = 1'800'014'400'000'000'000;  // 2027-01-15 12:00:00 UTC
constexpr std::int64_t kSecond = 1'000'000'000;

plan::DesiredState two_routers() {
  plan::DesiredState out;
  for (const auto* name : {"api", "web"}) {
    plan::VirtualRouter router;
    router.id = std::string{name} + "/ipv4";
    router.addresses = {{*IpAddress::parse("192.0.2.1"), name}};
    out.routers.push_back(router);
  }
  return out;
}

TEST(Wishes, MaintenanceIsAboutEveryRouterAndASwitchoverAboutThoseOfItsVirtualIp) {
  Wishes wishes;
  EXPECT_THAT(wishes.contributions(two_routers()), IsEmpty());
  ASSERT_TRUE(wishes.set({"web", kNoon}));
  const auto one = wishes.contributions(two_routers());
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].consumer, "web/ipv4");
  EXPECT_EQ(one[0].source, "switchover/web");
  EXPECT_EQ(one[0].detail, "handed over to the other nodes, until 2027-01-15T12:00:00Z");
  EXPECT_TRUE(plan::is_wish_to_stand_aside(one[0]));
  ASSERT_TRUE(wishes.set({"", 0}));
  const auto all = wishes.contributions(two_routers());
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].consumer, "api/ipv4");
  EXPECT_EQ(all[1].source, "maintenance");
  EXPECT_EQ(all[1].reason, Reason::kMaintenance);
  EXPECT_EQ(all[1].detail, "this node is in maintenance until that is ended");
}

TEST(Wishes, ALaterOneTakesThePlaceOfTheFirstAndEndsOnce) {
  Wishes wishes;
  ASSERT_TRUE(wishes.set({"web", kNoon}));
  ASSERT_TRUE(wishes.set({"web", kNoon + kSecond}));
  EXPECT_THAT(wishes.all(), ElementsAre(plan::Wish{"web", kNoon + kSecond}));
  EXPECT_EQ(wishes.maintenance(), nullptr);
  EXPECT_TRUE(wishes.end("web"));
  EXPECT_FALSE(wishes.end("web"));
}

TEST(Wishes, ThoseWhoseTimeHasPassedEndAndTheOthersStay) {
  Wishes wishes{{{"", 0}, {"a", kNoon}, {"b", kNoon + 5 * kSecond}}};
  EXPECT_EQ(wishes.next_end_unix_ns(), kNoon);
  EXPECT_THAT(wishes.expire(kNoon - 1), IsEmpty());
  EXPECT_THAT(wishes.expire(kNoon), ElementsAre(plan::Wish{"a", kNoon}));
  EXPECT_EQ(wishes.next_end_unix_ns(), kNoon + 5 * kSecond);
  EXPECT_EQ(wishes.expire(kNoon + 9 * kSecond).size(), 1u);
  EXPECT_EQ(wishes.next_end_unix_ns(), std::nullopt);
  ASSERT_NE(wishes.maintenance(), nullptr) << "until somebody ends it";
}

TEST(Wishes, AreBounded) {
  Wishes wishes;
  for (std::size_t i = 0; i < kMaxWishes; ++i) ASSERT_TRUE(wishes.set({"vip-" + std::to_string(i), 0}));
  EXPECT_FALSE(wishes.set({"one-more", 0}));
  EXPECT_TRUE(wishes.set({"vip-7", kNoon})) << "no new one";
}

}  // namespace
}  // namespace vipra::control
