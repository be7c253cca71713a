#include "agent/control/build_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "agent/control/metrics_snapshot.hpp"
#include "report/utf8.hpp"
#include "tests/agent/control/fake_agent.hpp"

namespace vipra::control {
namespace {

using test::router_snapshot;
namespace wire = channel::v1;
namespace out = report::v1;
using testing::HasSubstr;

definitions::InputFilePtr file(const std::string& name, std::vector<nlohmann::json> objects) {
  auto out = std::make_shared<definitions::InputFile>();
  out->name = name;
  int number = 0;
  for (auto& object : objects) {
    out->objects.push_back({std::move(object), name, name + ":" + std::to_string(++number)});
  }
  return out;
}

nlohmann::json object(const std::string& name, const std::string& address, int vrid = 51) {
  return {{"apiVersion", "vipra.dev/v1alpha1"},
          {"kind", "VirtualIP"},
          {"metadata", {{"name", name}}},
          {"spec", {{"addresses", {address}}, {"vrrp", {{"virtualRouterID", vrid}}}}}};
}

class ReportTest : public testing::Test {
 protected:
  void define(std::vector<nlohmann::json> objects) {
    definitions.replace({file("all.yaml", std::move(objects))});
    plan = plan::build(definitions.specs(), {node, {}, {}}, plan.state.generation + 1);
  }
  void tell(const std::vector<wire::RouterSnapshot>& routers) {
    wire::AgentMessage message;
    for (const auto& router : routers) *message.mutable_snapshots()->add_routers() = router;
    message.mutable_snapshots()->mutable_speaker()->set_applied_generation(plan.state.generation);
    view.apply(message);
  }
  Facts facts() const {
    return {node, build,  view,   connected, definitions,
            plan, checks, source, nullptr,   std::chrono::seconds{0}};
  }
  out::NodeReport report(const out::NodeReport* before = nullptr, std::int64_t now = 1000) const {
    return build_report(facts(), before, now);
  }
  static const out::Condition& condition(const out::VirtualIPReport& vip, const std::string& type) {
    for (const auto& item : vip.conditions()) {
      if (item.type() == type) return item;
    }
    static const out::Condition kNone;
    return kNone;
  }

  const std::string node = "node-a";
  const std::string build = "0.1.0";
  AgentView view;
  bool connected = true;
  definitions::DefinitionStore definitions;
  plan::Plan plan;
  std::vector<checks::CheckState> checks;
  source::Health source;
};

TEST_F(ReportTest, AVirtualIpShowsItsRoutersItsAddressesAndThatAllIsWell) {
  define({object("web", "10.99.0.100")});
  auto router = router_snapshot("web/ipv4", 77);
  router.set_interface("eth0");
  router.set_master_address(std::string{"\x0a\x63\x00\x02", 4});
  router.set_master_priority(120);
  auto& address = *router.add_addresses();
  address.set_ip(std::string{"\x0a\x63\x00\x64", 4});
  address.set_virtual_ip("web");
  tell({router});
  const auto result = report();
  ASSERT_EQ(result.virtual_ips_size(), 1);
  const auto& vip = result.virtual_ips(0);
  EXPECT_EQ(vip.name(), "web");
  EXPECT_EQ(vip.addresses(0), "10.99.0.100");
  ASSERT_EQ(vip.routers_size(), 1);
  EXPECT_EQ(vip.routers(0), "web/ipv4");
  ASSERT_EQ(result.routers_size(), 1);
  EXPECT_EQ(result.routers(0).family(), "IPv4");
  EXPECT_EQ(result.routers(0).master_address(), "10.99.0.2");
  EXPECT_EQ(result.routers(0).addresses(0).address(), "10.99.0.100");
  EXPECT_EQ(condition(vip, "Accepted").status(), "True");
  EXPECT_EQ(condition(vip, "Ready").status(), "True");
  EXPECT_EQ(condition(vip, "Degraded").status(), "False");
  EXPECT_EQ(condition(vip, "Conflict").status(), "False");
  EXPECT_EQ(result.applied_generation(), result.definitions_generation());
  EXPECT_TRUE(readiness(facts()).ready) << readiness(facts()).detail;
}

TEST_F(ReportTest, ARouterThatTheAgentHasNotToldOfIsThereAndUnknown) {
  define({object("web", "10.99.0.100")});
  const auto result = report();
  ASSERT_EQ(result.routers_size(), 1);
  EXPECT_EQ(result.routers(0).state(), reason::v1::STATE_UNKNOWN);
  EXPECT_EQ(result.virtual_ips(0).routers_size(), 1);
  EXPECT_EQ(condition(result.virtual_ips(0), "Ready").status(), "Unknown");
  EXPECT_FALSE(readiness(facts()).ready);
}

TEST_F(ReportTest, AFollowerNamesItsLeadBeforeAndAfterTheAgentToldOfIt) {
  auto outside = object("a-outside", "10.99.0.100");
  auto inside = object("b-inside", "10.77.0.100", 52);
  for (auto* member : {&outside, &inside}) (*member)["spec"]["vrrp"]["group"] = "gateway";
  inside["spec"]["addresses"].push_back("2001:db8:77::100");
  define({outside, inside});
  for (const bool told : {false, true}) {
    if (told) tell({router_snapshot("a-outside/ipv4", 1), router_snapshot("b-inside/ipv4", 1)});
    const auto result = report();
    ASSERT_EQ(result.routers_size(), 3);
    for (const auto& router : result.routers()) {
      const bool leads = router.id() == "a-outside/ipv4";
      EXPECT_EQ(router.group(), "gateway");
      EXPECT_EQ(router.follows(), !leads);
      EXPECT_EQ(router.lead(), leads ? "" : "a-outside/ipv4");
      EXPECT_EQ(router.lead_virtual_ip(), leads ? "" : "a-outside");
    }
  }
}

TEST_F(ReportTest, ARouterOnItsWayOutFollowsNobody) {
  tell({router_snapshot("gone/ipv6", 1)});
  const auto result = report();
  ASSERT_EQ(result.routers_size(), 1);
  EXPECT_FALSE(result.routers(0).follows());
  EXPECT_EQ(result.routers(0).lead() + result.routers(0).group(), "");
}

TEST_F(ReportTest, ARefusedDefinitionShowsItsErrorsWithTheirPlace) {
  define({object("bad", "10.99.0.300", 510)});
  const auto result = report();
  ASSERT_EQ(result.virtual_ips_size(), 1);
  const auto& vip = result.virtual_ips(0);
  ASSERT_EQ(vip.problems_size(), 2);
  EXPECT_EQ(vip.problems(0).origin(), "all.yaml:1");
  EXPECT_EQ(vip.problems(0).path(), "spec.addresses[0]");
  EXPECT_EQ(condition(vip, "Accepted").status(), "False");
  EXPECT_THAT(condition(vip, "Accepted").message(), HasSubstr("spec.addresses[0]"));
  EXPECT_THAT(condition(vip, "Accepted").message(), HasSubstr("1 more"));
  EXPECT_EQ(condition(vip, "Ready").status(), "False");
  EXPECT_EQ(result.problems_size(), 0) << "told once, with its object";
}

TEST_F(ReportTest, ABadEditIsDegradedNotGone) {
  define({object("web", "10.99.0.100")});
  define({object("web", "10.99.0.300")});
  tell({router_snapshot("web/ipv4")});
  const auto result = report();
  const auto& vip = result.virtual_ips(0);
  EXPECT_EQ(vip.addresses(0), "10.99.0.100");
  EXPECT_EQ(condition(vip, "Accepted").status(), "False");
  EXPECT_THAT(condition(vip, "Accepted").message(), HasSubstr("last good"));
  EXPECT_EQ(condition(vip, "Degraded").status(), "True");
}

TEST_F(ReportTest, AFileWithoutAnObjectIsAProblemOfTheNode) {
  auto broken = std::make_shared<definitions::InputFile>();
  broken->name = "broken.yaml";
  broken->problems = {{"broken.yaml:1", "", "", Reason::kParseError, "not YAML"}};
  broken->complete = false;
  definitions.replace({broken});
  const auto result = report();
  ASSERT_EQ(result.problems_size(), 1);
  EXPECT_EQ(result.problems(0).origin(), "broken.yaml:1");
  EXPECT_EQ(result.problems(0).reason(), reason::v1::REASON_PARSE_ERROR);
}

TEST_F(ReportTest, TheLoserOfACollisionNamesTheWinner) {
  define({object("a", "10.99.0.100", 51), object("b", "10.99.0.100", 52)});
  const auto result = report();
  ASSERT_EQ(result.virtual_ips_size(), 2);
  const auto& loser = result.virtual_ips(1);
  EXPECT_EQ(loser.name(), "b");
  EXPECT_EQ(condition(loser, "Conflict").status(), "True");
  EXPECT_EQ(condition(loser, "Conflict").reason(), reason::v1::REASON_ADDRESS_CONFLICT);
  EXPECT_EQ(condition(loser, "Accepted").status(), "False");
  EXPECT_EQ(condition(loser, "Ready").status(), "False");
  EXPECT_EQ(condition(result.virtual_ips(0), "Conflict").status(), "False");
}

TEST_F(ReportTest, AVirtualIpOfOtherNodesIsAcceptedAndNotReadyHere) {
  auto elsewhere = object("web", "10.99.0.100");
  elsewhere["spec"]["nodeSelector"] = {{"matchLabels", {{"zone", "b"}}}};
  define({elsewhere});
  const auto vip = report().virtual_ips(0);
  EXPECT_EQ(condition(vip, "Accepted").status(), "True");
  EXPECT_EQ(condition(vip, "Ready").status(), "False");
  EXPECT_EQ(condition(vip, "Ready").reason(), reason::v1::REASON_NODE_NOT_SELECTED);
}

TEST_F(ReportTest, AFaultyRouterIsNotReadyAndSaysWhy) {
  define({object("web", "10.99.0.100")});
  auto router = router_snapshot("web/ipv4");
  router.set_state(reason::v1::STATE_FAULT);
  router.set_reason(reason::v1::REASON_INTERFACE_DOWN);
  router.set_detail("interface eth0 is down");
  auto& address = *router.add_addresses();
  address.set_ip(std::string{"\x0a\x63\x00\x64", 4});
  address.set_virtual_ip("web");
  tell({router});
  const auto result = report();
  const auto& ready = condition(result.virtual_ips(0), "Ready");
  EXPECT_EQ(ready.status(), "False");
  EXPECT_EQ(ready.reason(), reason::v1::REASON_INTERFACE_DOWN);
  EXPECT_THAT(ready.message(), HasSubstr("eth0 is down"));
}

TEST_F(ReportTest, ChecksStandWithTheirVirtualIp) {
  define({object("db", "10.99.0.101", 52), object("web", "10.99.0.100")});
  checks::CheckState check;
  check.virtual_ip = "web";
  check.name = "envoy";
  check.kind = "http";
  check.decided = true;
  check.reason = Reason::kCheckRefused;
  check.detail = "http 127.0.0.1:80/ refused the connection";
  check.failures = check.fall = 3;
  checks = {check};
  const auto result = report();
  EXPECT_EQ(result.virtual_ips(0).checks_size(), 0);
  ASSERT_EQ(result.virtual_ips(1).checks_size(), 1);
  EXPECT_EQ(result.virtual_ips(1).checks(0).reason(), reason::v1::REASON_CHECK_REFUSED);
  EXPECT_EQ(result.virtual_ips(1).checks(0).fall(), 3u);
  EXPECT_EQ(condition(result.virtual_ips(1), "Degraded").reason(), reason::v1::REASON_CHECK_FAILED);
}

TEST_F(ReportTest, TracksStandWithTheirRouterAndAFailureIsDegraded) {
  define({object("web", "10.99.0.100")});
  auto router = router_snapshot("web/ipv4");
  auto& track = *router.add_tracks();
  track.set_name("uplink");
  track.set_kind("link");
  track.set_decided(true);
  track.set_detail("interface eth1 is up");
  tell({router});
  const auto well = report();
  ASSERT_EQ(well.routers(0).tracks_size(), 1);
  EXPECT_EQ(well.routers(0).tracks(0).kind(), "link");
  EXPECT_FALSE(well.routers(0).tracks(0).failed());
  EXPECT_EQ(condition(well.virtual_ips(0), "Degraded").status(), "False");
  EXPECT_TRUE(metrics_snapshot(facts()).routers[0].tracks[0].ok);

  track.set_failed(true);
  track.set_reason(reason::v1::REASON_TRACKED_LINK_DOWN);
  track.set_detail("interface eth1 is \xff down");
  auto& part = *router.add_contributions();
  part.set_source("track/uplink");
  part.set_delta(-20);
  part.set_reason(track.reason());
  part.set_detail("interface eth1 is down");
  tell({router});
  auto ill = report();
  EXPECT_TRUE(ill.routers(0).tracks(0).failed());
  const auto& degraded = condition(ill.virtual_ips(0), "Degraded");
  EXPECT_EQ(degraded.status(), "True");
  EXPECT_EQ(degraded.reason(), reason::v1::REASON_TRACKED_LINK_DOWN);
  EXPECT_EQ(degraded.message(), "track/uplink: interface eth1 is down");
  EXPECT_FALSE(metrics_snapshot(facts()).routers[0].tracks[0].ok);
  report::repair_strings(ill);
  EXPECT_TRUE(report::is_utf8(ill.routers(0).tracks(0).detail()));
}

TEST_F(ReportTest, AConditionKeepsItsTimeUntilItsStatusChanges) {
  define({object("web", "10.99.0.100")});
  tell({router_snapshot("web/ipv4")});
  const auto first = report(nullptr, 1000);
  const auto second = report(&first, 2000);
  EXPECT_EQ(condition(second.virtual_ips(0), "Ready").last_transition_unix_ns(), 1000);
  EXPECT_EQ(second.sequence(), first.sequence() + 1);
  connected = false;
  const auto third = report(&second, 3000);
  EXPECT_EQ(condition(third.virtual_ips(0), "Ready").last_transition_unix_ns(), 3000);
  EXPECT_EQ(condition(third.virtual_ips(0), "Accepted").last_transition_unix_ns(), 1000);
}

TEST_F(ReportTest, TheMetricsOfTheSameFactsSayTheSame) {
  define({object("web", "10.99.0.100"), object("bad", "10.99.0.300")});
  auto router = router_snapshot("web/ipv4", 2'500'000'000);
  router.mutable_counters()->set_advertisements_sent(9);
  auto& address = *router.add_addresses();
  address.set_ip(std::string{"\x0a\x63\x00\x64", 4});
  address.set_virtual_ip("web");
  address.set_present(true);
  tell({router});
  const auto snapshot = metrics_snapshot(facts());
  ASSERT_EQ(snapshot.routers.size(), 1u);
  EXPECT_EQ(snapshot.routers[0].state, State::kBackup);
  EXPECT_EQ(snapshot.routers[0].virtual_ips, std::vector<std::string>{"web"});
  EXPECT_EQ(snapshot.routers[0].advertisements_sent, 9u);
  EXPECT_DOUBLE_EQ(snapshot.routers[0].state_since_unix_seconds, 2.5);
  ASSERT_EQ(snapshot.routers[0].addresses.size(), 1u);
  EXPECT_TRUE(snapshot.routers[0].addresses[0].present);
  EXPECT_EQ(snapshot.control.definitions_accepted, 1u);
  EXPECT_EQ(snapshot.control.definitions_refused, 1u);
  ASSERT_TRUE(snapshot.speaker);
  EXPECT_EQ(snapshot.speaker->applied_generation, snapshot.control.built_generation);
  EXPECT_EQ(snapshot.speaker->lateness.counts.size(), snapshot.speaker->lateness.bounds_seconds.size() + 1);
}

TEST_F(ReportTest, AConflictIsAConditionOfItsOwn) {
  define({object("web", "10.0.0.1")});
  auto router = router_snapshot("web/ipv4");
  router.set_warning(reason::v1::REASON_CONFLICT);
  router.set_warning_detail("another host, 02:00:00:00:00:09, says that it has 10.0.0.1 too");
  tell({router});
  const auto vip = report().virtual_ips(0);
  EXPECT_EQ(condition(vip, "Conflict").status(), "True");
  EXPECT_EQ(condition(vip, "Conflict").reason(), reason::v1::REASON_CONFLICT);
  EXPECT_THAT(condition(vip, "Conflict").message(), HasSubstr("02:00:00:00:00:09"));
  EXPECT_EQ(condition(vip, "Degraded").status(), "False");
  EXPECT_EQ(condition(vip, "Ready").status(), "True");
}

TEST_F(ReportTest, ForeignVirtualRoutersAreReportedBySegment) {
  wire::AgentMessage message;
  auto& segment = *message.mutable_snapshots()->add_segments();
  segment.set_interface_index(2);
  segment.set_family(4);
  segment.set_interface("eth0");
  segment.set_foreign_packets(12);
  segment.set_foreign_packets_untracked(3);
  for (const int vrid : {77, 9}) {
    auto& foreign = *segment.add_foreign_routers();
    foreign.set_vrid(static_cast<std::uint32_t>(vrid));
    foreign.set_version(3);
    foreign.set_source(channel::to_wire(*IpAddress::parse("10.0.0.9")));
    foreign.add_addresses(channel::to_wire(*IpAddress::parse("10.0.0.7")));
    foreign.set_address_count(20);
    foreign.set_packets(6);
  }
  view.apply(message);
  const auto out = report();
  ASSERT_EQ(out.segments_size(), 1);
  EXPECT_EQ(out.segments(0).interface(), "eth0");
  EXPECT_EQ(out.segments(0).family(), "IPv4");
  EXPECT_EQ(out.segments(0).foreign_advertisements_untracked(), 3u);
  ASSERT_EQ(out.segments(0).foreign_routers_size(), 2);
  const auto& first = out.segments(0).foreign_routers(0);
  EXPECT_EQ(first.virtual_router_id(), 9u) << "in order";
  EXPECT_EQ(first.source(), "10.0.0.9");
  EXPECT_EQ(first.addresses(0), "10.0.0.7");
  EXPECT_EQ(first.address_count(), 20u);
  const auto metrics = metrics_snapshot(facts());
  ASSERT_EQ(metrics.segments.size(), 1u);
  EXPECT_EQ(metrics.segments[0].foreign_routers, 2u);
  EXPECT_EQ(metrics.segments[0].foreign_advertisements, 12u);
}

}  // namespace
}  // namespace vipra::control
