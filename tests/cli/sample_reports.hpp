// Reports as nodes in well-known situations would send them.
#pragma once

#include <string>
#include <vector>

#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

namespace v1 = vipra::report::v1;
namespace wire = vipra::reason::v1;

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kNow = 1'795'316'400 * kSecond;  // 2026-11-22 03:00:00 UTC

[[nodiscard]] inline std::int64_t ago(std::int64_t seconds) {
  return kNow - seconds * kSecond;
}

[[nodiscard]] inline v1::NodeReport node_report() {
  v1::NodeReport report;
  report.set_node("node-a");
  report.set_build("0.1.0");
  report.set_sequence(1);
  report.set_agent_connected(true);
  report.set_definitions_generation(7);
  report.set_applied_generation(7);
  report.set_source_readable(true);
  report.set_speaker_realtime(true);
  return report;
}

// A VirtualIP with one router for each family of its addresses; all in Backup below 10.0.0.2 and fe80::2.
inline v1::VirtualIPReport* add_virtual_ip(v1::NodeReport& report, const std::string& name,
                                           const std::vector<std::string>& addresses) {
  auto* vip = report.add_virtual_ips();
  vip->set_name(name);
  for (const auto& address : addresses) vip->add_addresses(address);
  for (const bool v6 : {false, true}) {
    v1::RouterReport router;
    for (const auto& address : addresses) {
      if ((address.find(':') != std::string::npos) != v6) continue;
      auto* item = router.add_addresses();
      item->set_address(address);
      item->set_virtual_ip(name);
    }
    if (router.addresses_size() == 0) continue;
    router.set_id(name + (v6 ? "/ipv6" : "/ipv4"));
    router.set_family(v6 ? "IPv6" : "IPv4");
    router.set_virtual_router_id(51);
    router.set_state(wire::STATE_BACKUP);
    router.set_reason(wire::REASON_LOWER_PRIORITY);
    router.set_since_unix_ns(ago(303));
    router.set_interface("eth0");
    router.set_base_priority(100);
    router.set_effective_priority(100);
    router.set_master_address(v6 ? "fe80::2" : "10.0.0.2");
    router.set_master_priority(120);
    router.set_detail("priority 100 < 120 of " + router.master_address());
    router.add_virtual_ips(name);
    router.set_interval_ns(kSecond / 10);
    router.set_misses(3);
    vip->add_routers(router.id());
    *report.add_routers() = router;
  }
  return vip;
}

inline void make_master(v1::RouterReport& router) {
  router.set_state(wire::STATE_MASTER);
  router.set_reason(wire::REASON_MASTER_SILENT);
  router.clear_detail();
  router.set_master_address(router.family() == "IPv4" ? "10.0.0.1" : "fe80::1");
  router.set_master_priority(static_cast<std::uint32_t>(router.effective_priority()));
  for (auto& address : *router.mutable_addresses()) address.set_present(true);
}

inline void add_transition(v1::NodeReport& report, const std::string& router, wire::State from,
                           wire::State to, wire::Reason reason, std::int64_t unix_ns,
                           const std::string& detail = "") {
  auto* transition = report.add_transitions();
  transition->set_sequence(static_cast<std::uint64_t>(report.transitions_size()));
  transition->set_router(router);
  transition->set_from(from);
  transition->set_to(to);
  transition->set_reason(reason);
  transition->set_unix_ns(unix_ns);
  transition->set_detail(detail);
}

// An http check of three failures out of three, which costs 50.
inline void fail_check(v1::NodeReport& report, v1::VirtualIPReport& vip, const std::string& check_name) {
  auto* check = vip.add_checks();
  check->set_virtual_ip(vip.name());
  check->set_name(check_name);
  check->set_kind("http");
  check->set_decided(true);
  check->set_passing(false);
  check->set_reason(wire::REASON_CHECK_REFUSED);
  check->set_detail("refused the connection");
  check->set_failures(3);
  check->set_rise(2);
  check->set_fall(3);
  check->set_since_unix_ns(ago(304));
  for (auto& router : *report.mutable_routers()) {
    if (router.virtual_ips(0) != vip.name()) continue;
    auto* part = router.add_contributions();
    part->set_source("check/" + check_name);
    part->set_delta(-50);
    part->set_reason(wire::REASON_CHECK_FAILED);
    part->set_detail("refused the connection; 3 of 3 failed");
    router.set_effective_priority(router.effective_priority() - 50);
  }
}

// The VirtualIPs move together; the first leads with its IPv4 router.
inline void make_group(v1::NodeReport& report, const std::string& group) {
  const auto lead = report.routers(0);
  for (auto& router : *report.mutable_routers()) {
    router.set_group(group);
    if (router.id() == lead.id()) continue;
    router.set_follows(true);
    router.set_lead(lead.id());
    router.set_lead_virtual_ip(lead.virtual_ips(0));
  }
}

// One track of each outcome; the failed one takes 20 off.
inline void add_tracks(v1::RouterReport& router) {
  auto* gateway = router.add_tracks();
  gateway->set_name("gateway");
  gateway->set_kind("gateway");
  gateway->set_decided(true);
  gateway->set_detail("10.99.0.254 answers on eth0");
  auto* route = router.add_tracks();
  route->set_name("default");
  route->set_kind("route");
  auto* uplink = router.add_tracks();
  uplink->set_name("uplink");
  uplink->set_kind("link");
  uplink->set_decided(true);
  uplink->set_failed(true);
  uplink->set_reason(wire::REASON_TRACKED_LINK_DOWN);
  uplink->set_detail("interface eth1 has no carrier");
  auto* part = router.add_contributions();
  part->set_source("track/uplink");
  part->set_delta(-20);
  part->set_reason(uplink->reason());
  part->set_detail(uplink->detail());
  router.set_effective_priority(router.effective_priority() - 20);
}

// What a bare-metal node with something of everything shows.
[[nodiscard]] inline v1::NodeReport busy_node() {
  auto report = node_report();
  auto* web = add_virtual_ip(report, "web", {"10.99.0.100", "2001:db8::100"});
  for (auto& router : *report.mutable_routers()) {
    router.set_base_priority(140);
    router.set_effective_priority(140);
  }
  fail_check(report, *web, "http");
  for (auto& router : *report.mutable_routers()) {
    router.set_detail("priority 90 < 120 of " + router.master_address());
  }
  add_transition(report, "web/ipv4", wire::STATE_BACKUP, wire::STATE_MASTER, wire::REASON_MASTER_SILENT,
                 ago(7200));
  add_transition(report, "web/ipv6", wire::STATE_BACKUP, wire::STATE_MASTER, wire::REASON_LEAD_IS_MASTER,
                 ago(7200) + 1'000'000);
  add_transition(report, "web/ipv4", wire::STATE_MASTER, wire::STATE_RELEASING, wire::REASON_PREEMPTED,
                 ago(303) - 20'000'000, "10.0.0.2 announces priority 120");
  add_transition(report, "web/ipv4", wire::STATE_RELEASING, wire::STATE_BACKUP, wire::REASON_PREEMPTED,
                 ago(303));

  add_virtual_ip(report, "api", {"10.99.0.10"});
  auto& api = *report.mutable_routers(report.routers_size() - 1);
  make_master(api);
  api.set_since_unix_ns(ago(2 * 86'400 + 4 * 3'600));

  add_virtual_ip(report, "db", {"10.99.7.10"});
  auto& db = *report.mutable_routers(report.routers_size() - 1);
  db.set_state(wire::STATE_FAULT);
  db.set_reason(wire::REASON_INTERFACE_DOWN);
  db.set_detail("interface eth1 is down");
  db.set_interface("eth1");
  db.clear_master_address();
  db.clear_master_priority();
  db.set_since_unix_ns(ago(12));

  auto* elsewhere = report.add_virtual_ips();
  elsewhere->set_name("elsewhere");
  elsewhere->add_addresses("10.99.0.50");
  auto* condition = elsewhere->add_conditions();
  condition->set_type("Accepted");
  condition->set_status("False");
  condition->set_reason(wire::REASON_NODE_NOT_SELECTED);
  condition->set_message("the nodeSelector does not select this node");

  auto* problem = report.add_problems();
  problem->set_origin("/etc/vipra/definitions/bad.yaml:2");
  problem->set_path("spec.vrrp.virtualRouterID");
  problem->set_reason(wire::REASON_OUT_OF_RANGE);
  problem->set_message("must be from 1 to 255");
  return report;
}

}  // namespace vipra::cli
