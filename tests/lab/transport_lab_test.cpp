// Advertisements by unicast, alone and beside multicast, on the real kernel; and with keepalived as the peer.
#include <fstream>
#include <sstream>

#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Transport : AgentLab {
  static std::string transport(const std::string& mode, const std::string& peers) {
    return "    transport: {mode: " + mode + (peers.empty() ? "" : ", peers: [" + peers + "]") + "}\n";
  }
  // All nodes of the lab and more: each passes over itself.
  static VipDefinition web_by(const std::string& mode,
                              const std::string& peers = "10.99.0.1, 10.99.0.2, 10.99.0.3") {
    auto definition = web();
    definition.extra_spec = transport(mode, peers);
    return definition;
  }
  VipDefinition web6_by(const std::string& mode) {
    auto definition = web_by(mode, R"("2001:db8:99::1", "2001:db8:99::2", "2001:db8:99::3")");
    definition.addresses = {vip6_.to_string()};
    vip_ = vip6_;
    return definition;
  }
  void filter_multicast() {
    for (std::size_t i = 0; i < lab_->node_count(); ++i) {
      ASSERT_OK(lab_->network().block_adverts_to(lab_->node(i)));
    }
  }
  void up_without_multicast(std::size_t nodes, const VipDefinition& definition) {
    ASSERT_NO_FATAL_FAILURE(build(nodes));
    ASSERT_NO_FATAL_FAILURE(filter_multicast());
    ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_TRUE(owns("node-a"));
    for (std::size_t i = 1; i < nodes; ++i) ASSERT_OK(lab_->node(i).start_agent(agent()));
    for (std::size_t i = 1; i < nodes; ++i) ASSERT_TRUE(hears_a_master(lab_->node(i)));
  }
  bool hears_a_master(Node& where) {
    return wait_until(
        [&] { return vipctl(where, {"explain", "web"}).find("LowerPriority") != std::string::npos; }, s{10},
        ms{50});
  }
  // What a node's own firewall might do to it: unicast of the protocol no longer arrives.
  static Status drop_unicast_at(Node& where) {
    return must_run(where.net(), {"nft", "-f", "-"},
                    "table inet quiet { chain in { type filter hook input priority 0;\n"
                    "meta l4proto 112 ip daddr != 224.0.0.18 drop\n"
                    "meta l4proto 112 ip6 daddr != ff02::12 drop\n}\n}\n");
  }
  static Status allow_unicast_at(Node& where) {
    return must_run(where.net(), {"nft", "delete", "table", "inet", "quiet"});
  }
  static std::string metrics(Node& where) {
    const auto answer = where.run({"curl", "-sS", "-m", "5", "http://127.0.0.1:9112/metrics"});
    return answer ? answer->out : "";
  }
  static bool counts(Node& where, const std::string& reason) {
    std::istringstream lines{metrics(where)};
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("vipra_advertisements_dropped_total{")) continue;
      if (line.find("reason=\"" + reason + "\"") != std::string::npos && !line.ends_with(" 0")) return true;
    }
    return false;
  }
  bool is_warned(Node& where, bool yes) {
    return wait_until(
        [&] {
          const bool gauge = metrics(where).find("reason=\"OneWayMulticast\"} 1") != std::string::npos;
          const bool shown = vipctl(where, {"explain", "web"}).find("OneWayMulticast") != std::string::npos;
          return gauge == yes && shown == yes;
        },
        s{10}, ms{100});
  }
  std::size_t transitions(Node& where) { return count_logged(where, "router.transition"); }
  // An advertisement of 254, to node-a's own address.
  Bytes to_node_a(const IpAddress& source, std::uint8_t ttl) {
    Advert fields;
    fields.vrid = 51;
    fields.priority = 254;
    fields.interval_cs = 10;
    fields.addresses = {vip_};
    fields.checksum = VrrpChecksum::kPlain;
    IpFrame head;
    head.source_mac = lab_->client().facts().mac;
    head.destination_mac = node("node-a").facts().mac;
    head.source = source;
    head.destination = source.is_v4() ? node("node-a").facts().v4 : node("node-a").facts().v6;
    head.ttl = ttl;
    return ip_frame(head, vrrp_message(fields, source));
  }
  void elects_by_unicast_alone(const VipDefinition& definition) {
    ASSERT_NO_FATAL_FAILURE(up_without_multicast(3, definition));
    auto capture = lab_->capture();
    ASSERT_OK(capture);
    ASSERT_TRUE(wait_until([&] { return (*capture)->adverts(51).size() >= 20; }, s{5}));
    for (const auto& seen : (*capture)->adverts(51)) {
      EXPECT_FALSE(seen.destination.is_multicast());
      EXPECT_EQ(seen.ttl, 255);
    }
    EXPECT_EQ(lab_->owners(vip_), std::vector<std::string>{"node-a"});
    const auto report = probed([&] { ASSERT_OK(node("node-a").crash()); }, [&] { return owns("node-b"); });
    EXPECT_EQ(report.owner_names(), (std::vector<std::string>{"node-a", "node-b"}));
    if (!report.host_stalled()) {
      EXPECT_LT(report.longest_outage(), ms{1000});
    }
    EXPECT_EQ(lab_->owners(vip_), std::vector<std::string>{"node-b"});
  }
};

TEST_F(Transport, UnicastElectsWhereMulticastIsFiltered) {
  ASSERT_NO_FATAL_FAILURE(elects_by_unicast_alone(web_by("Unicast")));
}

TEST_F(Transport, UnicastElectsIpv6WhereMulticastIsFiltered) {
  ASSERT_NO_FATAL_FAILURE(elects_by_unicast_alone(web6_by("Unicast")));
}

TEST_F(Transport, UnicastGivesADualStackVipOneOwner) {
  auto definition = dual_stack();
  definition.extra_spec = transport("Unicast", R"(10.99.0.1, 10.99.0.2, "2001:db8:99::1", "2001:db8:99::2")");
  ASSERT_NO_FATAL_FAILURE(up_without_multicast(2, definition));
  ASSERT_TRUE(lab_->wait_for_owner(vip6_, "node-a", s{5}));
  ASSERT_OK(node("node-a").stop_agent());
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(lab_->wait_for_owner(vip6_, "node-b", s{5}));
}

TEST_F(Transport, MulticastAloneWouldHaveMadeTwoOwners) {
  ASSERT_NO_FATAL_FAILURE(build(2));
  ASSERT_NO_FATAL_FAILURE(filter_multicast());
  ASSERT_OK(lab_->write_definition("web.yaml", web().yaml()));
  ASSERT_OK(lab_->start_agents(agent()));
  EXPECT_TRUE(wait_until([&] { return lab_->owners(vip_).size() == 2; }, s{10}))
      << "if the filter stopped nothing, the other tests prove nothing";
}

TEST_F(Transport, APlannedMoveByUnicastLosesNoProbe) {
  ASSERT_NO_FATAL_FAILURE(up_without_multicast(2, web_by("Unicast")));
  const auto report = probed([&] { ASSERT_OK(node("node-a").stop_agent()); }, [&] { return owns("node-b"); },
                             [&] {
                               ASSERT_OK(node("node-a").start_agent(agent()));
                               ASSERT_TRUE(hears_a_master(node("node-a")) || owns("node-b"));
                               ASSERT_OK(node("node-b").stop_agent());
                               ASSERT_TRUE(owns("node-a"));
                               ASSERT_OK(node("node-b").start_agent(agent()));
                               ASSERT_TRUE(hears_a_master(node("node-b")));
                             });
  EXPECT_EQ(report.lost, 0u) << report.summary();
}

TEST_F(Transport, AStrangersUnicastIsDroppedAndCounted) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1, web_by("Unicast")));
  ASSERT_OK(lab_->client().inject(to_node_a(lab_->client().facts().v4, 255)));
  EXPECT_TRUE(wait_until([&] { return counts(node("node-a"), "Source"); }, s{10}, ms{100}));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
}

TEST_F(Transport, APeerOnTheLinkIsNotBelievedWithoutTheFullTtl) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1, web_by("Unicast")));
  const auto peer = *IpAddress::parse("10.99.0.2");
  ASSERT_OK(lab_->client().inject(to_node_a(peer, 254)));
  EXPECT_TRUE(wait_until([&] { return counts(node("node-a"), "Ttl"); }, s{10}, ms{100}));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
  ASSERT_OK(lab_->client().inject(to_node_a(peer, 255)));
  EXPECT_TRUE(logged(node("node-a"), "\"from\":\"Master\",\"to\":\"Backup\"")) << "with it, it is";
}

TEST_F(Transport, Ipv6UnicastIsDroppedByTheSameRungs) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1, web6_by("Unicast")));
  ASSERT_OK(lab_->client().inject(to_node_a(lab_->client().facts().v6, 255)));
  ASSERT_OK(lab_->client().inject(to_node_a(*IpAddress::parse("2001:db8:99::2"), 254)));
  EXPECT_TRUE(wait_until([&] { return counts(node("node-a"), "Source"); }, s{10}, ms{100}));
  EXPECT_TRUE(wait_until([&] { return counts(node("node-a"), "Ttl"); }, s{10}, ms{100}));
  EXPECT_TRUE(node("node-a").owns(vip_));
}

TEST_F(Transport, UnicastWithoutAPeerIsAFaultThatSendsNothing) {
  ASSERT_NO_FATAL_FAILURE(build(1));
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  ASSERT_OK(lab_->write_definition("web.yaml", web_by("Unicast", "10.99.0.1").yaml()));
  ASSERT_OK(lab_->start_agents(agent()));
  ASSERT_TRUE(logged(node("node-a"), "\"reason\":\"NoPeers\""));
  // Long enough for several elections.
  EXPECT_FALSE(wait_until([&] { return node("node-a").owns(vip_); }, ms{1500}));
  EXPECT_THAT((*capture)->adverts(51), testing::IsEmpty());
  EXPECT_THAT(vipctl(node("node-a"), {"explain", "web"}), HasSubstr("NoPeers"));
  // A peer becomes known, and the router stands.
  ASSERT_OK(lab_->write_definition("web.yaml", web_by("Unicast").yaml()));
  EXPECT_TRUE(owns("node-a"));
}

// ---- both
// ---------------------------------------------------------------------------------------------------

struct TransportBoth : Transport {
  void loses_one_way_without_an_election(const std::function<Status()>& lose,
                                         const std::function<Status()>& heal) {
    auto& b = node("node-b");
    ASSERT_TRUE(is_warned(b, false));
    const auto before = transitions(b);
    ASSERT_OK(lose());
    EXPECT_TRUE(is_warned(b, true)) << vipctl(b, {"explain", "web"});
    EXPECT_TRUE(logged(b, "\"reason\":\"OneWayMulticast\""));
    ASSERT_OK(heal());
    EXPECT_TRUE(is_warned(b, false)) << vipctl(b, {"explain", "web"});
    EXPECT_EQ(transitions(b), before);
    EXPECT_EQ(lab_->owners(vip_), std::vector<std::string>{"node-a"});
  }
  void takes_over_when_both_ways_are_silent() {
    const auto begin = now();
    ASSERT_OK(node("node-a").crash());
    ASSERT_TRUE(owns("node-b"));
    // Not sooner than its patience, and by no other mechanism than the election.
    EXPECT_GT(now() - begin, ms{200});
    EXPECT_LT(now() - begin, ms{1500});
  }
};

TEST_F(TransportBoth, MulticastPrunedIsAnAlarmAndNoMove) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, web_by("Both")));
  ASSERT_NO_FATAL_FAILURE(
      loses_one_way_without_an_election([&] { return lab_->network().block_adverts_to(node("node-b")); },
                                        [&] { return lab_->network().allow_adverts_to(node("node-b")); }));
  EXPECT_THAT(node("node-b").log_text(), HasSubstr("10.99.0.1 is heard by unicast but not by multicast"));
}

TEST_F(TransportBoth, UnicastFilteredIsAnAlarmAndNoMove) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, web_by("Both")));
  ASSERT_NO_FATAL_FAILURE(loses_one_way_without_an_election(
      [&] { return drop_unicast_at(node("node-b")); }, [&] { return allow_unicast_at(node("node-b")); }));
  EXPECT_THAT(node("node-b").log_text(), HasSubstr("10.99.0.1 is heard by multicast but not by unicast"));
}

TEST_F(TransportBoth, Ipv6LosesOneWayWithoutAnElectionToo) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, web6_by("Both")));
  ASSERT_NO_FATAL_FAILURE(
      loses_one_way_without_an_election([&] { return lab_->network().block_adverts_to(node("node-b")); },
                                        [&] { return lab_->network().allow_adverts_to(node("node-b")); }));
  ASSERT_NO_FATAL_FAILURE(loses_one_way_without_an_election(
      [&] { return drop_unicast_at(node("node-b")); }, [&] { return allow_unicast_at(node("node-b")); }));
}

TEST_F(TransportBoth, SilentOnBothIsATakeover) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, web_by("Both")));
  ASSERT_OK(lab_->network().block_adverts_to(node("node-b")));
  ASSERT_TRUE(is_warned(node("node-b"), true));
  ASSERT_NO_FATAL_FAILURE(takes_over_when_both_ways_are_silent());
  EXPECT_TRUE(is_warned(node("node-b"), false)) << "nobody is heard any more";
}

TEST_F(TransportBoth, APlannedMoveLosesNoProbe) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, web_by("Both")));
  const auto report = probed([&] { ASSERT_OK(node("node-a").stop_agent()); }, [&] { return owns("node-b"); },
                             [&] {
                               ASSERT_OK(node("node-b").stop_agent());
                               ASSERT_OK(node("node-a").start_agent(agent()));
                               ASSERT_TRUE(owns("node-a"));
                               ASSERT_OK(node("node-b").start_agent(agent()));
                               ASSERT_TRUE(hears_a_master(node("node-b")));
                             });
  EXPECT_EQ(report.lost, 0u) << report.summary();
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""),
            count_logged(node("node-b"), "MasterResigned\""))
      << "nothing but the resignation moved it";
}

// Both is how a running set of nodes is taken from one way to the other.
TEST_F(TransportBoth, IsTheStepBetweenMulticastAndUnicastThatMovesNothing) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, web_by("Multicast", "")));
  const auto before = transitions(node("node-a")) + transitions(node("node-b"));
  for (const auto* mode : {"Both", "Unicast"}) {
    // One node after the other, with an election's time between.
    for (const auto* name : {"node-a", "node-b"}) {
      ASSERT_OK(node(name).write_definition("web.yaml", web_by(mode).yaml()));
      EXPECT_FALSE(wait_until([&] { return lab_->owners(vip_).size() != 1; }, ms{800}, ms{5}));
    }
  }
  EXPECT_EQ(transitions(node("node-a")) + transitions(node("node-b")), before);
}

// ---- keepalived
// ---------------------------------------------------------------------------------------------

struct TransportKeepalived : Transport {
  // On node-b, with the priority 150 of its agent.
  void start_keepalived(const std::string& own, const std::string& peer, const std::string& addresses) {
    const auto folder = node("node-b").directory();
    const auto config = folder / "keepalived.conf";
    std::ofstream{config} << "global_defs {\n  vrrp_version 3\n}\n"
                             "vrrp_instance web {\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n"
                             "  priority 150\n  advert_int 0.1\n  unicast_src_ip "
                          << own << "\n  unicast_peer {\n    " << peer << "\n  }\n  virtual_ipaddress {\n"
                          << addresses << "  }\n}\n";
    auto child =
        lab_->spawner().execute(node("node-b").net(),
                                {"/usr/sbin/keepalived", "--dont-fork", "--log-console", "--vrrp",
                                 "--use-file", config.string(), "--pid", (folder / "keepalived.pid").string(),
                                 "--vrrp_pid", (folder / "keepalived-vrrp.pid").string()},
                                {}, log());
    ASSERT_OK(child);
    keepalived_ = std::move(*child);
  }
  [[nodiscard]] std::filesystem::path log() { return node("node-b").directory() / "keepalived.log"; }
  std::string said() {
    std::ifstream file{log()};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  // keepalived on node-b, the agent on node-a: the agent is preferred, resigns, comes back, crashes.
  void takes_turns(VipDefinition definition, const std::string& own, const std::string& peer,
                   const std::string& addresses) {
    ASSERT_NO_FATAL_FAILURE(build(2));
    ASSERT_NO_FATAL_FAILURE(filter_multicast());
    definition.preemption = "Immediate";
    ASSERT_OK(node("node-a").write_definition("web.yaml", definition.yaml()));
    ASSERT_NO_FATAL_FAILURE(start_keepalived(own, peer, addresses));
    ASSERT_TRUE(owns("node-b", s{15})) << said();
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_TRUE(owns("node-a")) << "200 against 150: " << said();
    EXPECT_TRUE(wait_until([&] { return said().find("Entering BACKUP STATE") != std::string::npos; }, s{5}));
    const auto report =
        probed([&] { ASSERT_OK(node("node-a").stop_agent()); }, [&] { return owns("node-b", s{1}); });
    EXPECT_LE(report.longest_outage(), ms{500}) << "a resignation is understood: " << report.summary();
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_TRUE(owns("node-a"));
    ASSERT_OK(node("node-a").crash());
    EXPECT_TRUE(owns("node-b")) << said();
    for (const auto* complaint : {"checksum", "invalid", "Unknown", "unicast source"}) {
      EXPECT_THAT(said(), Not(HasSubstr(complaint)));
    }
  }
  Child keepalived_;
};

TEST_F(TransportKeepalived, TakesTurnsWithItByUnicast) {
  auto definition = web_by("Unicast", "10.99.0.2");
  definition.extra_spec += "    ipv4Checksum: RFC5798\n";
  takes_turns(definition, "10.99.0.2", "10.99.0.1", "    10.99.0.100/32 dev eth0\n");
}

TEST_F(TransportKeepalived, TakesTurnsWithItByIpv6Unicast) {
  takes_turns(web6_by("Unicast"), "2001:db8:99::2", "2001:db8:99::1",
              "    fe80::200:5eff:fe00:233/128 dev eth0\n    2001:db8:99::100/128 dev eth0\n");
}

}  // namespace
}  // namespace vipra::lab
