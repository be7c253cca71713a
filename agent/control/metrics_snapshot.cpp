#include "agent/control/metrics_snapshot.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "base/ip_address.hpp"
#include "channel/convert.hpp"
#include "channel/lateness.hpp"

namespace vipra::control {
namespace {

namespace wire = channel::v1;

double seconds(Duration duration) {
  return std::chrono::duration<double>{duration}.count();
}
double unix_seconds(std::int64_t unix_ns) {
  return static_cast<double>(unix_ns) / 1e9;
}

metrics::DropCount drop_count(const wire::DropCount& drop) {
  return {channel::from_proto(drop.reason()), drop.count()};
}

void fill_counters(const wire::RouterCounters& counters, metrics::Router& router) {
  router.advertisements_sent = counters.advertisements_sent();
  router.resignations_sent = counters.resignations_sent();
  router.advertisements_received = counters.advertisements_received();
  router.announcements_sent = counters.announcements_sent();
  router.address_restores = counters.address_restores();
  router.send_errors = counters.send_errors();
  router.address_list_mismatches = counters.address_list_mismatches();
  router.interval_mismatches = counters.interval_mismatches();
  router.checksum_form_mixed = counters.checksum_form_mixed();
  router.conflicting_claims = counters.conflicting_claims();
  for (const auto bound : channel::kTakeoverBounds) router.takeovers.bounds_seconds.push_back(seconds(bound));
  router.takeovers.counts.assign(counters.takeover_buckets().begin(), counters.takeover_buckets().end());
  router.takeovers.counts.resize(channel::kTakeoverBuckets);
  router.takeovers.sum_seconds = static_cast<double>(counters.takeover_sum_ns()) / 1e9;
  for (const auto& drop : counters.drops()) router.drops.push_back(drop_count(drop));
  for (const auto& transition : counters.transitions()) {
    router.transitions.push_back({channel::from_proto(transition.from()),
                                  channel::from_proto(transition.to()),
                                  channel::from_proto(transition.reason()), transition.count()});
  }
}

void fill_addresses(const wire::RouterSnapshot& snapshot, metrics::Router& router) {
  std::set<std::string> names;
  for (const auto& address : snapshot.addresses()) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(address.ip().data());
    const auto ip = IpAddress::from_bytes({data, address.ip().size()});
    if (!ip) continue;
    router.addresses.push_back({ip->to_string(), address.virtual_ip(), address.present()});
    if (!address.virtual_ip().empty()) names.insert(address.virtual_ip());
  }
  router.virtual_ips.assign(names.begin(), names.end());
}

metrics::Router router_of(const wire::RouterSnapshot& snapshot, bool fresh) {
  metrics::Router router;
  router.id = snapshot.router();
  router.family = snapshot.family() == 6 ? Family::kIpv6 : Family::kIpv4;
  router.vrid = snapshot.vrid();
  router.interface = snapshot.interface();
  router.state = channel::from_proto(snapshot.state());
  router.base_priority = snapshot.base_priority();
  router.effective_priority = snapshot.effective_priority();
  router.fresh = fresh;
  router.state_since_unix_seconds = unix_seconds(snapshot.since_unix_ns());
  const auto& parts = snapshot.contributions();
  router.stale_contributions = static_cast<std::size_t>(
      std::count_if(parts.begin(), parts.end(), [](const auto& part) { return part.stale(); }));
  router.warning = channel::from_proto(snapshot.warning());
  for (const auto& track : snapshot.tracks())
    router.tracks.push_back({track.name(), track.kind(), !track.failed()});
  fill_counters(snapshot.counters(), router);
  fill_addresses(snapshot, router);
  return router;
}

metrics::Speaker speaker_of(const wire::SpeakerStatus& status) {
  metrics::Speaker speaker;
  speaker.applied_generation = status.applied_generation();
  speaker.realtime = status.realtime();
  speaker.memory_locked = status.memory_locked();
  for (const auto& drop : status.drops()) speaker.drops.push_back(drop_count(drop));
  for (const auto bound : channel::kLatenessBounds) speaker.lateness.bounds_seconds.push_back(seconds(bound));
  speaker.lateness.counts.assign(status.lateness_buckets().begin(), status.lateness_buckets().end());
  speaker.lateness.counts.resize(channel::kLatenessBuckets);
  speaker.lateness.sum_seconds = static_cast<double>(status.lateness_sum_ns()) / 1e9;
  speaker.log_lines_dropped = status.log_lines_dropped();
  speaker.stalls = status.stalls();
  speaker.packets_received = status.packets_received();
  return speaker;
}

metrics::Supervisor supervisor_of(const wire::SupervisorStatus& status) {
  metrics::Supervisor supervisor;
  for (const auto& child : status.children()) {
    supervisor.children.push_back(
        {child.name(), child.pid() > 0, child.starts(), channel::from_proto(child.last_exit_reason())});
  }
  supervisor.desired_generation = status.desired_generation();
  supervisor.control_messages_dropped = status.control_messages_dropped();
  supervisor.log_lines_dropped = status.log_lines_dropped();
  supervisor.resignations_for_speaker = status.resignations_for_speaker();
  return supervisor;
}

metrics::Check check_of(const checks::CheckState& state) {
  metrics::Check check;
  check.virtual_ip = state.virtual_ip;
  check.name = state.name;
  check.kind = std::string{state.kind};
  check.decided = state.decided;
  check.passing = state.passing;
  check.passed = state.runs.passed;
  check.failed = state.runs.failed;
  check.discarded = state.runs.discarded;
  for (const auto bound : checks::kDurationBounds) check.duration.bounds_seconds.push_back(seconds(bound));
  check.duration.counts.assign(state.runs.buckets.begin(), state.runs.buckets.end());
  check.duration.sum_seconds = seconds(state.runs.duration_sum);
  return check;
}

// Objects with mistakes, and files or documents in which no object could be found.
std::size_t refused_count(const definitions::DefinitionStore& definitions) {
  std::set<std::string> places;
  for (const auto& problem : definitions.problems()) places.insert(problem.origin);
  return places.size();
}

}  // namespace

metrics::Snapshot metrics_snapshot(const Facts& facts) {
  metrics::Snapshot snapshot;
  snapshot.node = facts.node;
  for (const auto& [id, router] : facts.agent.routers()) {
    snapshot.routers.push_back(router_of(router, facts.agent_connected));
  }
  for (const auto& [key, segment] : facts.agent.segments()) {
    snapshot.segments.push_back({segment.interface(), segment.family() == 6 ? Family::kIpv6 : Family::kIpv4,
                                 static_cast<std::size_t>(segment.foreign_routers_size()),
                                 segment.foreign_packets(), segment.foreign_packets_untracked()});
  }
  if (const auto& status = facts.agent.speaker()) snapshot.speaker = speaker_of(*status);
  if (const auto& status = facts.agent.supervisor()) snapshot.supervisor = supervisor_of(*status);
  for (const auto& check : facts.checks) snapshot.checks.push_back(check_of(check));
  auto& control = snapshot.control;
  control.build = facts.build;
  control.agent_connected = facts.agent_connected;
  control.built_generation = facts.plan.state.generation;
  control.source_readable = facts.source.readable;
  if (facts.definitions_age) control.definitions_age_seconds = seconds(*facts.definitions_age);
  control.definitions_accepted = facts.definitions.specs().size();
  control.definitions_refused = refused_count(facts.definitions);
  control.definition_errors = facts.definitions.problems().size();
  return snapshot;
}

}  // namespace vipra::control
