#include "metrics/families.hpp"

#include <utility>
#include <vector>

#include "metrics/page.hpp"

namespace vipra::metrics {
namespace {

Labels with(Labels labels, std::initializer_list<Labels::value_type> more) {
  labels.insert(labels.end(), more);
  return labels;
}

std::string text(std::string_view view) {
  return std::string{view};
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ",") + name;
  return out;
}

Labels labels_of(const Router& router) {
  return {{"virtual_ip", joined(router.virtual_ips)},
          {"router", router.id},
          {"family", text(to_string(router.family))},
          {"vrid", std::to_string(router.vrid)}};
}

void add_state(Page& page, const Router& router) {
  const auto labels = labels_of(router);
  const State shown = router.fresh ? router.state : State::kUnknown;
  for (const State state : kAllStateValues) {
    page.gauge("vipra_router_state", "State of a virtual router: 1 for the state it is in, 0 for the others.",
               with(labels, {{"interface", router.interface}, {"state", text(to_string(state))}}),
               state == shown ? 1 : 0);
  }
  page.gauge("vipra_router_is_master", "1 while this node is the master of the virtual router.", labels,
             shown == State::kMaster ? 1 : 0);
  page.gauge("vipra_router_state_since_timestamp_seconds", "When the virtual router last changed its state.",
             labels, router.state_since_unix_seconds);
  page.gauge("vipra_router_priority", "Priority in the election, checks included.", labels,
             router.effective_priority);
  page.gauge("vipra_router_base_priority", "Priority as defined for this node, before checks.", labels,
             router.base_priority);
  page.gauge("vipra_router_stale_contributions",
             "Contributions to the priority that are kept although nobody renews them.", labels,
             static_cast<double>(router.stale_contributions));
  if (router.warning != Reason::kNone) {
    page.gauge("vipra_router_warning",
               "What wants attention though the router elects; the value is always 1.",
               with(labels, {{"reason", text(to_string(router.warning))}}), 1);
  }
  for (const auto& transition : router.transitions) {
    page.counter("vipra_router_transitions_total", "Changes of state.",
                 with(labels, {{"from", text(to_string(transition.from))},
                               {"to", text(to_string(transition.to))},
                               {"reason", text(to_string(transition.reason))}}),
                 transition.count);
  }
  page.histogram("vipra_takeover_duration_seconds",
                 "How long after the last advertisement of the former master this node became Master.",
                 labels, router.takeovers);
}

void add_traffic(Page& page, const Router& router) {
  const auto labels = labels_of(router);
  page.counter("vipra_advertisements_sent_total", "Advertisements sent, resignations included.", labels,
               router.advertisements_sent);
  page.counter("vipra_resignations_sent_total", "Advertisements sent with priority 0.", labels,
               router.resignations_sent);
  page.counter("vipra_advertisements_received_total", "Advertisements received and accepted.", labels,
               router.advertisements_received);
  for (const auto& drop : router.drops) {
    page.counter("vipra_advertisements_dropped_total",
                 "Advertisements for this virtual router that were not used.",
                 with(labels, {{"reason", text(to_string(drop.reason))}}), drop.count);
  }
  page.counter("vipra_announcements_sent_total",
               "Gratuitous ARP and unsolicited neighbour advertisements sent.", labels,
               router.announcements_sent);
  page.counter("vipra_send_errors_total", "Packets that the kernel did not take.", labels,
               router.send_errors);
  page.counter("vipra_address_list_mismatches_total", "Advertisements that name other addresses than ours.",
               labels, router.address_list_mismatches);
  page.counter("vipra_interval_mismatches_total", "Advertisements with another interval than ours.", labels,
               router.interval_mismatches);
  page.counter("vipra_checksum_form_changes_total",
               "Advertisements with the other IPv4 checksum form than the last.", labels,
               router.checksum_form_mixed);
  page.counter("vipra_conflicting_claims_total",
               "Times that a host which is no peer said that it has an address of ours.", labels,
               router.conflicting_claims);
}

void add_segment(Page& page, const Segment& segment) {
  const Labels labels{{"interface", segment.interface}, {"family", text(to_string(segment.family))}};
  page.gauge("vipra_foreign_virtual_routers",
             "Virtual routers of others that are heard now, with VRIDs that this node does not run there.",
             labels, static_cast<double>(segment.foreign_routers));
  page.counter("vipra_foreign_advertisements_total", "Advertisements of virtual routers of others.", labels,
               segment.foreign_advertisements);
  page.counter("vipra_foreign_advertisements_untracked_total",
               "Those among them whose sender found no room in the table.", labels,
               segment.foreign_advertisements_untracked);
}

void add_addresses(Page& page, const Router& router) {
  page.counter("vipra_address_restores_total", "Addresses that somebody removed and that were put back.",
               labels_of(router), router.address_restores);
  for (const auto& address : router.addresses) {
    page.gauge("vipra_address_present", "1 while the address is on this node, put there by Vipra.",
               {{"virtual_ip", address.virtual_ip}, {"router", router.id}, {"address", address.address}},
               address.present ? 1 : 0);
  }
}

void add_tracks(Page& page, const Router& router) {
  for (const auto& track : router.tracks) {
    page.gauge("vipra_track_ok", "0 while a link, gateway or route that spec.vrrp.track names has failed.",
               {{"virtual_ip", joined(router.virtual_ips)},
                {"router", router.id},
                {"track", track.name},
                {"kind", track.kind}},
               track.ok ? 1 : 0);
  }
}

void add_check(Page& page, const Check& check) {
  const Labels labels{{"virtual_ip", check.virtual_ip}, {"check", check.name}, {"kind", check.kind}};
  page.gauge("vipra_check_passing", "Verdict on a check: 1 passing, 0 failing or not decided yet.", labels,
             check.decided && check.passing ? 1 : 0);
  page.gauge("vipra_check_decided", "1 once a check has a verdict.", labels, check.decided ? 1 : 0);
  const std::pair<const char*, std::uint64_t> results[] = {
      {"passed", check.passed}, {"failed", check.failed}, {"discarded", check.discarded}};
  for (const auto& [result, count] : results) {
    page.counter("vipra_check_runs_total", "Runs of a check; a discarded run says nothing about the service.",
                 with(labels, {{"result", result}}), count);
  }
  page.histogram("vipra_check_duration_seconds", "How long the runs of a check took.", labels,
                 check.duration);
}

void add_speaker(Page& page, const Speaker& speaker) {
  page.gauge("vipra_speaker_realtime", "1 while the speaker runs with real-time scheduling.", {},
             speaker.realtime ? 1 : 0);
  page.gauge("vipra_speaker_memory_locked", "1 while the memory of the speaker is locked.", {},
             speaker.memory_locked ? 1 : 0);
  page.counter("vipra_packets_received_total", "Packets read from the VRRP sockets.", {},
               speaker.packets_received);
  for (const auto& drop : speaker.drops) {
    page.counter("vipra_packets_dropped_total",
                 "Packets that were refused before a virtual router was found.",
                 {{"reason", text(to_string(drop.reason))}}, drop.count);
  }
  page.histogram("vipra_deadline_lateness_seconds", "How late the speaker woke up for its deadlines.", {},
                 speaker.lateness);
  page.counter("vipra_speaker_stalls_total", "Times that the speaker found that it had stood still.", {},
               speaker.stalls);
}

void add_supervisor(Page& page, const Supervisor& supervisor) {
  for (const auto& child : supervisor.children) {
    page.gauge("vipra_child_running", "1 while a child process of the agent runs.", {{"child", child.name}},
               child.running ? 1 : 0);
    page.counter("vipra_child_starts_total", "Starts of a child process, the first one included.",
                 {{"child", child.name}}, child.starts);
    if (child.last_exit_reason != Reason::kNone) {
      page.gauge("vipra_child_last_exit", "Why a child process ended the last time; the value is always 1.",
                 {{"child", child.name}, {"reason", text(to_string(child.last_exit_reason))}}, 1);
    }
  }
  page.counter("vipra_resignations_for_speaker_total",
               "Resignations that the supervisor sent for a dead speaker.", {},
               supervisor.resignations_for_speaker);
  page.counter("vipra_agent_messages_dropped_total",
               "Messages of the agent that vipra-control did not read in time.", {},
               supervisor.control_messages_dropped);
}

void add_definitions(Page& page, const Snapshot& snapshot) {
  constexpr const char* kGeneration = "vipra_definitions_generation";
  constexpr const char* kGenerationHelp =
      "Generation of the desired state: built, kept by the agent, applied.";
  const auto& control = snapshot.control;
  const auto generation = [&](const char* stage, std::uint64_t value) {
    page.gauge(kGeneration, kGenerationHelp, {{"stage", stage}}, static_cast<double>(value));
  };
  generation("built", control.built_generation);
  if (snapshot.supervisor) generation("kept", snapshot.supervisor->desired_generation);
  if (snapshot.speaker) generation("applied", snapshot.speaker->applied_generation);
  if (control.definitions_age_seconds) {
    page.gauge("vipra_definitions_age_seconds", "Time since the source of definitions was last read in full.",
               {}, *control.definitions_age_seconds);
  }
  page.gauge("vipra_definitions_source_readable", "1 while the source of definitions can be read.", {},
             control.source_readable ? 1 : 0);
  page.gauge("vipra_definitions", "Objects and files by what became of them.", {{"result", "accepted"}},
             static_cast<double>(control.definitions_accepted));
  page.gauge("vipra_definitions", "", {{"result", "refused"}},
             static_cast<double>(control.definitions_refused));
  page.gauge("vipra_definition_errors", "Mistakes found in the definitions that are refused now.", {},
             static_cast<double>(control.definition_errors));
}

void add_api(Page& page, const Snapshot& snapshot) {
  const auto& control = snapshot.control;
  if (control.api_readable.empty()) return;
  for (const auto& [resource, readable] : control.api_readable) {
    page.gauge("vipra_api_readable", "1 while the resource can be read from the API server.",
               {{"resource", resource}}, readable ? 1 : 0);
  }
  page.counter("vipra_api_relists_total", "Full reads of resources of the API server, the first of each too.",
               {}, control.api_relists);
}

void add_control(Page& page, const Snapshot& snapshot) {
  const auto& control = snapshot.control;
  page.gauge("vipra_build_info", "Version of vipra-control and name of the node; the value is always 1.",
             {{"version", control.build}, {"node", snapshot.node}}, 1);
  page.gauge("vipra_agent_connected", "1 while vipra-control is connected to the agent.", {},
             control.agent_connected ? 1 : 0);
  page.counter("vipra_agent_connects_total", "Connections that vipra-control made to the agent.", {},
               control.agent_connects);
  constexpr const char* kLines = "vipra_log_lines_dropped_total";
  constexpr const char* kLinesHelp = "Log lines that were dropped because nobody read them in time.";
  page.counter(kLines, kLinesHelp, {{"process", "control"}}, control.log_lines_dropped);
  if (snapshot.supervisor) {
    page.counter(kLines, kLinesHelp, {{"process", "supervisor"}}, snapshot.supervisor->log_lines_dropped);
  }
  if (snapshot.speaker)
    page.counter(kLines, kLinesHelp, {{"process", "speaker"}}, snapshot.speaker->log_lines_dropped);
  for (const auto& counts : control.notifications) {
    constexpr const char* kNotifications = "vipra_notifications_total";
    constexpr const char* kHelp =
        "Transitions told to a FIFO, a socket or a hook; dropped: nobody took it in time, or could.";
    page.counter(kNotifications, kHelp, {{"sink", counts.sink}, {"outcome", "told"}}, counts.told);
    page.counter(kNotifications, kHelp, {{"sink", counts.sink}, {"outcome", "dropped"}}, counts.dropped);
  }
  page.counter("vipra_http_connections_refused_total", "HTTP connections beyond the limit.", {},
               control.http_connections_refused);
  page.counter("vipra_report_watchers_refused_total", "Watchers of the local report beyond the limit.", {},
               control.report_watchers_refused);
  page.gauge("process_resident_memory_bytes", "Resident memory of vipra-control.", {},
             static_cast<double>(control.resident_bytes));
  page.gauge("process_start_time_seconds", "When vipra-control was started.", {},
             control.start_time_unix_seconds);
}

}  // namespace

std::string render(const Snapshot& snapshot) {
  Page page;
  add_control(page, snapshot);
  add_definitions(page, snapshot);
  add_api(page, snapshot);
  for (const auto& router : snapshot.routers) {
    add_state(page, router);
    add_traffic(page, router);
    add_addresses(page, router);
    add_tracks(page, router);
  }
  for (const auto& segment : snapshot.segments) add_segment(page, segment);
  for (const auto& check : snapshot.checks) add_check(page, check);
  if (snapshot.speaker) add_speaker(page, *snapshot.speaker);
  if (snapshot.supervisor) add_supervisor(page, *snapshot.supervisor);
  return page.serialize();
}

}  // namespace vipra::metrics
