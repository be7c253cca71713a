// Who owns the VIP, and what a client notices of a change.
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

struct Failover : AgentLab {};

TEST_F(Failover, ThreeNodesElectTheBestAndAnswer) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(3));
  const auto report = probed([] {}, [] { return true; });
  EXPECT_EQ(report.owner_names(), std::vector<std::string>{"node-a"});
  EXPECT_EQ(lab_->owners(vip_), std::vector<std::string>{"node-a"});
}

TEST_F(Failover, ACrashedNodesVipAnswersFromTheNextBest) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(3));
  const auto report = probed([&] { ASSERT_OK(node("node-a").crash()); }, [&] { return owns("node-b"); });
  EXPECT_EQ(report.owner_names(), (std::vector<std::string>{"node-a", "node-b"}));
  // The bound itself is bench's to measure; a whole second would be another mechanism than the election.
  if (!report.host_stalled()) {
    EXPECT_LT(report.longest_outage(), ms{1000});
  }
}

// What the dashboard shows as the duration of a failover: the value of a sample of node-b, or -1.
double served_by(Node& node, const std::string& sample) {
  const auto answer = node.run({"curl", "-sS", "-m", "5", "http://127.0.0.1:9112/metrics"});
  if (!answer) return -1;
  const auto at = answer->out.find("\n" + sample + '{');
  if (at == std::string::npos) return -1;
  const auto value = answer->out.find("} ", at);
  return value == std::string::npos ? -1 : std::stod(answer->out.substr(value + 2, 32));
}

TEST_F(Failover, TheTakerCountsHowLongItTook) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  // A takeover is counted from an advertisement: node-b must have heard one.
  ASSERT_TRUE(wait_until(
      [&] { return served_by(node("node-b"), "vipra_advertisements_received_total") >= 1; }, s{5}));
  EXPECT_EQ(served_by(node("node-b"), "vipra_takeover_duration_seconds_count"), 0);
  ASSERT_OK(node("node-a").crash());
  ASSERT_TRUE(owns("node-b"));
  ASSERT_TRUE(wait_until(
      [&] { return served_by(node("node-b"), "vipra_takeover_duration_seconds_count") == 1; }, s{5}));
  const auto took = served_by(node("node-b"), "vipra_takeover_duration_seconds_sum");
  EXPECT_GE(took, 0.3) << "three intervals";
  EXPECT_LT(took, 1.0);
}

TEST_F(Failover, ASigtermLosesNoProbe) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(3));
  const auto report = probed(
      [&] {
        const auto exit = node("node-a").stop_agent();
        ASSERT_OK(exit);
        EXPECT_TRUE(exit->exited_with(0));
      },
      [&] { return owns("node-b"); },
      [&] {
        ASSERT_OK(node("node-a").start_agent(agent()));
        ASSERT_OK(node("node-b").stop_agent());
        ASSERT_OK(node("node-b").start_agent(agent()));
        ASSERT_TRUE(owns("node-a", s{10}) || owns("node-c", s{1}));
      });
  EXPECT_EQ(report.lost, 0u) << report.summary();
  EXPECT_FALSE(node("node-a").owns(vip_));
}

TEST_F(Failover, ASigtermRightAfterTheOtherNodeBeganToListenLosesNoProbe) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  const auto restart_b = [&] {
    ASSERT_OK(node("node-b").stop_agent());
    ASSERT_TRUE(owns("node-a", s{10}));
    const auto listened = count_logged(node("node-b"), "\"to\":\"Backup\"");
    ASSERT_OK(node("node-b").start_agent(agent()));
    ASSERT_TRUE(wait_until([&] { return count_logged(node("node-b"), "\"to\":\"Backup\"") > listened; }, s{5},
                           ms{1}));
  };
  const auto report = probed(
      [&] {
        ASSERT_NO_FATAL_FAILURE(restart_b());
        ASSERT_OK(node("node-a").stop_agent());
      },
      [&] { return owns("node-b"); }, [&] { give_back_to_node_a(); });
  EXPECT_EQ(report.lost, 0u) << report.summary();
}

TEST_F(Failover, PreemptionByABetterNodeLosesNoProbe) {
  auto definition = web();
  definition.preemption = "Immediate";
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, definition));
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(owns("node-b"));
  const auto report =
      probed([&] { ASSERT_OK(node("node-a").start_agent(agent())); }, [&] { return owns("node-a"); },
             [&] {
               ASSERT_OK(node("node-a").stop_agent());
               ASSERT_TRUE(owns("node-b"));
             });
  EXPECT_EQ(report.lost, 0u) << report.summary();
}

TEST_F(Failover, WithNeverABetterNewcomerIsNoReasonToMove) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(owns("node-b"));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(logged(node("node-a"), "\"to\":\"Backup\""));
  // Long enough for two elections.
  EXPECT_FALSE(wait_until([&] { return node("node-a").owns(vip_); }, ms{1000}));
  EXPECT_TRUE(node("node-b").owns(vip_));
}

TEST_F(Failover, AHealedPartitionLeavesOneOwnerWhoAnnouncedLast) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  // Both orders of first contact occur over some rounds: the client, who believes the last announcement, must
  // find the survivor each time.
  for (int round = 0; round < 4; ++round) {
    ASSERT_OK(lab_->network().cut_both(node("node-a"), node("node-b")));
    ASSERT_TRUE(wait_until([&] { return lab_->owners(vip_).size() == 2; }, s{5}))
        << "each side has its owner";
    auto probe = lab_->probe({vip_});
    ASSERT_OK(probe);
    const auto cut = now();
    ASSERT_TRUE(wait_until([&] { return (*probe)->answered_by("node-b", cut); }, s{5}))
        << "it announced last";
    ASSERT_OK(lab_->network().heal_both(node("node-a"), node("node-b")));
    ASSERT_TRUE(owns("node-a"));
    const auto settled = now();
    EXPECT_TRUE(wait_until([&] { return (*probe)->answered_by("node-a", settled); }, s{2}))
        << "round " << round;
  }
}

TEST_F(Failover, ADualStackVipHasOneOwner) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(3, dual_stack()));
  ASSERT_TRUE(wait_until([&] { return node("node-a").owns(vip6_); }, s{5}));
  ASSERT_OK(node("node-a").crash());
  ASSERT_TRUE(owns("node-b"));
  EXPECT_TRUE(wait_until([&] { return lab_->owners(vip6_) == std::vector<std::string>{"node-b"}; }, s{5}));
  // Its IPv6 addresses are deprecated and unchecked: never a source, usable at once.
  const auto address = node("node-b").run({"ip", "-6", "addr", "show", "to", "2001:db8:99::100"});
  ASSERT_TRUE(address);
  EXPECT_NE(address->out.find("deprecated"), std::string::npos) << address->out;
  EXPECT_NE(address->out.find("nodad"), std::string::npos) << address->out;
  EXPECT_NE(address->out.find("noprefixroute"), std::string::npos) << address->out;
}

TEST_F(Failover, AnIpv6OnlyVipIsElectedAndAdvertisesItsLinkLocalFirst) {
  auto definition = web();
  definition.addresses = {"2001:db8:99::100"};
  ASSERT_NO_FATAL_FAILURE(build(2));
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(lab_->wait_for_owner(vip6_, "node-a", s{10}));
  ASSERT_TRUE(wait_until([&] { return !(*capture)->adverts(51).empty(); }, s{5}));
  const auto advert = (*capture)->adverts(51).back();
  EXPECT_EQ(advert.family, Family::kIpv6);
  ASSERT_EQ(advert.addresses.size(), 2u);
  EXPECT_EQ(advert.addresses[0].to_string(), "fe80::200:5eff:fe00:233");
  EXPECT_EQ(advert.addresses[1], vip6_);
  EXPECT_EQ(advert.source, node("node-a").facts().link_local);
  EXPECT_TRUE(wait_until([&] { return (*capture)->unsolicited_advertisements(vip6_) >= 1; }, s{3}));
}

TEST_F(Failover, TheWireIsAsRfc9568SaysIt) {
  ASSERT_NO_FATAL_FAILURE(build(2));
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  ASSERT_OK(lab_->write_definition("web.yaml", web().yaml()));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(owns("node-a", s{10}));
  ASSERT_OK(node("node-b").start_agent(agent()));
  ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(owns("node-b"));
  int resignations = 0;
  for (const auto& advert : (*capture)->adverts(51)) {
    EXPECT_EQ(advert.version, 3);
    EXPECT_EQ(advert.ttl, 255);
    EXPECT_EQ(advert.interval_cs, 10);
    EXPECT_EQ(advert.destination, vrrp_group(Family::kIpv4));
    EXPECT_EQ(advert.addresses, std::vector<IpAddress>{vip_});
    if (advert.source == node("node-a").facts().v4 && advert.priority == 0) ++resignations;
  }
  EXPECT_EQ(resignations, 3);
  EXPECT_GE((*capture)->gratuitous_arps(vip_), 2u);
  for (const auto& packet : (*capture)->packets()) {
    if (packet.ethertype() != kEtherIpv4 || packet.payload()[9] != kProtocolVrrp) continue;
    EXPECT_EQ(packet.payload()[1], 0xc0) << "CS6";
  }
}

}  // namespace
}  // namespace vipra::lab
