#include "track/judge.hpp"

#include <gtest/gtest.h>

#include "tests/track/world.hpp"

namespace vipra::track {
namespace {

TEST(Link, IsOkWhileItIsUpWithCarrier) {
  World world;
  world.add_link(3, "eth1");
  const auto verdict = judge_link(world.kernel, {"eth1"});
  EXPECT_EQ(verdict.outcome, Outcome::kOk);
  EXPECT_EQ(verdict.detail, "interface eth1 is up");
}

TEST(Link, FailsAndSaysWhetherItIsMissingDownOrWithoutCarrier) {
  World world;
  world.add_link(3, "eth1", true, false);
  world.add_link(4, "eth2", false, false);
  for (const auto& [name, why] : {std::pair{"eth1", "has no carrier"}, std::pair{"eth2", "is down"},
                                  std::pair{"eth3", "does not exist"}}) {
    const auto verdict = judge_link(world.kernel, {name});
    EXPECT_EQ(verdict.outcome, Outcome::kFailed);
    EXPECT_EQ(verdict.reason, Reason::kTrackedLinkDown);
    EXPECT_EQ(verdict.detail, std::string{"interface "} + name + " " + why);
  }
}

struct RouteTest : testing::Test {
  RouteTest() {
    world.add_link(2, "eth0");
    world.add_link(3, "eth1");
  }
  Verdict judge(const char* prefix) {
    const auto wanted = *IpPrefix::parse(prefix);
    return judge_route(world.kernel, world.routes, {wanted.address, wanted.length});
  }
  World world;
};

TEST_F(RouteTest, ThatNobodyAskedTheKernelForIsUnknown) {
  EXPECT_EQ(judge("0.0.0.0/0").outcome, Outcome::kUnknown);
  world.ask({"0.0.0.0/0"});
  EXPECT_EQ(judge("10.0.0.0/8").outcome, Outcome::kUnknown);
  EXPECT_EQ(judge("0.0.0.0/0").outcome, Outcome::kFailed);
}

TEST_F(RouteTest, ToExactlyTheDestinationIsNeeded) {
  world.ask({"10.0.0.0/8", "10.0.0.0/9", "::/0"});
  world.add_route("10.0.0.0/9", 2, "192.0.2.1");
  const auto missing = judge("10.0.0.0/8");
  EXPECT_EQ(missing.reason, Reason::kRouteMissing);
  EXPECT_EQ(missing.detail, "there is no route to 10.0.0.0/8");
  EXPECT_EQ(judge("10.0.0.0/9").outcome, Outcome::kOk);
  EXPECT_EQ(judge("10.0.0.0/9").detail, "the route to 10.0.0.0/9 leaves by eth0");
  EXPECT_EQ(judge("::/0").detail, "there is no IPv6 default route");
}

TEST_F(RouteTest, ByALinkThatIsDownIsNone) {
  world.ask({"0.0.0.0/0"});
  world.add_route("0.0.0.0/0", 2, "192.0.2.1");
  EXPECT_EQ(judge("0.0.0.0/0").outcome, Outcome::kOk);
  world.add_link(2, "eth0", true, false);
  EXPECT_EQ(judge("0.0.0.0/0").detail, "the IPv4 default route leaves by eth0, which is down");
  world.add_route("0.0.0.0/0", 3, "198.51.100.1").metric = 100;
  EXPECT_EQ(judge("0.0.0.0/0").outcome, Outcome::kOk) << "there is another";
  world.routes.routes.back().next_hops.front().dead = true;
  EXPECT_TRUE(judge("0.0.0.0/0").failed());
  world.kernel.remove_link(2);
  world.routes.routes.pop_back();
  EXPECT_TRUE(judge("0.0.0.0/0").failed());
}

TEST_F(RouteTest, WithOneUsableNextHopOfManyIsUsable) {
  world.ask({"0.0.0.0/0"});
  auto& route = world.add_route("0.0.0.0/0", 2, "192.0.2.1");
  route.next_hops.front().dead = true;
  route.next_hops.push_back({3, IpAddress::parse("198.51.100.1"), false});
  EXPECT_EQ(judge("0.0.0.0/0").outcome, Outcome::kOk);
}

TEST_F(RouteTest, ThatRefusesPacketsIsNoneUnlessABetterOneForwards) {
  world.ask({"10.0.0.0/8"});
  auto& refusing = world.add_route("10.0.0.0/8", 0, nullptr);
  refusing.forwards = false;
  refusing.metric = 10;
  EXPECT_EQ(judge("10.0.0.0/8").detail, "the route to 10.0.0.0/8 refuses packets");
  world.add_route("10.0.0.0/8", 2, "192.0.2.1").metric = 20;
  EXPECT_TRUE(judge("10.0.0.0/8").failed()) << "the kernel takes the lower metric";
  world.routes.routes.back().metric = 5;
  EXPECT_EQ(judge("10.0.0.0/8").outcome, Outcome::kOk);
}

TEST_F(RouteTest, GatewayIsTheNextHopOfTheBestDefaultRouteByTheInterface) {
  EXPECT_FALSE(default_gateway(world.routes, Family::kIpv4, 2));
  world.add_route("10.0.0.0/8", 2, "192.0.2.7");
  world.add_route("0.0.0.0/0", 2, "192.0.2.9").metric = 200;
  world.add_route("0.0.0.0/0", 2, "192.0.2.1").metric = 100;
  world.add_route("0.0.0.0/0", 3, "198.51.100.1").metric = 50;
  world.add_route("::/0", 2, "fe80::1");
  EXPECT_EQ(default_gateway(world.routes, Family::kIpv4, 2), IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(default_gateway(world.routes, Family::kIpv4, 3), IpAddress::parse("198.51.100.1"));
  EXPECT_EQ(default_gateway(world.routes, Family::kIpv6, 2), IpAddress::parse("fe80::1"));
  EXPECT_FALSE(default_gateway(world.routes, Family::kIpv6, 3));
}

}  // namespace
}  // namespace vipra::track
