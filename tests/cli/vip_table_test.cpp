#include "cli/vip_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/query.hpp"
#include "cli/segment_table.hpp"
#include "tests/cli/golden.hpp"
#include "tests/cli/sample_reports.hpp"

namespace vipra::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t longest_line(const std::string& text) {
  std::istringstream lines{text};
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  return longest;
}

TEST(VipTable, ABusyNode) {
  const auto text = virtual_ip_table(busy_node(), kNow, Headers::kYes);
  expect_golden("get_busy_node", text);
  EXPECT_LE(longest_line(text), 120u);
}

TEST(VipTable, WithoutHeadersOnlyTheRows) {
  expect_golden("get_no_headers", virtual_ip_table(busy_node(), kNow, Headers::kNo));
}

TEST(VipTable, ANodeWithNothing) {
  EXPECT_EQ(virtual_ip_table(node_report(), kNow, Headers::kYes), "This node has no VirtualIP.\n");
  EXPECT_EQ(virtual_ip_table(node_report(), kNow, Headers::kNo), "");
}

TEST(VipTable, FamiliesThatDifferAreBothShown) {
  auto report = node_report();
  add_virtual_ip(report, "web", {"10.99.0.100", "2001:db8::100"});
  make_master(*report.mutable_routers(0));
  report.mutable_routers(1)->set_interface("eth1");
  report.mutable_routers(1)->set_effective_priority(90);
  const auto text = virtual_ip_table(report, kNow, Headers::kNo);
  EXPECT_EQ(text,
            "web  10.99.0.100,2001:db8::100  Master/Backup  100/90  self/fe80::2  eth0/eth1  5m3s  "
            "MasterSilent/LowerPriority\n");
}

TEST(VipTable, AGroupNamesItsLeadAndWhoFollows) {
  auto report = node_report();
  add_virtual_ip(report, "a-outside", {"10.99.0.100", "2001:db8::100"});
  add_virtual_ip(report, "b-inside", {"10.77.0.100", "2001:db8:77::100"});
  make_group(report, "gateway");
  add_virtual_ip(report, "web", {"10.99.0.101", "2001:db8::101"});
  const auto text = virtual_ip_table(report, kNow, Headers::kYes);
  EXPECT_THAT(text, HasSubstr("\nGroups:\n  gateway: a-outside leads, followed by b-inside\n"));

  const auto member = only(report, *find_virtual_ip(report, "b-inside"));
  EXPECT_THAT(virtual_ip_table(member, kNow, Headers::kYes), HasSubstr("a-outside leads"))
      << "known alone too";
  const auto alone = only(report, *find_virtual_ip(report, "web"));
  EXPECT_THAT(virtual_ip_table(alone, kNow, Headers::kYes), Not(HasSubstr("Groups")));
}

TEST(VipTable, ManyAddressesAreCounted) {
  auto report = node_report();
  std::vector<std::string> addresses;
  for (int i = 0; i < 40; ++i) addresses.push_back("10.99.0." + std::to_string(100 + i));
  add_virtual_ip(report, "many", addresses);
  EXPECT_THAT(virtual_ip_table(report, kNow, Headers::kNo), HasSubstr("10.99.0.100,10.99.0.101,+38 "));
}

TEST(VipTable, DoubtsWarningsAndProblemsStandBelow) {
  auto report = node_report();
  auto* vip = add_virtual_ip(report, "web", {"10.99.0.100"});
  report.set_agent_connected(false);
  report.mutable_routers(0)->set_warning(wire::REASON_CHECKSUM_FORMS_MIXED);
  fail_check(report, *vip, "http");
  vip->mutable_checks(0)->set_stale(true);
  vip->add_problems()->set_reason(wire::REASON_PARSE_ERROR);
  expect_golden("get_doubts", virtual_ip_table(report, kNow, Headers::kYes));
}

TEST(VipTable, HostileTextStaysInItsCell) {
  auto report = node_report();
  add_virtual_ip(report, "web\x1b[31m\nroot", {"10.99.0.100\x9b"});
  report.mutable_routers(0)->set_interface("eth\n0");
  report.mutable_routers(0)->set_master_address("\x1b");
  const auto text = virtual_ip_table(report, kNow, Headers::kNo);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(Query, OnlyKeepsWhatBelongsToTheVirtualIp) {
  const auto report = busy_node();
  const auto web = only(report, *find_virtual_ip(report, "web"));
  ASSERT_EQ(web.virtual_ips_size(), 1);
  EXPECT_EQ(web.routers_size(), 2);
  EXPECT_EQ(web.transitions_size(), 4);
  EXPECT_EQ(web.problems_size(), 0);
  EXPECT_EQ(web.node(), "node-a");
  const auto api = only(report, *find_virtual_ip(report, "api"));
  EXPECT_EQ(api.routers_size(), 1);
  EXPECT_EQ(api.transitions_size(), 0);
}

TEST(SegmentTable, ShowsWhoElseIsHeard) {
  auto report = node_report();
  EXPECT_EQ(segment_table(report, kNow, Headers::kYes),
            "This node runs no virtual router, so it listens nowhere.\n");
  auto& v4 = *report.add_segments();
  v4.set_interface("eth0");
  v4.set_family("IPv4");
  auto& v6 = *report.add_segments();
  v6.set_interface("eth0");
  v6.set_family("IPv6");
  EXPECT_EQ(segment_table(report, kNow, Headers::kYes),
            "No other virtual router is heard on eth0 (IPv4), eth0 (IPv6).\n");
  EXPECT_EQ(segment_table(report, kNow, Headers::kNo), "");
  auto& router = *v4.add_foreign_routers();
  router.set_virtual_router_id(77);
  router.set_version(2);
  router.set_source("10.99.0.201");
  router.set_priority(150);
  router.set_interval_ns(1'000'000'000);
  for (const auto* address : {"10.99.0.7", "10.99.0.8", "10.99.0.9\x1b", "10.99.0.10"})
    router.add_addresses(address);
  router.set_address_count(20);
  router.set_packets(4711);
  router.set_last_seen_unix_ns(kNow - 3'000'000'000);
  v4.set_foreign_advertisements_untracked(9);
  EXPECT_EQ(segment_table(report, kNow, Headers::kNo),
            "eth0  IPv4  77  2  10.99.0.201  150  1s  10.99.0.7,10.99.0.8,10.99.0.9\\x1b,+17  4711  3s\n");
  EXPECT_THAT(segment_table(report, kNow, Headers::kYes),
              HasSubstr("eth0 (IPv4): more than the table holds; 9 "));
}

}  // namespace
}  // namespace vipra::cli
