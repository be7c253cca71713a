#include "agent/control/build_report.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "agent/control/conditions.hpp"
#include "base/ip_address.hpp"
#include "channel/convert.hpp"

namespace vipra::control {
namespace {

namespace out = report::v1;
namespace wire = channel::v1;

std::string address_text(const std::string& bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto address = IpAddress::from_bytes({data, bytes.size()});
  return address ? address->to_string() : "";
}

// Sorted, each once.
std::vector<std::string> virtual_ips_of(const plan::VirtualRouter& router) {
  std::set<std::string> names;
  for (const auto& address : router.addresses) names.insert(address.virtual_ip);
  return {names.begin(), names.end()};
}

using PlannedRouters = std::map<std::string_view, const plan::VirtualRouter*>;

// Whom this router goes with. By the plan, which has it for a router that nobody has told of yet, too.
void fill_lead(const PlannedRouters& planned, const plan::VirtualRouter& router, out::RouterReport& report) {
  report.set_group(router.group);
  report.set_follows(router.lead.has_value());
  if (!router.lead) return;
  report.set_lead(*router.lead);
  const auto lead = planned.find(*router.lead);
  if (lead == planned.end()) return;
  const auto names = virtual_ips_of(*lead->second);
  if (!names.empty()) report.set_lead_virtual_ip(names.front());
}

void fill_traffic(const wire::RouterSnapshot& snapshot, out::RouterReport& report) {
  const auto& counters = snapshot.counters();
  report.set_advertisements_sent(counters.advertisements_sent());
  report.set_advertisements_received(counters.advertisements_received());
  for (const auto& drop : counters.drops()) {
    auto& item = *report.add_drops();
    item.set_reason(drop.reason());
    item.set_count(drop.count());
  }
}

void fill_election(const wire::RouterSnapshot& snapshot, out::RouterReport& report) {
  report.set_state(snapshot.state());
  report.set_reason(snapshot.reason());
  report.set_detail(snapshot.detail());
  report.set_since_unix_ns(snapshot.since_unix_ns());
  report.set_interface(snapshot.interface());
  report.set_base_priority(snapshot.base_priority());
  report.set_effective_priority(snapshot.effective_priority());
  report.set_master_address(address_text(snapshot.master_address()));
  report.set_master_priority(snapshot.master_priority());
  report.set_warning(snapshot.warning());
  report.set_warning_detail(snapshot.warning_detail());
  report.set_interval_ns(snapshot.interval_ns());
  report.set_misses(snapshot.misses());
  for (const auto& contribution : snapshot.contributions()) {
    auto& item = *report.add_contributions();
    item.set_source(contribution.source());
    item.set_delta(contribution.delta());
    item.set_fault(contribution.fault());
    item.set_reason(contribution.reason());
    item.set_detail(contribution.detail());
    item.set_stale(contribution.stale());
  }
}

void fill_tracks(const wire::RouterSnapshot& snapshot, out::RouterReport& report) {
  for (const auto& track : snapshot.tracks()) {
    auto& item = *report.add_tracks();
    item.set_name(track.name());
    item.set_kind(track.kind());
    item.set_decided(track.decided());
    item.set_failed(track.failed());
    item.set_reason(track.reason());
    item.set_detail(track.detail());
  }
}

// `planned` is null for a router that is on its way out.
out::RouterReport from_snapshot(const wire::RouterSnapshot& snapshot, const plan::VirtualRouter* planned) {
  out::RouterReport report;
  report.set_id(snapshot.router());
  report.set_family(std::string{to_string(snapshot.family() == 6 ? Family::kIpv6 : Family::kIpv4)});
  report.set_virtual_router_id(snapshot.vrid());
  fill_election(snapshot, report);
  fill_traffic(snapshot, report);
  fill_tracks(snapshot, report);
  std::set<std::string> names;
  for (const auto& address : snapshot.addresses()) {
    auto& item = *report.add_addresses();
    item.set_address(address_text(address.ip()));
    item.set_virtual_ip(address.virtual_ip());
    item.set_present(address.present());
    item.set_error(address.error());
    if (!address.virtual_ip().empty()) names.insert(address.virtual_ip());
  }
  if (planned != nullptr) {
    const auto planned_names = virtual_ips_of(*planned);
    names = {planned_names.begin(), planned_names.end()};
  }
  for (const auto& name : names) report.add_virtual_ips(name);
  return report;
}

// A router that the agent shall run and has not told of yet.
out::RouterReport from_plan(const plan::VirtualRouter& router) {
  out::RouterReport report;
  report.set_id(router.id);
  report.set_family(std::string{to_string(router.family)});
  report.set_virtual_router_id(router.vrid.value());
  report.set_state(reason::v1::STATE_UNKNOWN);
  report.set_detail("the agent has not reported it yet");
  report.set_base_priority(router.base_priority);
  report.set_effective_priority(router.base_priority);
  report.set_interval_ns(router.interval.count());
  report.set_misses(static_cast<std::uint32_t>(router.misses));
  for (const auto& address : router.addresses) {
    auto& item = *report.add_addresses();
    item.set_address(address.ip.to_string());
    item.set_virtual_ip(address.virtual_ip);
  }
  for (const auto& name : virtual_ips_of(router)) report.add_virtual_ips(name);
  return report;
}

void add_routers(const Facts& facts, out::NodeReport& report) {
  PlannedRouters planned;
  for (const auto& router : facts.plan.state.routers) planned.emplace(router.id, &router);
  for (const auto& [id, snapshot] : facts.agent.routers()) {
    const auto found = planned.find(id);
    const auto* router = found == planned.end() ? nullptr : found->second;
    auto& item = *report.add_routers() = from_snapshot(snapshot, router);
    if (router != nullptr) fill_lead(planned, *router, item);
  }
  for (const auto& [id, router] : planned) {
    if (facts.agent.routers().contains(std::string{id})) continue;
    auto& item = *report.add_routers() = from_plan(*router);
    fill_lead(planned, *router, item);
  }
}

std::string family_text(std::uint32_t family) {
  return std::string{to_string(family == 6 ? Family::kIpv6 : Family::kIpv4)};
}

void add_segments(const Facts& facts, out::NodeReport& report) {
  for (const auto& [key, segment] : facts.agent.segments()) {
    auto& item = *report.add_segments();
    item.set_interface(segment.interface());
    item.set_family(family_text(segment.family()));
    item.set_foreign_advertisements(segment.foreign_packets());
    item.set_foreign_advertisements_untracked(segment.foreign_packets_untracked());
    for (const auto& foreign : segment.foreign_routers()) {
      auto& router = *item.add_foreign_routers();
      router.set_virtual_router_id(foreign.vrid());
      router.set_version(foreign.version());
      router.set_source(address_text(foreign.source()));
      router.set_priority(foreign.priority());
      router.set_interval_ns(foreign.interval_ns());
      for (const auto& address : foreign.addresses()) router.add_addresses(address_text(address));
      router.set_address_count(foreign.address_count());
      router.set_packets(foreign.packets());
      router.set_first_seen_unix_ns(foreign.first_seen_unix_ns());
      router.set_last_seen_unix_ns(foreign.last_seen_unix_ns());
    }
    auto& routers = *item.mutable_foreign_routers();
    std::sort(routers.begin(), routers.end(), [](const auto& a, const auto& b) {
      return std::pair{a.virtual_router_id(), a.source()} < std::pair{b.virtual_router_id(), b.source()};
    });
  }
}

void add_problem(out::DefinitionProblem& item, const std::string& origin, const std::string& path,
                 Reason reason, const std::string& message) {
  item.set_origin(origin);
  item.set_path(path);
  item.set_reason(channel::to_proto(reason));
  item.set_message(message);
}

using RoutersByName = std::multimap<std::string_view, const out::RouterReport*>;

bool is_stale(const out::RouterReport& router, const std::string& source) {
  return std::any_of(router.contributions().begin(), router.contributions().end(),
                     [&](const auto& part) { return part.stale() && part.source() == source; });
}

void add_checks(const Facts& facts, const std::vector<const out::RouterReport*>& routers,
                out::VirtualIPReport& report) {
  const auto before = [](const checks::CheckState& check, const std::string& name) {
    return check.virtual_ip < name;
  };
  const auto& all = facts.checks;
  for (auto at = std::lower_bound(all.begin(), all.end(), report.name(), before);
       at != all.end() && at->virtual_ip == report.name(); ++at) {
    auto& item = *report.add_checks();
    item.set_virtual_ip(at->virtual_ip);
    item.set_name(at->name);
    item.set_kind(std::string{at->kind});
    item.set_passing(at->passing);
    item.set_decided(at->decided);
    item.set_reason(channel::to_proto(at->reason));
    item.set_detail(at->detail);
    item.set_successes(static_cast<std::uint32_t>(at->successes));
    item.set_failures(static_cast<std::uint32_t>(at->failures));
    item.set_rise(static_cast<std::uint32_t>(at->rise));
    item.set_fall(static_cast<std::uint32_t>(at->fall));
    item.set_since_unix_ns(at->since_unix_ns);
    const auto source = checks::contribution_source(at->name);
    item.set_stale(
        std::any_of(routers.begin(), routers.end(), [&](const auto* r) { return is_stale(*r, source); }));
  }
}

const definitions::VirtualIpSpec* spec_of(const Facts& facts, const std::string& name) {
  const auto& specs = facts.definitions.specs();
  const auto found =
      std::lower_bound(specs.begin(), specs.end(), name,
                       [](const auto& spec, const std::string& wanted) { return spec.name < wanted; });
  return found != specs.end() && found->name == name ? &*found : nullptr;
}

out::VirtualIPReport virtual_ip_report(const Facts& facts, const definitions::ObjectStatus& object,
                                       const RoutersByName& by_name) {
  out::VirtualIPReport report;
  report.set_name(object.name);
  report.set_object_generation(object.object_generation);
  if (const auto* spec = spec_of(facts, object.name)) {
    for (const auto& address : spec->addresses) report.add_addresses(address.to_string());
  }
  std::vector<const out::RouterReport*> routers;
  const auto [first, last] = by_name.equal_range(object.name);
  for (auto at = first; at != last; ++at) {
    routers.push_back(at->second);
    report.add_routers(at->second->id());
  }
  for (const auto& error : object.errors) {
    add_problem(*report.add_problems(), object.origin, error.path, error.reason, error.message);
  }
  add_checks(facts, routers, report);
  for (auto& condition : conditions_of(facts, object, routers))
    *report.add_conditions() = std::move(condition);
  return report;
}

void add_virtual_ips(const Facts& facts, const out::NodeReport* before, std::int64_t now,
                     out::NodeReport& report) {
  RoutersByName by_name;
  for (const auto& router : report.routers()) {
    for (const auto& name : router.virtual_ips()) by_name.emplace(name, &router);
  }
  std::map<std::string_view, const out::VirtualIPReport*> old;
  if (before != nullptr) {
    for (const auto& virtual_ip : before->virtual_ips()) old.emplace(virtual_ip.name(), &virtual_ip);
  }
  for (const auto& object : facts.definitions.objects()) {
    auto& item = *report.add_virtual_ips();
    item = virtual_ip_report(facts, object, by_name);
    const auto found = old.find(object.name);
    date_conditions(item, found == old.end() ? nullptr : found->second, now);
  }
}

// Those that no object of the report shows.
void add_problems(const Facts& facts, out::NodeReport& report) {
  std::set<std::string_view> shown;
  for (const auto& object : facts.definitions.objects()) shown.insert(object.name);
  for (const auto& problem : facts.definitions.problems()) {
    if (!problem.object.empty() && shown.contains(problem.object)) continue;
    add_problem(*report.add_problems(), problem.origin, problem.path, problem.reason, problem.message);
  }
}

}  // namespace

out::NodeReport build_report(const Facts& facts, const out::NodeReport* before, std::int64_t now_unix_ns) {
  out::NodeReport report;
  report.set_node(facts.node);
  report.set_build(facts.build);
  report.set_sequence(before == nullptr ? 1 : before->sequence() + 1);
  report.set_agent_connected(facts.agent_connected);
  report.set_definitions_generation(facts.plan.state.generation);
  if (const auto& speaker = facts.agent.speaker()) {
    report.set_applied_generation(speaker->applied_generation());
    report.set_speaker_realtime(speaker->realtime());
  }
  report.set_source_readable(facts.source.readable);
  report.set_source_detail(facts.source.message);
  if (facts.maintenance != nullptr) {
    report.set_maintenance(true);
    report.set_maintenance_until_unix_ns(facts.maintenance->until_unix_ns);
  }
  if (facts.definitions_age) report.set_definitions_age_ns(facts.definitions_age->count());
  add_routers(facts, report);
  add_virtual_ips(facts, before, now_unix_ns, report);
  add_problems(facts, report);
  add_segments(facts, report);
  for (const auto& transition : facts.agent.transitions()) {
    auto& item = *report.add_transitions();
    item.set_sequence(transition.sequence());
    item.set_router(transition.router());
    item.set_from(transition.from());
    item.set_to(transition.to());
    item.set_reason(transition.reason());
    item.set_unix_ns(transition.unix_ns());
    item.set_detail(transition.detail());
  }
  return report;
}

}  // namespace vipra::control
