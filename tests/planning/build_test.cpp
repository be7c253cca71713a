#include "planning/build.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "plan/diff.hpp"

namespace vipra::plan {
namespace {

using namespace std::chrono_literals;
using definitions::LabelRequirement;
using definitions::LabelSelector;
using definitions::VirtualIpSpec;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

VirtualIpSpec vip(const std::string& name, const std::vector<std::string>& addresses, int vrid = 51) {
  VirtualIpSpec spec;
  spec.name = name;
  spec.seniority.name = name;
  for (const auto& text : addresses) spec.addresses.push_back(*IpAddress::parse(text));
  spec.vrrp.virtual_router_id = *vrrp::Vrid::make(vrid);
  spec.vrrp.advertisement_interval = 100ms;
  return spec;
}

LabelSelector with(const std::string& key, const std::string& value) {
  return {{{key, LabelRequirement::Operator::kIn, {value}}}};
}

NodeFacts node(std::map<std::string, std::string> labels = {}) {
  return {"node-a", std::move(labels), {}};
}

std::vector<RouterId> ids(const DesiredState& state) {
  std::vector<RouterId> out;
  for (const auto& router : state.routers) out.push_back(router.id);
  return out;
}

TEST(Build, GivesEveryFamilyOfAVirtualIpItsRouter) {
  const auto plan = build({vip("web", {"192.0.2.10", "2001:db8::10", "192.0.2.11"})}, node(), 7);
  EXPECT_EQ(plan.state.generation, 7u);
  EXPECT_EQ(plan.state.node, "node-a");
  ASSERT_THAT(ids(plan.state), ElementsAre("web/ipv4", "web/ipv6"));
  EXPECT_EQ(plan.state.routers[0].family, Family::kIpv4);
  EXPECT_THAT(plan.state.routers[0].addresses, ElementsAre(Address{IpAddress::v4(192, 0, 2, 10), "web"},
                                                           Address{IpAddress::v4(192, 0, 2, 11), "web"}));
  EXPECT_THAT(plan.state.routers[1].addresses,
              ElementsAre(Address{*IpAddress::parse("2001:db8::10"), "web"}));
  EXPECT_THAT(routers_of(plan.state, "web"), ElementsAre("web/ipv4", "web/ipv6"));
  EXPECT_TRUE(routers_of(plan.state, "other").empty());
}

TEST(Build, LetsIpv6FollowIpv4WhereBothExistAndNowhereElse) {
  const auto plan = build(
      {vip("both", {"2001:db8::1", "192.0.2.1"}), vip("four", {"192.0.2.2"}), vip("six", {"2001:db8::2"})},
      node(), 1);
  ASSERT_THAT(ids(plan.state), ElementsAre("both/ipv4", "both/ipv6", "four/ipv4", "six/ipv6"));
  EXPECT_EQ(plan.state.routers[0].lead, std::nullopt);
  EXPECT_EQ(plan.state.routers[1].lead, "both/ipv4");
  EXPECT_EQ(plan.state.routers[2].lead, std::nullopt);
  EXPECT_EQ(plan.state.routers[3].lead, std::nullopt);
}

TEST(Build, SetsTheLinkLocalAddressOfEveryIpv6RouterAndOfNoOther) {
  auto given = vip("given", {"192.0.2.1", "2001:db8::1"}, 9);
  given.vrrp.link_local = IpAddress::parse("fe80::1");
  const auto plan = build({given, vip("derived", {"2001:db8::2"}, 51)}, node(), 1);
  ASSERT_THAT(ids(plan.state), ElementsAre("derived/ipv6", "given/ipv4", "given/ipv6"));
  EXPECT_EQ(plan.state.routers[0].link_local, IpAddress::parse("fe80::200:5eff:fe00:233"));
  EXPECT_EQ(plan.state.routers[1].link_local, std::nullopt);
  EXPECT_EQ(plan.state.routers[2].link_local, IpAddress::parse("fe80::1"));
}

TEST(Build, CopiesWhatTheDefinitionSays) {
  auto spec = vip("web", {"192.0.2.1"}, 77);
  spec.vrrp.advertisement_interval = 1s;
  spec.vrrp.misses = 5;
  spec.vrrp.startup_delay = 45s;
  spec.vrrp.link_up_delay = 5s;
  spec.vrrp.recovery_delay = 6s;
  spec.vrrp.priority = 42;
  spec.vrrp.preemption = {PreemptionPolicy::kDelayed, 3s};
  spec.vrrp.checksum = ChecksumMode::kRfc5798;
  spec.interface = {InterfaceSelector::Kind::kByName, "eth1"};
  spec.seniority.created_unix_s = 1000;
  spec.announcement = {true, {10ms, 3s}, {1s}, 30s, 2s};
  spec.vrrp.virtual_mac = true;
  spec.vrrp.group = "shop";
  const auto plan = build({spec}, node(), 1);
  ASSERT_EQ(plan.state.routers.size(), 1u);
  const auto& router = plan.state.routers[0];
  EXPECT_EQ(router.vrid.value(), 77);
  EXPECT_EQ(router.interval, 1s);
  EXPECT_EQ(router.misses, 5);
  EXPECT_EQ(router.startup_delay, 45s);
  EXPECT_EQ(router.link_up_delay, 5s);
  EXPECT_EQ(router.recovery_delay, 6s);
  EXPECT_EQ(router.base_priority, 42);
  EXPECT_EQ(router.preemption, (Preemption{PreemptionPolicy::kDelayed, 3s}));
  EXPECT_EQ(router.checksum, ChecksumMode::kRfc5798);
  EXPECT_EQ(router.interface, spec.interface);
  EXPECT_EQ(router.seniority, spec.seniority);
  EXPECT_EQ(router.announcements, (Announcements{{10ms, 3s}, 30s, 2s, true}));
  EXPECT_EQ(router.carrier, Carrier::kVirtualMac);
  EXPECT_EQ(router.group, "shop");
  EXPECT_FALSE(router.lead) << "it leads its group itself";
}

TEST(Build, GivesEachFamilyItsAnnouncements) {
  auto spec = vip("web", {"192.0.2.1", "2001:db8::1"});
  spec.announcement = {true, {10ms, 3s}, {1s}, 30s, 2s};
  const auto routers = build({spec}, node(), 1).state.routers;
  EXPECT_EQ(routers.at(0).announcements, (Announcements{{10ms, 3s}, 30s, 2s, true}));
  EXPECT_EQ(routers.at(1).announcements, (Announcements{{1s}, 30s, 2s, false}));
}

TEST(Build, GivesEachTrackToOneRouter) {
  auto spec = vip("web", {"192.0.2.1", "2001:db8::1"});
  const Track link{"link", LinkTrack{"eth1"}, -50};
  const Track route{"route", RouteTrack{IpAddress::v4(10, 0, 0, 0), 8}, std::nullopt};
  const Track any{"any", GatewayTrack{}, -1};
  const Track v4{"v4", GatewayTrack{IpAddress::v4(192, 0, 2, 254), 1s, 3}, -1};
  const Track v6{"v6", GatewayTrack{*IpAddress::parse("2001:db8::ff"), 1s, 3}, -1};
  spec.vrrp.tracks = {link, route, any, v4, v6};
  const auto routers = build({spec}, node(), 1).state.routers;
  EXPECT_THAT(routers.at(0).tracks, ElementsAre(link, route, any, v4));
  EXPECT_THAT(routers.at(1).tracks, ElementsAre(any, v6));
  spec.addresses = {*IpAddress::parse("2001:db8::1")};
  EXPECT_THAT(build({spec}, node(), 1).state.routers.at(0).tracks, ElementsAre(link, route, any, v6));
}

TEST(Build, LetsTheOldestOfAGroupLead) {
  auto young = vip("a", {"192.0.2.1", "2001:db8::1"}, 51);
  auto old = vip("b", {"192.0.2.2", "2001:db8::2"}, 52);
  auto other = vip("c", {"192.0.2.3"}, 53);
  young.vrrp.group = old.vrrp.group = "shop";
  young.seniority.created_unix_s = 2000;
  old.seniority.created_unix_s = 1000;
  const auto plan = build({young, old, other}, node(), 1);
  std::map<RouterId, std::optional<RouterId>> leads;
  for (const auto& router : plan.state.routers) leads[router.id] = router.lead;
  EXPECT_THAT(leads,
              ElementsAre(Pair("a/ipv4", "b/ipv4"), Pair("a/ipv6", "b/ipv4"), Pair("b/ipv4", std::nullopt),
                          Pair("b/ipv6", "b/ipv4"), Pair("c/ipv4", std::nullopt)));
}

TEST(Build, LetsARefusedObjectLeadNobody) {
  auto winner = vip("a", {"192.0.2.1"}, 51);
  auto loser = vip("b", {"192.0.2.1"}, 52);
  auto member = vip("c", {"192.0.2.3"}, 53);
  loser.vrrp.group = member.vrrp.group = "shop";
  EXPECT_EQ(build({winner, loser, member}, node(), 1).state.routers.at(1).lead, std::nullopt);
}

TEST(Build, RefusesAMemberThatSelectsOtherNodesThanItsLead) {
  auto lead = vip("a", {"192.0.2.1"}, 51);
  auto member = vip("b", {"192.0.2.2"}, 52);
  lead.vrrp.group = member.vrrp.group = "shop";
  for (auto* narrow : {&lead, &member}) {
    lead.node_selector.requirements.clear();
    member.node_selector.requirements.clear();
    narrow->node_selector.requirements = {
        {"nowhere", definitions::LabelRequirement::Operator::kDoesNotExist, {}}};
    const auto plan = build({lead, member}, node(), 1);
    ASSERT_EQ(plan.state.routers.size(), 1u);
    EXPECT_EQ(plan.state.routers[0].id, "a/ipv4");
    ASSERT_EQ(plan.refusals.size(), 1u);
    EXPECT_EQ(plan.refusals[0].reason, Reason::kGroupMember);
    EXPECT_THAT(plan.refusals[0].message, HasSubstr("not that of a, which leads the group shop"));
  }
}

TEST(Build, CopiesVersion2AndItsPassword) {
  auto spec = vip("web", {"192.0.2.1"});
  EXPECT_EQ(build({spec}, node(), 1).state.routers.at(0).password, std::nullopt);
  spec.vrrp.version = vrrp::Version::kV2;
  spec.vrrp.advertisement_interval = 1s;
  spec.vrrp.password = vrrp::SimplePassword::make("1111");
  const auto plan = build({spec}, node(), 1);
  EXPECT_EQ(plan.state.routers.at(0).version, vrrp::Version::kV2);
  EXPECT_EQ(plan.state.routers.at(0).password, vrrp::SimplePassword::make("1111"));
}

TEST(Build, TakesTheFirstPriorityAndInterfaceThatMatchTheNode) {
  auto spec = vip("web", {"192.0.2.1"});
  spec.vrrp.priorities = {{with("zone", "b"), 10}, {with("zone", "a"), 150}, {{}, 20}};
  spec.interface = {InterfaceSelector::Kind::kByName, "eth0"};
  spec.interface_overrides = {{with("zone", "b"), {InterfaceSelector::Kind::kByName, "eth1"}},
                              {with("zone", "a"), {}}};
  const auto in_a = build({spec}, node({{"zone", "a"}}), 1);
  EXPECT_EQ(in_a.state.routers.at(0).base_priority, 150);
  EXPECT_EQ(in_a.state.routers.at(0).interface, InterfaceSelector{});
  const auto in_c = build({spec}, node({{"zone", "c"}}), 1);
  EXPECT_EQ(in_c.state.routers.at(0).base_priority, 20);
  EXPECT_EQ(in_c.state.routers.at(0).interface.text, "eth0");
}

TEST(Build, RefusesWhatDoesNotSelectTheNode) {
  auto spec = vip("web", {"192.0.2.1"});
  spec.node_selector = with("role", "ingress");
  const auto plan = build({spec}, node(), 1);
  EXPECT_TRUE(plan.state.routers.empty());
  ASSERT_EQ(plan.refusals.size(), 1u);
  EXPECT_EQ(plan.refusals[0].virtual_ip, "web");
  EXPECT_EQ(plan.refusals[0].reason, Reason::kNodeNotSelected);
  EXPECT_TRUE(build({spec}, node({{"role", "ingress"}}), 1).refusals.empty());
}

// The winner and what is served may not depend on the order in which the objects came.
void expect_conflict(std::vector<VirtualIpSpec> specs, const std::string& winner, const std::string& loser) {
  for (int order = 0; order < 2; ++order) {
    const auto plan = build(specs, node(), 1);
    ASSERT_EQ(plan.refusals.size(), 1u);
    EXPECT_EQ(plan.refusals[0].virtual_ip, loser);
    EXPECT_EQ(plan.refusals[0].reason, Reason::kAddressConflict);
    EXPECT_THAT(plan.refusals[0].message, testing::HasSubstr(winner));
    EXPECT_FALSE(routers_of(plan.state, winner).empty());
    EXPECT_TRUE(routers_of(plan.state, loser).empty());
    std::reverse(specs.begin(), specs.end());
  }
}

TEST(Build, GivesAContestedAddressToTheOlderObject) {
  auto older = vip("z", {"192.0.2.1", "192.0.2.2"});
  auto younger = vip("a", {"192.0.2.2", "192.0.2.3"});
  older.seniority.created_unix_s = 1000;
  younger.seniority.created_unix_s = 2000;
  expect_conflict({older, younger}, "z", "a");
}

TEST(Build, CountsAnObjectWithoutCreationTimeAsOldest) {
  auto timed = vip("a", {"192.0.2.1"});
  timed.seniority.created_unix_s = 1;
  expect_conflict({timed, vip("z", {"192.0.2.1"})}, "z", "a");
}

TEST(Build, LetsTheNameDecideBetweenObjectsOfOneAge) {
  expect_conflict({vip("b", {"2001:db8::1"}), vip("a", {"2001:db8::1"})}, "a", "b");
}

TEST(Build, LetsARefusedObjectClaimNothing) {
  const auto plan = build(
      {vip("a", {"192.0.2.1"}), vip("b", {"192.0.2.1", "192.0.2.2"}), vip("c", {"192.0.2.2"})}, node(), 1);
  EXPECT_THAT(ids(plan.state), ElementsAre("a/ipv4", "c/ipv4"));
}

TEST(Build, JudgesConflictsAlsoWithObjectsForOtherNodes) {
  auto elsewhere = vip("a", {"192.0.2.1"});
  elsewhere.node_selector = with("role", "other");
  const auto plan = build({elsewhere, vip("b", {"192.0.2.1"})}, node(), 1);
  EXPECT_TRUE(plan.state.routers.empty());
  ASSERT_EQ(plan.refusals.size(), 2u);
  EXPECT_EQ(plan.refusals[0].reason, Reason::kNodeNotSelected);
  EXPECT_EQ(plan.refusals[1].reason, Reason::kAddressConflict);
}

TEST(Build, ServesOneOfTwoObjectsOfTheSameNameWhateverTheirOrder) {
  std::vector specs{vip("web", {"192.0.2.2"}), vip("web", {"192.0.2.1"})};
  const auto first = build(specs, node(), 1);
  std::reverse(specs.begin(), specs.end());
  const auto second = build(specs, node(), 1);
  EXPECT_TRUE(same_content(first.state, second.state));
  EXPECT_THAT(ids(first.state), ElementsAre("web/ipv4"));
  ASSERT_EQ(first.refusals.size(), 1u);
  EXPECT_EQ(first.refusals[0].reason, Reason::kDuplicate);
}

TEST(Build, SortsAsDiffNeedsIt) {
  std::vector<VirtualIpSpec> specs;
  for (int i = 0; i < 50; ++i) {
    specs.push_back(vip("vip-" + std::to_string(i * 37 % 50),
                        {"10.0.0." + std::to_string(i + 1), "2001:db8::" + std::to_string(i + 1)}));
  }
  const auto before = build(specs, node(), 1);
  EXPECT_TRUE(std::is_sorted(before.state.routers.begin(), before.state.routers.end(),
                             [](const auto& a, const auto& b) { return a.id < b.id; }));
  specs[3].vrrp.priority = 50;
  const auto after = build(specs, node(), 2);
  const auto changes = diff(&before.state, after.state);
  EXPECT_TRUE(changes.added.empty());
  EXPECT_TRUE(changes.removed.empty());
  EXPECT_EQ(changes.changed.size(), 2u);
}

TEST(SameContent, IgnoresTheGenerationAndNothingElse) {
  const std::vector specs{vip("web", {"192.0.2.1"})};
  const auto one = build(specs, node(), 1);
  EXPECT_TRUE(same_content(one.state, build(specs, node(), 2).state));
  EXPECT_FALSE(same_content(one.state, build({}, node(), 1).state));
  auto facts = node();
  facts.peers.push_back({"node-b", {}, 1});
  EXPECT_FALSE(same_content(one.state, build(specs, facts, 1).state));
  facts = node();
  facts.name = "node-b";
  EXPECT_FALSE(same_content(one.state, build(specs, facts, 1).state));
}

VirtualIpSpec unicast(std::vector<std::string> peers, TransportMode mode = TransportMode::kUnicast) {
  auto spec = vip("web", {"192.0.2.10", "2001:db8::10"});
  spec.vrrp.transport.mode = mode;
  for (const auto& text : peers) spec.vrrp.transport.peers.push_back(*IpAddress::parse(text));
  return spec;
}

std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> out;
  for (const auto& ip : addresses) out.push_back(ip.to_string());
  return out;
}

NodeFacts node_with_peers() {
  auto facts = node();
  facts.peers = {
      {"node-b", {*IpAddress::parse("2001:db8::b"), IpAddress::v4(192, 0, 2, 3)}, 1, {{"zone", "a"}}},
      {"node-c", {IpAddress::v4(192, 0, 2, 2)}, 2, {{"zone", "a"}}},
      {"node-d", {IpAddress::v4(192, 0, 2, 4)}, 3, {{"zone", "b"}}}};
  return facts;
}

TEST(Peers, OfTheListAreThoseOfTheRoutersFamilySorted) {
  const auto plan =
      build({unicast({"192.0.2.3", "2001:db8::2", "192.0.2.2", "192.0.2.10"})}, node_with_peers(), 1);
  EXPECT_EQ(plan.state.routers[0].transport.mode, TransportMode::kUnicast);
  EXPECT_THAT(texts(plan.state.routers[0].transport.peers), ElementsAre("192.0.2.2", "192.0.2.3"))
      << "the VIP itself is nobody's to be reached at";
  EXPECT_THAT(texts(plan.state.routers[1].transport.peers), ElementsAre("2001:db8::2"));
}

TEST(Peers, WithoutAListAreTheNodesThatTakePart) {
  auto spec = unicast({}, TransportMode::kBoth);
  spec.node_selector = with("zone", "a");
  auto facts = node_with_peers();
  facts.labels = {{"zone", "a"}};
  const auto plan = build({spec}, facts, 1);
  EXPECT_EQ(plan.state.routers[0].transport.mode, TransportMode::kBoth);
  EXPECT_THAT(texts(plan.state.routers[0].transport.peers), ElementsAre("192.0.2.2", "192.0.2.3"));
  EXPECT_THAT(texts(plan.state.routers[1].transport.peers), ElementsAre("2001:db8::b"));
}

TEST(Peers, AreNoBusinessOfMulticast) {
  const auto plan = build({vip("web", {"192.0.2.10"})}, node_with_peers(), 1);
  EXPECT_EQ(plan.state.routers[0].transport, Transport{});
}

TEST(Peers, LeaveTheStateAsItIsWhenALabelChangesThatSelectsNothing) {
  const auto before = build({unicast({})}, node_with_peers(), 1);
  auto facts = node_with_peers();
  facts.peers[0].labels["weather"] = "fine";
  EXPECT_TRUE(same_content(before.state, build({unicast({})}, facts, 2).state));
  facts.peers.pop_back();
  const auto fewer = build({unicast({})}, facts, 3);
  EXPECT_FALSE(same_content(before.state, fewer.state));
  EXPECT_EQ(diff(&before.state, fewer.state).changed.size(), 1u) << "only the router that lost a peer";
}

}  // namespace
}  // namespace vipra::plan
