#include "track/tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/base/allocation_count.hpp"
#include "tests/track/world.hpp"

namespace vipra::track {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct TrackerTest : testing::Test {
  TrackerTest() {
    world.add_link(2, "eth0");
    world.add_link(3, "eth1");
  }
  void set(const plan::VirtualRouter& router) {
    tracker.set_router(router);
    tracker.set_place(router.id, {2, "eth0"});
    judge();
  }
  void judge() { tracker.judge(world.kernel, world.routes); }
  void until(Duration end) {
    for (auto due = tracker.deadline(at(0s)); due && *due <= at(end); due = tracker.deadline(*due))
      tracker.step(*due, world);
  }
  void answer(const char* from) {
    tracker.on_claim(2, {*IpAddress::parse(from), MacAddress{{2, 0, 0, 0, 0, 9}}, false});
  }
  std::vector<std::string> changes() {
    std::vector<std::string> out;
    tracker.drain_changes([&](const auto& id, const Tracked& tracked, Outcome) {
      out.push_back(id + " " + tracked.track.name + (tracked.verdict.failed() ? " failed" : ""));
    });
    return out;
  }
  Verdict verdict(const plan::RouterId& id, std::size_t position = 0) {
    std::vector<Verdict> all;
    tracker.for_tracks(id, [&](const Tracked& tracked) { all.push_back(tracked.verdict); });
    return position < all.size() ? all[position] : Verdict{};
  }

  World world;
  Tracker tracker;
};

TEST_F(TrackerTest, TellsEachChangeOnce) {
  set(router("web", {link_track("eth1")}));
  EXPECT_THAT(changes(), ElementsAre("web/ipv4 eth1"));
  judge();
  EXPECT_THAT(changes(), IsEmpty());
  world.add_link(3, "eth1", true, false);
  judge();
  EXPECT_THAT(changes(), ElementsAre("web/ipv4 eth1 failed"));
  world.add_link(3, "eth1", false, false);
  judge();
  EXPECT_THAT(changes(), ElementsAre("web/ipv4 eth1 failed")) << "another sentence";
  world.add_link(3, "eth1");
  judge();
  EXPECT_THAT(changes(), ElementsAre("web/ipv4 eth1"));
}

TEST_F(TrackerTest, RouteIsUnknownUntilItWasRead) {
  set(router("web", {route_track("0.0.0.0/0")}));
  EXPECT_EQ(verdict("web/ipv4").outcome, Outcome::kUnknown);
  EXPECT_THAT(tracker.destinations(), ElementsAre(*IpPrefix::parse("0.0.0.0/0")));
  world.ask({"0.0.0.0/0"});
  judge();
  EXPECT_TRUE(verdict("web/ipv4").failed());
}

TEST_F(TrackerTest, AFailedRouteHealsOnlyByNewsOfRoutes) {
  set(router("web", {route_track("0.0.0.0/0")}));
  world.ask({"0.0.0.0/0"});
  world.add_route("0.0.0.0/0", 3, "198.51.100.1");
  judge();
  EXPECT_EQ(verdict("web/ipv4").outcome, Outcome::kOk);
  world.add_link(3, "eth1", false, false);
  world.routes.current = false;
  judge();
  EXPECT_TRUE(verdict("web/ipv4").failed()) << "a link that is down needs no news";
  world.add_link(3, "eth1");
  judge();
  EXPECT_TRUE(verdict("web/ipv4").failed()) << "the kernel may have taken the route away";
  world.routes.current = true;
  judge();
  EXPECT_EQ(verdict("web/ipv4").outcome, Outcome::kOk);
}

TEST_F(TrackerTest, GatewayCountsAsReachableUntilItMissedEnough) {
  set(router("web", {gateway_track("192.0.2.1")}));
  until(2999ms);
  EXPECT_EQ(verdict("web/ipv4").outcome, Outcome::kUnknown);
  until(3s);
  EXPECT_EQ(verdict("web/ipv4").reason, Reason::kGatewayUnreachable);
  EXPECT_EQ(verdict("web/ipv4").detail, "192.0.2.1 does not answer on eth0 (3 questions in a row)");
  answer("192.0.2.1");
  EXPECT_EQ(verdict("web/ipv4").outcome, Outcome::kOk);
  EXPECT_EQ(verdict("web/ipv4").detail, "192.0.2.1 answers on eth0");
}

TEST_F(TrackerTest, GatewayWithoutAddressIsTheNextHopOfTheDefaultRoute) {
  set(router("web", {gateway_track(nullptr)}, Family::kIpv6));
  EXPECT_THAT(tracker.destinations(), ElementsAre(*IpPrefix::parse("::/0")));
  until(10s);
  EXPECT_EQ(world.sent, 0);
  EXPECT_EQ(verdict("web/ipv6").outcome, Outcome::kUnknown) << "no route was read yet";
  world.ask({"::/0"});
  judge();
  EXPECT_EQ(verdict("web/ipv6").detail, "no IPv6 default route leaves by eth0");
  world.add_route("::/0", 2, "fe80::1");
  judge();
  EXPECT_EQ(verdict("web/ipv6").outcome, Outcome::kUnknown) << "nobody was asked yet";
  until(11s);
  EXPECT_EQ(world.last.target, IpAddress::parse("fe80::1"));
  world.routes.routes.clear();
  world.add_route("::/0", 2, "fe80::2");
  judge();
  until(20s);
  EXPECT_EQ(world.last.target, IpAddress::parse("fe80::2"));
  EXPECT_EQ(tracker.gateways().size(), 1u);
}

TEST_F(TrackerTest, ADefinitionThatChangesLeavesOtherVerdictsAlone) {
  const auto before = router("web", {link_track("eth9"), gateway_track("192.0.2.1")});
  set(before);
  until(3s);
  ASSERT_TRUE(verdict("web/ipv4", 0).failed());
  ASSERT_TRUE(verdict("web/ipv4", 1).failed());
  (void)changes();
  auto after = router("web", {gateway_track("192.0.2.1", 2s, 2), link_track("eth1"), link_track("eth9", -5)});
  tracker.set_router(after);
  EXPECT_TRUE(verdict("web/ipv4", 0).failed());
  EXPECT_EQ(verdict("web/ipv4", 1).outcome, Outcome::kUnknown);
  EXPECT_TRUE(verdict("web/ipv4", 2).failed());
  EXPECT_THAT(changes(), testing::SizeIs(3)) << "what follows from them may be another";
  tracker.set_router(after);
  EXPECT_THAT(changes(), IsEmpty()) << "the same again is nothing new";
  judge();
  EXPECT_TRUE(verdict("web/ipv4", 0).failed()) << "three missed questions of a second are as long";
  set(router("other", {link_track("eth1")}));
  EXPECT_TRUE(verdict("web/ipv4", 0).failed());
}

TEST_F(TrackerTest, ARouterWithoutTracksIsForgotten) {
  set(router("web", {gateway_track("192.0.2.1")}));
  set(router("web", {}));
  EXPECT_TRUE(tracker.empty());
  EXPECT_FALSE(tracker.deadline(at(0s)));
  set(router("web", {gateway_track("192.0.2.1")}));
  tracker.keep_only([](const auto& id) { return id != "web/ipv4"; });
  judge();
  EXPECT_FALSE(tracker.deadline(at(0s)));
}

TEST_F(TrackerTest, AnotherInterfaceAsksAnew) {
  set(router("web", {gateway_track("192.0.2.1")}));
  until(3s);
  ASSERT_TRUE(verdict("web/ipv4").failed());
  tracker.set_place("web/ipv4", {3, "eth1"});
  judge();
  EXPECT_FALSE(verdict("web/ipv4").failed());
  until(4s);
  EXPECT_EQ(world.last.index, 3);
}

TEST_F(TrackerTest, WhatHadFailedBeforeARestartHasFailedUntilMoreIsKnown) {
  const auto tracks = router("web", {link_track("eth1"), gateway_track("192.0.2.1"),
                                     gateway_track("192.0.2.2"), route_track("10.0.0.0/8")});
  tracker.set_router(tracks, 0b1011);
  for (const std::size_t i : {0U, 1U, 3U}) EXPECT_TRUE(verdict("web/ipv4", i).failed()) << i;
  EXPECT_EQ(verdict("web/ipv4", 2).outcome, Outcome::kUnknown);
  EXPECT_EQ(tracker.failed_tracks("web/ipv4"), 0b1011U) << "the next heir is told the same";
  tracker.set_place("web/ipv4", {2, "eth0"});
  judge();
  EXPECT_EQ(verdict("web/ipv4", 0).outcome, Outcome::kOk) << "the kernel's links are known";
  EXPECT_EQ(verdict("web/ipv4", 1).detail, "192.0.2.1 does not answer on eth0 (3 questions in a row)");
  EXPECT_EQ(verdict("web/ipv4", 2).outcome, Outcome::kUnknown);
  EXPECT_TRUE(verdict("web/ipv4", 3).failed()) << "its routes are not";
  world.ask({"10.0.0.0/8"});
  world.add_route("10.0.0.0/8", 3, "198.51.100.2");
  until(0s);
  EXPECT_EQ(world.sent, 2) << "asked at once";
  judge();
  EXPECT_EQ(verdict("web/ipv4", 3).outcome, Outcome::kOk);
  until(2s);
  EXPECT_EQ(tracker.failed_tracks("web/ipv4"), 0b10U);
  answer("192.0.2.1");
  EXPECT_EQ(verdict("web/ipv4", 1).outcome, Outcome::kOk);
  EXPECT_EQ(tracker.failed_tracks("web/ipv4"), 0U);
  tracker.set_router(tracks, 0b1111);
  EXPECT_EQ(tracker.failed_tracks("web/ipv4"), 0U) << "who knows by himself is told nothing";
}

TEST_F(TrackerTest, ADefaultGatewayThatHadFailedIsAskedBeforeItCountsAgain) {
  tracker.set_router(router("web", {gateway_track(nullptr)}), 1);
  tracker.set_place("web/ipv4", {2, "eth0"});
  judge();
  EXPECT_TRUE(verdict("web/ipv4").failed()) << "no route was read yet";
  world.ask({"0.0.0.0/0"});
  world.add_route("0.0.0.0/0", 2, "192.0.2.1");
  // Somebody asks the same one more often.
  tracker.set_router(router("xyz", {gateway_track("192.0.2.1", 200ms, 2)}));
  tracker.set_place("xyz/ipv4", {2, "eth0"});
  judge();
  EXPECT_EQ(verdict("web/ipv4").detail, "192.0.2.1 does not answer on eth0 (3 questions in a row)");
  until(10s);
  EXPECT_TRUE(verdict("web/ipv4").failed());
  answer("192.0.2.1");
  EXPECT_EQ(verdict("web/ipv4").outcome, Outcome::kOk);
}

TEST_F(TrackerTest, ManyRoutersWithOneGatewayCostOneQuestionAndNoAllocation) {
  for (int i = 0; i < 200; ++i) set(router("web" + std::to_string(i), {gateway_track("192.0.2.1")}));
  until(0s);
  answer("192.0.2.1");
  (void)changes();
  world.sent = 0;
  const vrrp::NeighbourClaim claim{*IpAddress::parse("192.0.2.1"), MacAddress{{2, 0, 0, 0, 0, 9}}, false};
  const auto allocated = testing_support::allocations_in([&] {
    for (int second = 1; second <= 60; ++second) {
      tracker.step(at(second * 1s), world);
      tracker.on_claim(2, claim);
      tracker.drain_changes([](const auto&, const Tracked&, Outcome) { FAIL(); });
    }
  });
  EXPECT_EQ(allocated, 0u);
  EXPECT_EQ(world.sent, 60);
}

}  // namespace
}  // namespace vipra::track
