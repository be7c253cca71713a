// What a node must have besides its own interface (spec.vrrp.track), on the real kernel.
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Track : AgentLab {
  static std::string track(const std::string& what, const std::string& on_failure = "priorityDelta: -100") {
    return "    track:\n    - {name: tracked, " + what + ", onFailure: {" + on_failure + "}}\n";
  }
  // node-a is preferred, and takes back what it lost.
  static VipDefinition tracking(const std::string& extra_vrrp) {
    auto definition = web();
    definition.preemption = "Immediate";
    definition.extra_vrrp = extra_vrrp;
    return definition;
  }
  VipDefinition tracking6(const std::string& extra_vrrp) {
    auto definition = tracking(extra_vrrp);
    definition.addresses = {vip6_.to_string()};
    vip_ = vip6_;
    return definition;
  }
  // Two nodes, each with another link besides the segment, and a gateway of its own on the segment.
  void lay_out() {
    ASSERT_TRUE(may_build_labs()) << "lab tests need root";
    LabOptions options;
    options.nodes = 2;
    options.clients = 3;
    auto made = Lab::make(options);
    ASSERT_OK(made);
    lab_ = std::move(*made);
    for (const auto* name : {"node-a", "node-b"}) {
      ASSERT_NO_FATAL_FAILURE(ip(name, {"link", "add", "eth1", "type", "veth", "peer", "name", "peer1"}));
      ASSERT_NO_FATAL_FAILURE(ip(name, {"link", "set", "peer1", "up"}));
      ASSERT_NO_FATAL_FAILURE(ip(name, {"link", "set", "eth1", "up"}));
      ASSERT_NO_FATAL_FAILURE(ip(name, {"addr", "add", "198.51.100.1/24", "dev", "eth1"}));
    }
  }
  void start(const VipDefinition& definition) {
    ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_TRUE(owns("node-a", s{10}));
    ASSERT_OK(node("node-b").start_agent(agent()));
    ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
  }
  void lay_out_and_start(const VipDefinition& definition) {
    ASSERT_NO_FATAL_FAILURE(lay_out());
    ASSERT_NO_FATAL_FAILURE(start(definition));
  }
  void ip(const char* where, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ip");
    ASSERT_OK(must_run(node(where).net(), arguments));
  }
  void default_route(const char* where, const Station& gateway, const char* verb = "add") {
    ip(where, {"route", verb, "default", "via", gateway.facts().v4.to_string()});
  }
  bool says(const char* where, const std::string& text) {
    return wait_until([&] { return vipctl(node(where), {"explain", "web"}).find(text) != std::string::npos; },
                      s{10}, ms{50});
  }
  static std::string metrics(Node& where) {
    const auto answer = where.run({"curl", "-sS", "-m", "5", "http://127.0.0.1:9112/metrics"});
    return answer ? answer->out : "";
  }
  // Until its heir runs.
  void crash_speaker(const char* where) {
    const auto old = node(where).process(Role::kSpeaker);
    ASSERT_OK(old);
    ASSERT_OK(node(where).signal(Role::kSpeaker, SIGKILL));
    ASSERT_TRUE(wait_until(
        [&] {
          const auto heir = node(where).process(Role::kSpeaker);
          return heir && *heir != *old;
        },
        s{10}));
  }
  bool has_metric(const char* where, const std::string& line) {
    return wait_until([&] { return metrics(node(where)).find(line) != std::string::npos; }, s{10}, ms{100});
  }
};

TEST_F(Track, AnotherLinkThatGoesDownMovesTheAddressAndItComesBackWithIt) {
  ASSERT_NO_FATAL_FAILURE(lay_out_and_start(tracking(track("link: {interface: eth1}"))));
  EXPECT_TRUE(says("node-a", "tracked (link): ok: interface eth1 is up"));
  const std::string metric =
      R"(vipra_track_ok{virtual_ip="web",router="web/ipv4",track="tracked",kind="link"} )";
  EXPECT_TRUE(has_metric("node-a", metric + "1"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "down"}));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(says("node-a", "100 = base 200, track tracked -100 (interface eth1 is down)"));
  EXPECT_TRUE(says("node-a", "tracked (link): FAILED: interface eth1 is down"));
  EXPECT_TRUE(has_metric("node-a", metric + "0"));
  EXPECT_THAT(vipctl(node("node-a"), {"get", "web", "-o", "json"}), HasSubstr("\"TrackedLinkDown\""));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "up"}));
  EXPECT_TRUE(owns("node-a"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "peer1", "down"}));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(says("node-a", "interface eth1 has no carrier"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "del", "eth1"}));
  EXPECT_TRUE(says("node-a", "interface eth1 does not exist"));
  EXPECT_TRUE(owns("node-b"));
}

TEST_F(Track, AFailureMayBeAFaultOfBothFamilies) {
  auto definition = tracking(track("link: {interface: eth1}", "fault: {}"));
  definition.addresses = dual_stack().addresses;
  ASSERT_NO_FATAL_FAILURE(lay_out_and_start(definition));
  ASSERT_TRUE(lab_->wait_for_owner(vip6_, "node-a", s{5}));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "down"}));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(lab_->wait_for_owner(vip6_, "node-b", s{5}));
  EXPECT_TRUE(says("node-a", "Fault"));
  EXPECT_TRUE(says("node-a", "track/tracked: interface eth1 is down"));
  ASSERT_OK(node("node-b").crash());
  EXPECT_FALSE(wait_until([&] { return node("node-a").owns(vip_); }, ms{1000}))
      << "no other node is left, and still";
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "up"}));
  EXPECT_TRUE(wait_until([&] { return node("node-a").owns(vip_) && node("node-a").owns(vip6_); }, s{5}));
}

TEST_F(Track, ItsOwnInterfaceWithoutCarrierIsAFaultWithoutATrack) {
  ASSERT_NO_FATAL_FAILURE(lay_out_and_start(tracking("")));
  ASSERT_OK(node("node-a").cut_link());
  EXPECT_TRUE(wait_until([&] { return node("node-b").owns(vip_) && !node("node-a").owns(vip_); }, s{5}));
  EXPECT_TRUE(says("node-a", "interface eth0 is down"));
  EXPECT_TRUE(logged(node("node-a"), "\"reason\":\"InterfaceDown\""));
  ASSERT_OK(node("node-a").heal_link());
  EXPECT_TRUE(owns("node-a"));
}

TEST_F(Track, ADefaultGatewayThatStopsAnsweringMovesTheAddress) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  ASSERT_NO_FATAL_FAILURE(default_route("node-a", lab_->client(1)));
  ASSERT_NO_FATAL_FAILURE(default_route("node-b", lab_->client(2)));
  ASSERT_NO_FATAL_FAILURE(start(tracking(track("gateway: {interval: 200ms, misses: 3}"))));
  const auto gateway = lab_->client(1).facts().v4.to_string();
  EXPECT_TRUE(says("node-a", "tracked (gateway): ok: " + gateway + " answers on eth0"));
  EXPECT_TRUE(says("node-b", "tracked (gateway): ok")) << "a backup asks too";
  // Its link stays up; it answers nobody.
  const auto& machine = lab_->client(1).net();
  ASSERT_OK(set_sysctl(machine, "ipv4/conf/all/arp_ignore", "8"));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(says("node-a", gateway + " does not answer on eth0 (3 questions in a row)"));
  EXPECT_THAT(vipctl(node("node-b"), {"explain", "web"}), Not(HasSubstr("FAILED")));
  // What did not change is not asked about anew.
  auto edited = tracking(track("gateway: {interval: 200ms, misses: 2}", "priorityDelta: -110"));
  ASSERT_OK(lab_->write_definition("web.yaml", edited.yaml()));
  EXPECT_TRUE(says("node-a", "90 = base 200, track tracked -110"));
  EXPECT_EQ(count_logged(node("node-a"), "track.recovered"), 0u);
  EXPECT_EQ(count_logged(node("node-a"), "\"to\":\"Master\""), 1u);
  ASSERT_OK(set_sysctl(machine, "ipv4/conf/all/arp_ignore", "0"));
  EXPECT_TRUE(owns("node-a"));
}

TEST_F(Track, AGatewayIsAskedByTheInterfaceItselfBesideAVirtualMac) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  ASSERT_NO_FATAL_FAILURE(default_route("node-a", lab_->client(1)));
  ASSERT_NO_FATAL_FAILURE(default_route("node-b", lab_->client(2)));
  ASSERT_NO_FATAL_FAILURE(
      start(tracking("    virtualMAC: true\n" + track("gateway: {interval: 200ms, misses: 3}"))));
  EXPECT_TRUE(says("node-a", "tracked (gateway): ok"));
  EXPECT_TRUE(says("node-b", "tracked (gateway): ok"));
  ASSERT_OK(set_sysctl(lab_->client(1).net(), "ipv4/conf/all/arp_ignore", "8"));
  EXPECT_TRUE(owns("node-b"));
  ASSERT_OK(set_sysctl(lab_->client(1).net(), "ipv4/conf/all/arp_ignore", "0"));
  EXPECT_TRUE(owns("node-a"));
}

TEST_F(Track, AnotherDefaultRouteIsAnotherGateway) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  ASSERT_NO_FATAL_FAILURE(default_route("node-a", lab_->client(1)));
  ASSERT_NO_FATAL_FAILURE(default_route("node-b", lab_->client(2)));
  ASSERT_NO_FATAL_FAILURE(start(tracking(track("gateway: {interval: 200ms, misses: 3}"))));
  ASSERT_OK(set_sysctl(lab_->client(1).net(), "ipv4/conf/all/arp_ignore", "8"));
  ASSERT_TRUE(owns("node-b"));
  ASSERT_NO_FATAL_FAILURE(default_route("node-a", lab_->client(2), "replace"));
  EXPECT_TRUE(owns("node-a"));
  EXPECT_TRUE(says("node-a", lab_->client(2).facts().v4.to_string() + " answers on eth0"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"route", "del", "default"}));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(says("node-a", "no IPv4 default route leaves by eth0"));
}

TEST_F(Track, AnIpv6GatewayThatStopsAnsweringMovesTheAddress) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  const auto& gateway = lab_->client(1);
  const auto address = gateway.facts().v6.to_string();
  ASSERT_NO_FATAL_FAILURE(start(
      tracking6(track("gateway: {address: \"" + address + "\", interval: 200ms, misses: 3}", "fault: {}"))));
  EXPECT_TRUE(says("node-a", address + " answers on eth0"));
  ASSERT_OK(must_run(gateway.net(), {"nft", "-f", "-"},
                     "table ip6 mute { chain in { type filter hook input priority 0;\nip6 saddr " +
                         node("node-a").facts().link_local.to_string() +
                         " icmpv6 type nd-neighbor-solicit drop\n}\n}\n"));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(says("node-a", address + " does not answer on eth0"));
  EXPECT_TRUE(says("node-a", "Fault")) << "where it goes on asking";
  ASSERT_OK(must_run(gateway.net(), {"nft", "delete", "table", "ip6", "mute"}));
  EXPECT_TRUE(owns("node-a"));
}

TEST_F(Track, ARouteThatGoesMovesTheAddressAndItComesBackWithIt) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  for (const auto* name : {"node-a", "node-b"})
    ASSERT_NO_FATAL_FAILURE(ip(name, {"route", "add", "10.0.0.0/8", "via", "198.51.100.2"}));
  ASSERT_NO_FATAL_FAILURE(start(tracking(track("route: {destination: 10.0.0.0/8}"))));
  EXPECT_TRUE(says("node-a", "tracked (route): ok: the route to 10.0.0.0/8 leaves by eth1"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"route", "del", "10.0.0.0/8"}));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(says("node-a", "there is no route to 10.0.0.0/8"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"route", "add", "10.0.0.0/9", "via", "198.51.100.2"}));
  EXPECT_FALSE(wait_until([&] { return node("node-a").owns(vip_); }, ms{700})) << "not that destination";
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"route", "add", "10.0.0.0/8", "via", "198.51.100.2"}));
  EXPECT_TRUE(owns("node-a"));
  // The kernel takes IPv4 routes away with their link and says nothing of them.
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "down"}));
  EXPECT_TRUE(owns("node-b"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "up"}));
  EXPECT_TRUE(says("node-a", "there is no route to 10.0.0.0/8"));
  EXPECT_TRUE(node("node-b").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "track.recovered"), 1u);
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"route", "add", "10.0.0.0/8", "via", "198.51.100.2"}));
  EXPECT_TRUE(owns("node-a"));
}

TEST_F(Track, AnIpv6RouteThatRefusesPacketsIsNone) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  for (const auto* name : {"node-a", "node-b"})
    ASSERT_NO_FATAL_FAILURE(ip(name, {"-6", "route", "add", "default", "dev", "eth0", "metric", "100"}));
  ASSERT_NO_FATAL_FAILURE(start(tracking6(track("route: {destination: \"::/0\"}"))));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"-6", "route", "add", "unreachable", "default", "metric", "50"}));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(says("node-a", "the IPv6 default route refuses packets"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"-6", "route", "del", "unreachable", "default", "metric", "50"}));
  EXPECT_TRUE(owns("node-a"));
}

TEST_F(Track, MovesTheAddressWhileControlHangs) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  ASSERT_NO_FATAL_FAILURE(default_route("node-a", lab_->client(1)));
  ASSERT_NO_FATAL_FAILURE(default_route("node-b", lab_->client(2)));
  auto definition = tracking(track("gateway: {interval: 200ms, misses: 3}"));
  definition.extra_vrrp += "    - {name: link, link: {interface: eth1}, onFailure: {priorityDelta: -90}}\n";
  ASSERT_NO_FATAL_FAILURE(start(definition));
  ASSERT_TRUE(says("node-a", "tracked (gateway): ok"));
  ASSERT_OK(node("node-a").signal(Role::kControl, SIGSTOP));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "down"}));
  EXPECT_TRUE(owns("node-b"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "up"}));
  EXPECT_TRUE(owns("node-a"));
  ASSERT_OK(set_sysctl(lab_->client(1).net(), "ipv4/conf/all/arp_ignore", "8"));
  EXPECT_TRUE(owns("node-b"));
  ASSERT_OK(node("node-a").signal(Role::kControl, SIGCONT));
  EXPECT_TRUE(says("node-a", "tracked (gateway): FAILED")) << "and control learns of it";
}

TEST_F(Track, ARestartedSpeakerKnowsLinksAndRoutesBeforeItElects) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  auto definition = tracking(track("link: {interface: eth1}", "fault: {}"));
  ASSERT_NO_FATAL_FAILURE(start(definition));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "down"}));
  ASSERT_TRUE(owns("node-b"));
  ASSERT_NO_FATAL_FAILURE(crash_speaker("node-a"));
  EXPECT_FALSE(wait_until([&] { return node("node-a").owns(vip_); }, ms{1500}));
  EXPECT_TRUE(says("node-a", "track/tracked: interface eth1 is down"));
}

TEST_F(Track, ARestartedSpeakerTakesNothingBeforeItsGatewayAnswers) {
  for (const auto* on_failure : {"priorityDelta: -100", "fault: {}"}) {
    ASSERT_NO_FATAL_FAILURE(lay_out());
    ASSERT_NO_FATAL_FAILURE(default_route("node-a", lab_->client(1)));
    ASSERT_NO_FATAL_FAILURE(default_route("node-b", lab_->client(2)));
    ASSERT_NO_FATAL_FAILURE(start(tracking(track("gateway: {interval: 500ms, misses: 2}", on_failure))));
    ASSERT_TRUE(says("node-a", "tracked (gateway): ok"));
    ASSERT_OK(set_sysctl(lab_->client(1).net(), "ipv4/conf/all/arp_ignore", "8"));
    ASSERT_TRUE(owns("node-b"));
    for (int crash = 0; crash < 2; ++crash) {
      ASSERT_NO_FATAL_FAILURE(crash_speaker("node-a"));
      EXPECT_FALSE(wait_until([&] { return node("node-a").owns(vip_); }, ms{900}))
          << "by its predecessor's word";
      EXPECT_TRUE(says("node-a", "tracked (gateway): FAILED"));
    }
    // The owner's own crash moves nothing, whatever the gateways say.
    ASSERT_NO_FATAL_FAILURE(crash_speaker("node-b"));
    EXPECT_FALSE(wait_until([&] { return !node("node-b").owns(vip_); }, ms{900}));
    EXPECT_EQ(count_logged(node("node-a"), "\"to\":\"Master\""), 1u);
    ASSERT_OK(set_sysctl(lab_->client(1).net(), "ipv4/conf/all/arp_ignore", "0"));
    EXPECT_TRUE(owns("node-a"));
    lab_.reset();
  }
}

// Both gateways are dead, so that the owner is one although its own has failed.
TEST_F(Track, ACrashOfAnOwnerWhoseGatewayHasFailedMovesNothing) {
  ASSERT_NO_FATAL_FAILURE(lay_out());
  for (const auto* name : {"node-a", "node-b"}) ASSERT_NO_FATAL_FAILURE(default_route(name, lab_->client(1)));
  ASSERT_NO_FATAL_FAILURE(start(tracking(track("gateway: {interval: 200ms, misses: 3}"))));
  ASSERT_TRUE(says("node-b", "tracked (gateway): ok"));
  ASSERT_OK(set_sysctl(lab_->client(1).net(), "ipv4/conf/all/arp_ignore", "8"));
  ASSERT_TRUE(says("node-a", "tracked (gateway): FAILED") && says("node-b", "tracked (gateway): FAILED"));
  ASSERT_TRUE(owns("node-a"));
  const auto moves = count_logged(node("node-b"), "\"to\":\"Master\"");
  ASSERT_NO_FATAL_FAILURE(crash_speaker("node-a"));
  EXPECT_FALSE(wait_until([&] { return !node("node-a").owns(vip_); }, ms{1500}));
  EXPECT_TRUE(says("node-a", "Adopted"));
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), moves);
}

TEST_F(Track, ARecoveryDelayHoldsTheNodeBackAfterTheFault) {
  ASSERT_NO_FATAL_FAILURE(
      lay_out_and_start(tracking(track("link: {interface: eth1}", "fault: {}") + "    recoveryDelay: 3s\n")));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "down"}));
  ASSERT_TRUE(owns("node-b"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth1", "up"}));
  const auto healed = now();
  ASSERT_TRUE(says("node-a", "Backup"));
  ASSERT_TRUE(owns("node-a", s{10}));
  EXPECT_GE(now() - healed, s{3});
  EXPECT_LT(now() - healed, s{5});
}

}  // namespace
}  // namespace vipra::lab
