// A VIP with a virtual MAC address, as its clients and the switch see it.
#include "tests/lab/virtual_mac_lab.hpp"

namespace vipra::lab {
namespace {

using testing::ElementsAre;

struct VirtualMac : VirtualMacLab {
  void start(std::size_t nodes, VipDefinition definition) {
    ASSERT_NO_FATAL_FAILURE(build(nodes));
    auto capture = lab_->capture();
    ASSERT_OK(capture);
    capture_ = std::move(*capture);
    ASSERT_OK(lab_->write_definition("web.yaml", with_virtual_mac(std::move(definition)).yaml()));
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_TRUE(lab_->wait_for_owner(vip_, "node-a", s{10}));
    for (std::size_t i = 1; i < nodes; ++i) {
      ASSERT_OK(lab_->node(i).start_agent(agent()));
      ASSERT_TRUE(logged(lab_->node(i), "\"to\":\"Backup\""));
    }
  }
  static VipDefinition ipv6() {
    auto definition = web();
    definition.addresses = {"2001:db8:99::100"};
    return definition;
  }
  // node-a's agent is stopped.
  void stop_moves_the_switch_once(const MacAddress& mac) {
    TimePoint stopped{};
    const auto report = probed(
        [&] {
          stopped = now();
          ASSERT_OK(node("node-a").stop_agent());
        },
        [&] { return owns("node-b"); },
        [&] {
          ASSERT_NO_FATAL_FAILURE(give_back_to_node_a());
          ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
        });
    EXPECT_EQ(report.lost, 0u) << report.summary();
    const auto seen = moves(*capture_, mac, stopped);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back(), port_of("node-b"));
    EXPECT_LE(seen.size(), 2u) << story(*capture_, mac, stopped);
  }

  std::unique_ptr<Capture> capture_;
};

TEST_F(VirtualMac, AdvertisementsAnnouncementsAndAnswersHaveIt) {
  ASSERT_NO_FATAL_FAILURE(start(2, web()));
  const auto& client = lab_->client();
  EXPECT_EQ(resolve(client, vip_), kMac4.to_string());
  // The interface itself stays where it is.
  EXPECT_EQ(resolve(client, node("node-a").facts().v4), node("node-a").facts().mac.to_string());
  EXPECT_EQ(resolve(client, node("node-b").facts().v4), node("node-b").facts().mac.to_string());
  const auto since = now();
  ASSERT_TRUE(wait_until([&] { return capture_->adverts(51, since).size() >= 5; }, s{5}));
  for (const auto& advert : capture_->adverts(51, since)) {
    EXPECT_EQ(advert.from_mac, kMac4);
    EXPECT_EQ(advert.source, node("node-a").facts().v4);
    EXPECT_EQ(advert.ttl, 255);
  }
  EXPECT_GE(capture_->gratuitous_arps(vip_), 1u);
  std::size_t answers = 0;
  for (const auto& arp : arps(*capture_)) {
    if (arp.sender != vip_) continue;
    EXPECT_EQ(arp.sender_mac, kMac4);
    EXPECT_EQ(arp.ethernet_source, kMac4);
    answers += arp.request ? 0 : 1;
  }
  EXPECT_GE(answers, 1u);
}

TEST_F(VirtualMac, TheNodeItselfAndOtherHostsAreReachedFromTheAddress) {
  ASSERT_NO_FATAL_FAILURE(start(1, web()));
  auto probe = lab_->probe({vip_});
  ASSERT_OK(probe);
  ASSERT_TRUE(wait_until([&] { return (*probe)->answered_by("node-a", {}); }, s{5}));
  // Its answers have the address as source: it must not ask for its clients in that name, with its own MAC.
  for (int round = 0; round < 5; ++round) {
    ASSERT_OK(node("node-a").run({"ip", "neigh", "flush", "all"}));
    const auto flushed = now();
    ASSERT_TRUE(wait_until([&] { return (*probe)->answered_by("node-a", flushed + ms{5}); }, s{5}));
  }
  std::size_t asked = 0;
  for (const auto& arp : arps(*capture_)) {
    if (arp.port == port_of("node-a") && arp.sender == node("node-a").facts().v4 && arp.request) ++asked;
    if (arp.sender == vip_) {
      EXPECT_EQ(arp.sender_mac, kMac4);
    }
  }
  EXPECT_GE(asked, 1u);
  EXPECT_EQ(resolve(lab_->client(), vip_), kMac4.to_string());
  // The node's own way to it is the loopback.
  const auto route = shown(node("node-a"), {"ip", "route", "get", "10.99.0.100"});
  EXPECT_NE(route.find("dev lo"), std::string::npos) << route;
}

TEST_F(VirtualMac, ABackupSaysNothingWithIt) {
  ASSERT_NO_FATAL_FAILURE(build(2));
  for (const auto* name : {"node-a", "node-b"}) {
    // As on a node of a cluster: a device that comes up would report the routers' group.
    ASSERT_OK(node(name).run({"sysctl", "-w", "net.ipv6.conf.all.forwarding=1"}));
    ASSERT_OK(node(name).run({"sysctl", "-w", "net.ipv4.ip_forward=1"}));
  }
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  ASSERT_OK(lab_->write_definition("web.yaml", with_virtual_mac(dual_stack()).yaml()));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(owns("node-a", s{10}));
  ASSERT_TRUE(lab_->wait_for_owner(vip6_, "node-a", s{5}));
  ASSERT_OK(node("node-b").start_agent(agent()));
  ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
  ASSERT_TRUE(has_device(node("node-b")));
  ASSERT_TRUE(has_device(node("node-b"), "vip6-51-"));
  EXPECT_EQ(resolve(lab_->client(), vip_), kMac4.to_string());
  // Unsolicited reports are repeated within a second or so.
  const auto later = now() + s{2};
  ASSERT_TRUE(wait_until([&] { return now() > later; }, s{5}));
  EXPECT_THAT(moves(**capture, kMac4), ElementsAre(port_of("node-a")));
  EXPECT_THAT(moves(**capture, kMac6), ElementsAre(port_of("node-a")));
}

TEST_F(VirtualMac, APlannedStopLosesNoProbeAndMovesTheSwitchOnce) {
  ASSERT_NO_FATAL_FAILURE(start(2, web()));
  ASSERT_NO_FATAL_FAILURE(stop_moves_the_switch_once(kMac4));
  EXPECT_FALSE(has_device(node("node-a"))) << "removed with the agent";
}

TEST_F(VirtualMac, AnIpv6StopLosesNoProbeAndMovesTheSwitchOnce) {
  vip_ = vip6_;
  ASSERT_NO_FATAL_FAILURE(start(2, ipv6()));
  ASSERT_NO_FATAL_FAILURE(stop_moves_the_switch_once(kMac6));
}

// The kernel leaves multicast groups when a device loses its addresses, and repeats that within a second.
TEST_F(VirtualMac, ANodeWhoseDefinitionGoesLosesNoProbeAndSaysNothingMore) {
  vip_ = vip6_;
  ASSERT_NO_FATAL_FAILURE(start(2, ipv6()));
  TimePoint removed{};
  const auto report = probed(
      [&] {
        removed = now();
        ASSERT_OK(node("node-a").remove_definition("web.yaml"));
      },
      [&] { return owns("node-b") && !has_device(node("node-a"), "vip6-51-"); });
  if (!report.host_stalled()) {
    EXPECT_EQ(report.lost, 0u) << report.summary();
  }
  const auto later = now() + s{2};
  ASSERT_TRUE(wait_until([&] { return now() > later; }, s{5}));
  const auto seen = moves(*capture_, kMac6, removed);
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back(), port_of("node-b"));
  EXPECT_LE(seen.size(), 2u) << story(*capture_, kMac6, removed);
}

TEST_F(VirtualMac, PreemptionLosesNoProbeAndMovesTheSwitchOnce) {
  auto definition = web();
  definition.preemption = "Immediate";
  ASSERT_NO_FATAL_FAILURE(start(2, definition));
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(owns("node-b"));
  TimePoint started{};
  const auto report = probed(
      [&] {
        started = now();
        ASSERT_OK(node("node-a").start_agent(agent()));
      },
      [&] { return owns("node-a"); },
      [&] {
        ASSERT_OK(node("node-a").stop_agent());
        ASSERT_TRUE(owns("node-b"));
      });
  EXPECT_EQ(report.lost, 0u) << report.summary();
  EXPECT_THAT(moves(*capture_, kMac4, started), ElementsAre(port_of("node-b"), port_of("node-a")));
}

TEST_F(VirtualMac, ACrashedNodesVipAnswersFromTheNextWithoutAChangeAtTheClient) {
  ASSERT_NO_FATAL_FAILURE(start(2, dual_stack()));
  const auto report = probed([&] { ASSERT_OK(node("node-a").crash()); }, [&] { return owns("node-b"); });
  EXPECT_EQ(report.owner_names(), (std::vector<std::string>{"node-a", "node-b"}));
  if (!report.host_stalled()) {
    EXPECT_LT(report.longest_outage(), ms{1000});
  }
  EXPECT_EQ(resolve(lab_->client(), vip_), kMac4.to_string());
  EXPECT_TRUE(lab_->wait_for_owner(vip6_, "node-b", s{5}));
  EXPECT_EQ(resolve(lab_->client(), vip6_), kMac6.to_string());
}

TEST_F(VirtualMac, AHealedPartitionLeavesTheSwitchWithTheSurvivor) {
  ASSERT_NO_FATAL_FAILURE(start(2, web()));
  ASSERT_OK(lab_->network().cut_both(node("node-a"), node("node-b")));
  ASSERT_TRUE(wait_until([&] { return lab_->owners(vip_).size() == 2; }, s{5}));
  auto probe = lab_->probe({vip_});
  ASSERT_OK(probe);
  ASSERT_OK(lab_->network().heal_both(node("node-a"), node("node-b")));
  ASSERT_TRUE(owns("node-a"));
  const auto settled = now();
  EXPECT_TRUE(wait_until([&] { return (*probe)->answered_by("node-a", settled); }, s{2}));
  ASSERT_TRUE(wait_until([&] { return capture_->adverts(51, settled).size() >= 5; }, s{5}));
  EXPECT_THAT(moves(*capture_, kMac4, settled), ElementsAre(port_of("node-a")));
}

TEST_F(VirtualMac, AnIpv6VipIsSolicitedAndAnsweredWithIt) {
  vip_ = vip6_;
  ASSERT_NO_FATAL_FAILURE(start(2, ipv6()));
  EXPECT_EQ(resolve(lab_->client(), vip6_), kMac6.to_string());
  ASSERT_TRUE(wait_until([&] { return capture_->unsolicited_advertisements(vip6_) >= 1; }, s{5}));
  std::size_t answers = 0;
  for (const auto& packet : capture_->packets()) {
    const auto advertisement = as_neighbour_advertisement(packet.frame);
    if (!advertisement || advertisement->target != vip6_) continue;
    EXPECT_EQ(packet.source(), kMac6);
    EXPECT_EQ(advertisement->mac, kMac6);
    answers += advertisement->solicited ? 1 : 0;
  }
  EXPECT_GE(answers, 1u);
  const auto since = now();
  ASSERT_TRUE(wait_until([&] { return capture_->adverts(51, since).size() >= 5; }, s{5}));
  for (const auto& advert : capture_->adverts(51, since)) {
    EXPECT_EQ(advert.from_mac, kMac6);
    EXPECT_EQ(advert.source, node("node-a").facts().link_local);
  }
}

}  // namespace
}  // namespace vipra::lab
