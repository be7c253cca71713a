#include "tests/lab/lab_selftest.hpp"

#include <cstdlib>

namespace vipra::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(LabSelftest, EveryStationIsReachedOverBothFamilies) {
  for (std::size_t i = 0; i < lab_->node_count(); ++i) {
    EXPECT_TRUE(reaches(lab_->client(), lab_->node(i).facts().v4)) << lab_->node(i).name();
    EXPECT_TRUE(reaches(lab_->client(), lab_->node(i).facts().v6)) << lab_->node(i).name();
  }
  EXPECT_TRUE(reaches(lab_->node(0), lab_->network().control_v4()));
  EXPECT_TRUE(reaches(lab_->node(0), lab_->network().control_v6()));
}

TEST_F(LabSelftest, LinkLocalAddressesAreUsableAtOnce) {
  auto& node = lab_->node(0);
  ASSERT_TRUE(wait_until([&] { return node.owns(node.facts().link_local); }, ms{1000}));
  EXPECT_EQ(node.find_address(node.facts().link_local)->flags & 0x40U, 0U) << "still tentative";
}

TEST_F(LabSelftest, HostInterfacesAreOutOfSight) {
  const auto links = lab_->node(0).run({"ip", "-o", "link"});
  ASSERT_OK(links);
  EXPECT_EQ(std::count(links->out.begin(), links->out.end(), '\n'), 2) << links->out;  // lo and eth0
}

TEST_F(LabSelftest, OwnersComeFromTheKernelOfEachNode) {
  EXPECT_THAT(lab_->owners(vip4_), IsEmpty());
  ASSERT_OK(acquire("node-b", vip4_));
  EXPECT_THAT(lab_->owners(vip4_), ElementsAre("node-b"));
  ASSERT_OK(acquire("node-c", vip4_));
  EXPECT_THAT(lab_->owners(vip4_), ElementsAre("node-b", "node-c"));
  EXPECT_FALSE(lab_->wait_for_owner(vip4_, ms{20}));
  ASSERT_OK(release("node-b", vip4_));
  const auto owner = lab_->wait_for_owner(vip4_, ms{1000});
  ASSERT_OK(owner);
  EXPECT_EQ(*owner, "node-c");
}

TEST_F(LabSelftest, CutIsDirected) {
  auto& a = lab_->node("node-a");
  auto& b = lab_->node("node-b");
  const auto seen_by = [&](const Station& receiver, const Station& sender) {
    auto capture = Capture::in_station(receiver);
    EXPECT_TRUE(capture) << why(capture);
    const TimePoint begin = now();
    EXPECT_TRUE(sender.inject(gratuitous_arp_frame(sender.facts().mac, vip4_)));
    return wait_until([&] { return (*capture)->gratuitous_arps(vip4_, begin) > 0; }, ms{100});
  };
  ASSERT_TRUE(seen_by(b, a));
  ASSERT_OK(lab_->network().cut(a, b));
  EXPECT_FALSE(seen_by(b, a));
  EXPECT_TRUE(seen_by(a, b));
  EXPECT_TRUE(seen_by(lab_->node("node-c"), a));
  ASSERT_OK(lab_->network().cut_both(a, b));
  EXPECT_FALSE(seen_by(a, b));
  ASSERT_OK(lab_->network().heal_both(a, b));
  EXPECT_TRUE(seen_by(b, a));
  EXPECT_TRUE(seen_by(a, b));
}

TEST_F(LabSelftest, HealingWhatWasNotCutIsFine) {
  auto& network = lab_->network();
  EXPECT_OK(network.heal(lab_->node(0), lab_->node(1)));
  EXPECT_OK(network.allow_adverts_to(lab_->node(0)));
  EXPECT_OK(network.heal_all());
}

TEST_F(LabSelftest, IsolatedNodeKeepsItsCarrierAndHearsNobody) {
  auto& a = lab_->node("node-a");
  ASSERT_TRUE(reaches(lab_->client(), a.facts().v4));
  ASSERT_OK(lab_->network().isolate(a));
  EXPECT_FALSE(reaches(lab_->client(), a.facts().v4, ms{100}));
  EXPECT_TRUE(reaches(lab_->client(), lab_->node("node-b").facts().v4));
  EXPECT_THAT(a.run({"ip", "link", "show", "eth0"})->out, HasSubstr("LOWER_UP"));
  ASSERT_OK(lab_->network().rejoin(a));
  EXPECT_TRUE(reaches(lab_->client(), a.facts().v4));
}

TEST_F(LabSelftest, PulledCableTakesTheCarrier) {
  auto& a = lab_->node("node-a");
  ASSERT_OK(a.cut_link());
  EXPECT_TRUE(wait_until(
      [&] { return a.run({"ip", "link", "show", "eth0"})->out.find("NO-CARRIER") != std::string::npos; },
      ms{1000}));
  ASSERT_OK(a.heal_link());
  EXPECT_TRUE(reaches(lab_->client(), a.facts().v4));
}

TEST_F(LabSelftest, BlockedAdvertsLeaveUnicastAndArpAlone) {
  auto& a = lab_->node("node-a");
  auto& b = lab_->node("node-b");
  auto& c = lab_->node("node-c");
  const auto heard = [&](const Station& receiver, const Station& sender, const IpAddress& source) {
    auto capture = Capture::in_station(receiver);
    EXPECT_TRUE(capture) << why(capture);
    EXPECT_TRUE(sender.inject(vrrp_frame({.vrid = 51, .addresses = {}}, sender.facts().mac, source)));
    return wait_until([&] { return !(*capture)->adverts(51).empty(); }, ms{100});
  };
  const auto& v4 = a.facts().v4;
  const auto& v6 = a.facts().link_local;
  ASSERT_TRUE(heard(b, a, v4));
  ASSERT_TRUE(heard(b, a, v6));

  ASSERT_OK(lab_->network().block_adverts_to(b));
  EXPECT_FALSE(heard(b, a, v4));
  EXPECT_FALSE(heard(b, a, v6));
  EXPECT_TRUE(heard(c, a, v4));
  EXPECT_TRUE(heard(a, b, b.facts().v4));  // b is deaf, not dumb
  EXPECT_TRUE(reaches(b, lab_->network().control_v4()));
  EXPECT_TRUE(reaches(a, b.facts().v4));
  ASSERT_OK(lab_->network().allow_adverts_to(b));
  EXPECT_TRUE(heard(b, a, v4));

  ASSERT_OK(lab_->network().block_adverts(a, b));
  EXPECT_FALSE(heard(b, a, v4));
  EXPECT_TRUE(heard(b, c, c.facts().v4));
  ASSERT_OK(lab_->network().heal_all());
  EXPECT_TRUE(heard(b, a, v4));
}

TEST_F(LabSelftest, CrashKillsEveryProcessAndTheKernelAnswersNoMore) {
  auto& a = lab_->node("node-a");
  ASSERT_OK(acquire("node-a", vip4_));
  ASSERT_TRUE(reaches(lab_->client(), vip4_));
  // Detached, in a session of its own, deaf to everything but SIGKILL.
  ASSERT_OK(a.run({"sh", "-c", "trap '' INT TERM HUP; setsid sh -c 'exec sleep 1000' >/dev/null 2>&1 &"}));
  ASSERT_TRUE(wait_until([&] { return processes_in(a.net().inode()).size() >= 3; }, ms{2000}));

  ASSERT_OK(a.crash());
  EXPECT_THAT(processes_in(a.net().inode()), IsEmpty());
  EXPECT_FALSE(reaches(lab_->client(), vip4_, ms{100}));
  EXPECT_FALSE(reaches(lab_->client(), a.facts().v4, ms{100}));
  EXPECT_TRUE(a.owns(vip4_)) << "a dead machine's addresses are not removed by anybody";
  EXPECT_THAT(lab_->owners(vip4_), IsEmpty()) << "but it owns nothing";
}

TEST_F(LabSelftest, PowerOnComesBackAsAfterABoot) {
  auto& a = lab_->node("node-a");
  ASSERT_OK(acquire("node-a", vip4_));
  ASSERT_OK(acquire("node-a", vip6_));
  ASSERT_OK(a.run({"ip", "link", "add", "leftover", "type", "bridge"}));
  ASSERT_OK(a.crash());
  ASSERT_OK(a.power_on());
  EXPECT_FALSE(a.owns(vip4_));
  EXPECT_FALSE(a.owns(vip6_));
  EXPECT_THAT(a.run({"ip", "-o", "link"})->out, Not(HasSubstr("leftover")));
  EXPECT_TRUE(reaches(lab_->client(), a.facts().v4));
  EXPECT_TRUE(reaches(lab_->client(), a.facts().v6));
  EXPECT_TRUE(wait_until([&] { return a.owns(a.facts().link_local); }, ms{1000}));
}

TEST_F(LabSelftest, CaptureSeesEachAnnouncementOnceAndReadsIt) {
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  auto& a = lab_->node("node-a");
  const auto& mac = a.facts().mac;
  const TimePoint before = now();
  ASSERT_OK(a.inject(gratuitous_arp_frame(mac, vip4_)));
  ASSERT_OK(a.inject(gratuitous_arp_frame(mac, vip4_, false)));
  ASSERT_OK(a.inject(neighbour_advertisement_frame(mac, vip6_)));
  const Advert advert{.vrid = 51, .priority = 200, .interval_cs = 10, .addresses = {vip4_}};
  ASSERT_OK(a.inject(vrrp_frame(advert, mac, a.facts().v4)));
  ASSERT_OK(
      a.inject(vrrp_frame({.vrid = 52, .priority = 7, .addresses = {vip6_}}, mac, a.facts().link_local)));
  ASSERT_TRUE(wait_until([&] { return !(*capture)->adverts(52).empty(); }, ms{1000}));
  const TimePoint after = now();

  EXPECT_EQ((*capture)->gratuitous_arps(vip4_), 2U);
  EXPECT_EQ((*capture)->unsolicited_advertisements(vip6_), 1U);
  const auto seen = (*capture)->adverts(51);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].priority, 200);
  EXPECT_EQ(seen[0].interval_cs, 10);
  EXPECT_EQ(seen[0].version, 3);
  EXPECT_EQ(seen[0].ttl, 255);
  EXPECT_EQ(seen[0].source, a.facts().v4);
  EXPECT_EQ(seen[0].from_mac, mac);
  EXPECT_THAT(seen[0].addresses, ElementsAre(vip4_));
  EXPECT_EQ((*capture)->adverts(52).at(0).family, Family::kIpv6);
  for (const auto& packet : (*capture)->packets()) {
    if (packet.source() != mac) continue;
    EXPECT_EQ(packet.port, "p-node-a");
    EXPECT_GE(packet.at, before - ms{1});
    EXPECT_LE(packet.at, after);
  }
  EXPECT_THAT((*capture)->adverts(51, after), IsEmpty());
  EXPECT_EQ((*capture)->dropped(), 0U);
}

TEST_F(LabSelftest, CaptureFileIsReadByTcpdumpAndItsChecksumsAreRight) {
  const auto file = lab_->directory() / "wire.pcap";
  auto capture = lab_->capture({.pcap = file});
  ASSERT_OK(capture);
  auto& a = lab_->node("node-a");
  ASSERT_OK(a.inject(vrrp_frame({.vrid = 51, .addresses = {vip4_}}, a.facts().mac, a.facts().v4)));
  ASSERT_OK(a.inject(neighbour_advertisement_frame(a.facts().mac, vip6_)));
  ASSERT_TRUE(wait_until([&] { return (*capture)->unsolicited_advertisements(vip6_) == 1; }, ms{1000}));
  (*capture)->stop();
  const auto text = lab_->client().run({"tcpdump", "-nvvr", file.string()});
  ASSERT_OK(text);
  EXPECT_EQ(text->exit_status, 0) << text->out;
  EXPECT_THAT(text->out, HasSubstr("VRRPv3, Advertisement, vrid 51, prio 100"));
  EXPECT_THAT(text->out, HasSubstr("neighbor advertisement"));
  EXPECT_THAT(text->out, Not(HasSubstr("bad")));
}

TEST_F(LabSelftest, CaptureBehindACutSeesWhatReallyLeaves) {
  auto& a = lab_->node("node-a");
  auto& b = lab_->node("node-b");
  auto entering = lab_->capture();
  auto leaving = Capture::at_port(lab_->network(), b, {.direction = Direction::kOutgoing});
  ASSERT_OK(entering);
  ASSERT_OK(leaving);
  ASSERT_OK(lab_->network().cut(a, b));
  ASSERT_OK(a.inject(gratuitous_arp_frame(a.facts().mac, vip4_)));
  ASSERT_OK(lab_->network().heal(a, b));
  const auto second = IpAddress::v4(10, 99, 0, 101);
  ASSERT_OK(a.inject(gratuitous_arp_frame(a.facts().mac, second)));
  ASSERT_TRUE(wait_until([&] { return (*leaving)->gratuitous_arps(second) == 1; }, ms{1000}));
  EXPECT_EQ((*leaving)->gratuitous_arps(vip4_), 0U);
  EXPECT_EQ((*entering)->gratuitous_arps(vip4_), 1U);
}

TEST_F(LabSelftest, AddressWatchFindsTwoOwners) {
  auto watch = lab_->watch_addresses();
  ASSERT_OK(watch);
  ASSERT_OK(acquire("node-a", vip4_));
  ASSERT_OK(release("node-a", vip4_));
  ASSERT_OK(acquire("node-b", vip4_));
  ASSERT_TRUE(wait_until([&] { return (*watch)->held(vip4_).size() == 2; }, ms{1000}));
  EXPECT_EQ((*watch)->longest_overlap(vip4_), Duration::zero());
  ASSERT_OK(acquire("node-c", vip4_));
  EXPECT_TRUE(wait_until([&] { return (*watch)->longest_overlap(vip4_) > ms{20}; }, ms{1000}));
  ASSERT_OK(release("node-b", vip4_));
  const auto held = (*watch)->held(vip4_);
  EXPECT_EQ(held.at(0).station, "node-a");
  EXPECT_TRUE(held.at(0).to.has_value());
}

TEST_F(LabSelftest, TwoLabsRunSideBySide) {
  auto other = Lab::make({.nodes = 2});
  ASSERT_OK(other);
  EXPECT_NE((*other)->id(), lab_->id());
  ASSERT_OK(acquire("node-a", vip4_));
  EXPECT_TRUE(reaches(lab_->client(), vip4_));
  EXPECT_FALSE(reaches((*other)->client(), vip4_, ms{100}));
  EXPECT_THAT((*other)->owners(vip4_), IsEmpty());
  ASSERT_OK((*other)->node("node-a").crash());
  EXPECT_TRUE(reaches(lab_->client(), lab_->node("node-a").facts().v4));
}

TEST(LabDefinition, IsWrittenAsPeopleWrite) {
  VipDefinition definition;
  definition.addresses = {"10.99.0.100", "2001:db8:99::100"};
  definition.preemption = "Immediate";
  definition.priorities = {{"node-a", 200}};
  EXPECT_EQ(definition.yaml(),
            "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: web}\nspec:\n"
            "  addresses: [\"10.99.0.100\", \"2001:db8:99::100\"]\n  vrrp:\n    virtualRouterID: 51\n"
            "    advertisementInterval: 100ms\n    preemption: {policy: Immediate}\n    priorities:\n"
            "    - {nodeSelector: {matchLabels: {kubernetes.io/hostname: node-a}}, priority: 200}\n");
}

TEST(LabDefinition, ElectionTimeIsThatOfTheRfc) {
  EXPECT_EQ(election_time(std::chrono::milliseconds{100}, 100), std::chrono::nanoseconds{360'937'500});
}

}  // namespace
}  // namespace vipra::lab
