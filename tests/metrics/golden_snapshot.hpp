// One snapshot in which every field says something, for the golden page and for promtool.
#pragma once

#include "metrics/snapshot.hpp"

namespace vipra::test {

inline metrics::Router golden_router() {
  metrics::Router router;
  router.id = "web/ipv4";
  router.virtual_ips = {"web"};
  router.vrid = 51;
  router.interface = "eth0";
  router.state = State::kMaster;
  router.base_priority = 200;
  router.effective_priority = 150;
  router.state_since_unix_seconds = 1'700'000'000.25;
  router.stale_contributions = 1;
  router.warning = Reason::kOneWayMulticast;
  router.advertisements_sent = 1234;
  router.resignations_sent = 3;
  router.advertisements_received = 77;
  router.announcements_sent = 12;
  router.address_restores = 2;
  router.send_errors = 1;
  router.address_list_mismatches = 4;
  router.interval_mismatches = 5;
  router.checksum_form_mixed = 6;
  router.conflicting_claims = 7;
  router.drops = {{DropReason::kChecksum, 8}, {DropReason::kTtl, 9}};
  router.transitions = {{State::kInit, State::kBackup, Reason::kStartup, 1},
                        {State::kBackup, State::kMaster, Reason::kMasterSilent, 1}};
  router.takeovers = {{0.1, 0.4, 1}, {0, 2, 0, 1}, 2.75};
  router.addresses = {{"10.99.0.100", "web", true}, {"10.99.0.101", "web", false}};
  router.tracks = {{"gateway", "gateway", true}, {"uplink", "link", false}};
  return router;
}

inline metrics::Snapshot golden_snapshot() {
  metrics::Snapshot snapshot;
  snapshot.node = "node-a";
  snapshot.routers = {golden_router()};
  auto& second = snapshot.routers.emplace_back();
  second.id = "db/ipv6";
  second.virtual_ips = {"db"};
  second.family = Family::kIpv6;
  second.vrid = 7;
  second.state = State::kBackup;
  second.base_priority = second.effective_priority = 100;
  snapshot.segments = {{"eth0", Family::kIpv4, 3, 250, 5}, {"eth0", Family::kIpv6, 0, 0, 0}};

  auto& speaker = snapshot.speaker.emplace();
  speaker.applied_generation = 4;
  speaker.realtime = true;
  speaker.drops = {{DropReason::kVersion, 2}};
  speaker.lateness = {{0.0001, 0.001, 0.01}, {10, 5, 1, 2}, 0.5};
  speaker.log_lines_dropped = 1;
  speaker.stalls = 2;
  speaker.packets_received = 99;

  auto& supervisor = snapshot.supervisor.emplace();
  supervisor.children = {{"speaker", true, 2, Reason::kKilledBySignal}, {"control", true, 1, Reason::kNone}};
  supervisor.desired_generation = 5;
  supervisor.control_messages_dropped = 3;
  supervisor.resignations_for_speaker = 1;

  auto& check = snapshot.checks.emplace_back();
  check.virtual_ip = "web";
  check.name = "envoy";
  check.kind = "http";
  check.decided = true;
  check.passed = 20;
  check.failed = 3;
  check.discarded = 1;
  check.duration = {{0.001, 0.5}, {21, 1, 1}, 1.25};

  auto& control = snapshot.control;
  control.build = "0.1.0 \"quoted\"\\\n";
  control.agent_connected = true;
  control.agent_connects = 2;
  control.built_generation = 5;
  control.source_readable = true;
  control.definitions_age_seconds = 1.5;
  control.definitions_accepted = 2;
  control.definitions_refused = 1;
  control.definition_errors = 3;
  control.api_readable = {{"nodes", false}, {"virtualips", true}};
  control.api_relists = 4;
  control.log_lines_dropped = 7;
  control.http_connections_refused = 1;
  control.report_watchers_refused = 2;
  control.notifications = {{"fifo", 7, 1}};
  control.resident_bytes = 20'000'000;
  control.start_time_unix_seconds = 1'700'000'000;
  return snapshot;
}

}  // namespace vipra::test
