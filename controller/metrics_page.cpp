#include "controller/metrics_page.hpp"

#include "base/reason.hpp"
#include "metrics/page.hpp"

namespace vipra::controller {

std::string render(const PageFacts& facts) {
  metrics::Page page;
  page.gauge("vipra_controller_build_info", "Always 1.", {{"version", facts.build}}, 1);
  page.gauge("vipra_controller_leading", "Whether this replica holds the Lease and writes.", {},
             facts.leading ? 1 : 0);
  for (const auto& object : facts.cluster.objects) {
    const metrics::Labels labels{{"virtual_ip", object.name}};
    if (!object.owner.empty()) {
      page.gauge("vipra_cluster_virtual_ip_owner", "The node that owns the addresses of all families.",
                 {{"virtual_ip", object.name}, {"node", object.owner}}, 1);
    }
    page.gauge("vipra_cluster_virtual_ip_owners", "Nodes that say they are master.", labels, object.owners);
    page.gauge("vipra_cluster_virtual_ip_no_owner", "No owner for longer than an election takes.", labels,
               object.no_owner ? 1 : 0);
    page.gauge("vipra_cluster_virtual_ip_two_owners", "Two owners for longer than an election takes.", labels,
               object.two_owners ? 1 : 0);
    page.gauge("vipra_cluster_virtual_ip_ready", "The condition Ready.", labels, object.ready ? 1 : 0);
    page.counter("vipra_cluster_virtual_ip_owner_changes_total", "How often the owner changed.", labels,
                 object.owner_changes);
  }
  page.gauge("vipra_cluster_nodes_reporting", "Nodes that report.", {}, facts.cluster.nodes_reporting);
  page.gauge("vipra_cluster_nodes_silent", "Nodes that no longer report.", {}, facts.cluster.nodes_silent);
  page.counter("vipra_controller_reports_total", "Reports taken.", {}, facts.reports.reports);
  page.gauge("vipra_controller_report_streams", "Open streams.", {},
             static_cast<double>(facts.reports.streams));
  for (const auto& [reason, count] : facts.reports.refused) {
    page.counter("vipra_controller_report_streams_refused_total", "Streams refused or ended, by reason.",
                 {{"reason", std::string{to_string(reason)}}}, count);
  }
  const auto writes = [&page](const char* result, std::uint64_t count) {
    page.counter("vipra_controller_status_writes_total", "Writes of a status, by result.",
                 {{"result", result}}, count);
  };
  writes("written", facts.writes.written);
  writes("conflict", facts.writes.conflicts);
  writes("failed", facts.writes.failed);
  writes("held_back", facts.writes.held_back);
  page.counter("vipra_controller_events_total", "Events written.", {}, facts.writes.events);
  page.counter("vipra_controller_events_dropped_total", "Events that could not be written, or were too many.",
               {}, facts.writes.events_failed + facts.cluster.events_suppressed);
  for (const auto& [resource, readable] : facts.api_readable) {
    page.gauge("vipra_controller_api_readable", "1 while the resource can be read from the API server.",
               {{"resource", resource}}, readable ? 1 : 0);
  }
  page.counter("vipra_controller_relists_total", "Full reads of a resource of the API server.", {},
               facts.relists);
  page.gauge("vipra_controller_certificate_expiry_timestamp_seconds",
             "When the serving certificate runs out; 0 before there is one.", {},
             static_cast<double>(facts.certificate_not_after_unix));
  return page.serialize();
}

}  // namespace vipra::controller
