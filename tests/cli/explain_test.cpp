#include "cli/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/golden.hpp"
#include "tests/cli/sample_reports.hpp"

namespace vipra::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string explained(const v1::NodeReport& report, const std::string& virtual_ip) {
  const auto explanation = explain(report, virtual_ip, kNow);
  EXPECT_TRUE(explanation.found);
  return explanation.text;
}

TEST(Explain, ACheckThatCostsTheElection) {
  const auto text = explained(busy_node(), "web");
  EXPECT_THAT(text, HasSubstr("not owner: priority 90 < 120 of 10.0.0.2"));
  EXPECT_THAT(text, HasSubstr("90 = base 140, check http -50 (refused the connection; 3 of 3 failed)"));
  expect_golden("explain_failing_check", text);
}

TEST(Explain, TheOwner) {
  const auto text = explained(busy_node(), "api");
  EXPECT_THAT(text, HasSubstr("this node owns it"));
  EXPECT_THAT(text, HasSubstr("10.99.0.10 present"));
  expect_golden("explain_owner", text);
}

TEST(Explain, AFault) {
  const auto text = explained(busy_node(), "db");
  EXPECT_THAT(text, HasSubstr("not owner: interface eth1 is down"));
  EXPECT_THAT(text, HasSubstr("ip link show"));
  expect_golden("explain_fault", text);
}

TEST(Explain, AVirtualIpOfOtherNodes) {
  expect_golden("explain_not_selected", explained(busy_node(), "elsewhere"));
}

TEST(Explain, AnUnknownNameListsCloseOnesAndWhatWasRefused) {
  const auto explanation = explain(busy_node(), "wed", kNow);
  EXPECT_FALSE(explanation.found);
  expect_golden("explain_unknown", explanation.text);
  const auto far_away = explain(busy_node(), "nothing-like-it", kNow);
  EXPECT_THAT(far_away.text, HasSubstr("`vipctl get` lists them"));
}

TEST(Explain, WithoutADetailTheNumbersSayWhy) {
  struct Case {
    wire::Reason reason;
    int own;
    std::uint32_t other;
    const char* expected;
  };
  const std::vector<Case> cases{
      {wire::REASON_LOWER_PRIORITY, 90, 120, "not owner: priority 90 < 120 of 10.0.0.2\n"},
      {wire::REASON_LOWER_ADDRESS, 100, 100,
       "not owner: priority 100 = 100 of 10.0.0.2, which is the greater address\n"},
      {wire::REASON_NOT_PREEMPTING, 120, 100,
       "not owner: priority 120 > 100 of 10.0.0.2, but the policy does not preempt\n"},
      {wire::REASON_LISTENING, 120, 0, "not owner: listens for a master before it would take over\n"},
      {static_cast<wire::Reason>(4711), 1, 1, "not owner: Reason4711\n"},
  };
  for (const auto& c : cases) {
    auto report = node_report();
    add_virtual_ip(report, "web", {"10.99.0.100"});
    auto& router = *report.mutable_routers(0);
    router.clear_detail();
    router.set_reason(c.reason);
    router.set_effective_priority(c.own);
    router.set_base_priority(c.own);
    router.set_master_priority(c.other);
    EXPECT_THAT(explained(report, "web"), HasSubstr(c.expected));
  }
}

TEST(Explain, CountsOfTheCheckStandInForAMissingDetail) {
  auto report = node_report();
  auto* vip = add_virtual_ip(report, "web", {"10.99.0.100"});
  fail_check(report, *vip, "http");
  report.mutable_routers(0)->mutable_contributions(0)->set_detail("connection refused");
  EXPECT_THAT(explained(report, "web"), HasSubstr("check http -50 (3 of 3 failed; connection refused)"));
}

TEST(Explain, AFaultingAndAStaleContributionAndASumOutOfRange) {
  auto report = node_report();
  add_virtual_ip(report, "web", {"10.99.0.100"});
  auto& router = *report.mutable_routers(0);
  auto* fault = router.add_contributions();
  fault->set_source("check/db");
  fault->set_fault(true);
  fault->set_reason(wire::REASON_CHECK_FAILED);
  auto* stale = router.add_contributions();
  stale->set_source("check/http");
  stale->set_delta(-200);
  stale->set_stale(true);
  router.set_effective_priority(1);
  EXPECT_THAT(
      explained(report, "web"),
      HasSubstr("1 = base 100, check db forces a fault (CheckFailed), check http -200 (stale: kept as it was "
                "last known); -100 is out of range"));
}

TEST(Explain, TracksInWordsAndWhatTheyCost) {
  auto report = node_report();
  add_virtual_ip(report, "web", {"10.99.0.100"});
  add_tracks(*report.mutable_routers(0));
  const auto text = explained(report, "web");
  EXPECT_THAT(text, HasSubstr("  track     gateway (gateway): ok: 10.99.0.254 answers on eth0\n"));
  EXPECT_THAT(text, HasSubstr("  track     default (route): not known yet\n"));
  EXPECT_THAT(text, HasSubstr("  track     uplink (link): FAILED: interface eth1 has no carrier\n"));
  EXPECT_THAT(text, HasSubstr("80 = base 100, track uplink -20 (interface eth1 has no carrier)"));
  EXPECT_THAT(text, HasSubstr("TrackedLinkDown: bring the interface up"));
}

TEST(Explain, WhomAMemberOfAGroupFollowsAndWhoFollowsTheLead) {
  auto report = node_report();
  add_virtual_ip(report, "a-outside", {"10.99.0.100"});
  add_virtual_ip(report, "b-inside", {"10.77.0.100", "2001:db8:77::100"});
  make_group(report, "gateway");
  EXPECT_THAT(explained(report, "a-outside"),
              HasSubstr("  lead      this router in the group gateway; it is followed by b-inside/ipv4, "
                        "b-inside/ipv6\n"));
  EXPECT_THAT(
      explained(report, "b-inside"),
      HasSubstr("  lead      a-outside/ipv4 in the group gateway: this one is master where that one is\n"));
}

TEST(Explain, TheIpv6RouterFollowsWithoutAGroupToo) {
  auto report = node_report();
  add_virtual_ip(report, "web", {"10.99.0.100", "2001:db8::100"});
  auto& follower = *report.mutable_routers(1);
  follower.set_follows(true);
  EXPECT_THAT(explained(report, "web"), HasSubstr("  lead      another router of this node\n"))
      << "an older agent does not say which";
  follower.set_lead("web/ipv4");
  EXPECT_THAT(explained(report, "web"), HasSubstr("  lead      this router; it is followed by web/ipv6\n"));
  EXPECT_THAT(explained(report, "web"),
              HasSubstr("  lead      web/ipv4: this one is master where that one is\n"));
}

TEST(Explain, AddressesThatAreNotWhereTheyShouldBe) {
  auto report = node_report();
  add_virtual_ip(report, "web", {"10.99.0.100", "10.99.0.101"});
  auto& router = *report.mutable_routers(0);
  router.mutable_addresses(1)->set_present(true);
  EXPECT_THAT(explained(report, "web"), HasSubstr("10.99.0.100 absent, as it should be"));
  EXPECT_THAT(explained(report, "web"), HasSubstr("10.99.0.101 PRESENT, although this node does not own it"));
  make_master(router);
  router.mutable_addresses(0)->set_present(false);
  router.mutable_addresses(0)->set_error("No buffer space available");
  EXPECT_THAT(explained(report, "web"), HasSubstr("10.99.0.100 MISSING: No buffer space available"));
}

TEST(Explain, FamiliesThatDiffer) {
  auto report = node_report();
  add_virtual_ip(report, "web", {"10.99.0.100", "2001:db8::100"});
  make_master(*report.mutable_routers(0));
  expect_golden("explain_families_differ", explained(report, "web"));
}

TEST(Explain, ReleasingWarningsDropsAndASharedRouter) {
  auto report = node_report();
  add_virtual_ip(report, "web", {"10.99.0.100"});
  auto& router = *report.mutable_routers(0);
  router.set_state(wire::STATE_RELEASING);
  router.set_reason(wire::REASON_SHUTDOWN);
  router.clear_detail();
  router.mutable_addresses(0)->set_present(true);
  router.set_warning(wire::REASON_CHECKSUM_FORMS_MIXED);
  router.set_warning_detail("10.0.0.2 sends the other form than 10.0.0.3");
  auto* drop = router.add_drops();
  drop->set_reason(wire::DROP_REASON_TTL);
  drop->set_count(3);
  router.add_drops()->set_reason(wire::DROP_REASON_SHORT);
  router.add_virtual_ips("api");
  const auto text = explained(report, "web");
  EXPECT_THAT(text, HasSubstr("shared with api"));
  EXPECT_THAT(text, HasSubstr("Ttl 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("Short")));
  expect_golden("explain_releasing", text);
}

TEST(Explain, ABadEditOfAServedDefinition) {
  auto report = node_report();
  auto* vip = add_virtual_ip(report, "web", {"10.99.0.100"});
  auto* problem = vip->add_problems();
  problem->set_origin("web.yaml:1");
  problem->set_path("spec.vrrp.priorty");
  problem->set_reason(wire::REASON_UNKNOWN_FIELD);
  problem->set_message("is not in the schema; did you mean priority?");
  expect_golden("explain_bad_edit", explained(report, "web"));
}

TEST(Explain, DoubtsAboutTheWholeNodeComeFirst) {
  auto report = node_report();
  add_virtual_ip(report, "web", {"10.99.0.100"});
  report.set_agent_connected(false);
  report.set_source_readable(false);
  report.set_source_detail("/etc/vipra/definitions: No such file or directory");
  report.set_definitions_age_ns(7 * kSecond);
  expect_golden("explain_doubts", explained(report, "web"));
}

TEST(Explain, AReportWithNothingInItBreaksNothing) {
  v1::NodeReport report;
  report.add_virtual_ips()->set_name("web");
  report.mutable_virtual_ips(0)->add_routers("no-such-router");
  report.add_routers();
  report.add_transitions();
  EXPECT_THAT(explained(report, "web"), HasSubstr("no virtual router"));
  EXPECT_FALSE(explain(report, "", kNow).found);
}

TEST(Explain, HostileTextStaysText) {
  auto report = node_report();
  auto* vip = add_virtual_ip(report, "web", {"10.99.0.100"});
  const std::string hostile = "\x1b[2J\x1b]0;owned\x07\nroot# ";
  report.set_node(hostile);
  report.set_build(hostile);
  vip->add_addresses(hostile);
  auto& router = *report.mutable_routers(0);
  router.set_interface(hostile);
  router.set_detail(hostile);
  router.set_master_address(hostile);
  router.set_warning_detail(hostile);
  router.set_family(hostile);
  router.add_virtual_ips(hostile);
  router.mutable_addresses(0)->set_error(hostile);
  fail_check(report, *vip, hostile);
  router.mutable_contributions(0)->set_detail(hostile);
  vip->mutable_checks(0)->set_detail(hostile);
  vip->mutable_checks(0)->set_kind(hostile);
  add_transition(report, "web/ipv4", wire::STATE_BACKUP, wire::STATE_MASTER, wire::REASON_MASTER_SILENT, kNow,
                 hostile);
  auto* problem = vip->add_problems();
  problem->set_origin(hostile);
  problem->set_path(hostile);
  problem->set_message(hostile);
  const auto text = explained(report, "web");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_THAT(text, Not(HasSubstr("\nroot# ")));
  EXPECT_THAT(explain(report, hostile, kNow).text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace vipra::cli
