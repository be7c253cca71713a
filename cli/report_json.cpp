#include "cli/report_json.hpp"

#include <nlohmann/json.hpp>

#include "cli/names.hpp"

namespace vipra::cli {
namespace {

namespace v1 = vipra::report::v1;
using Json = nlohmann::ordered_json;

// JSON numbers are doubles to most readers.
std::string wide(auto number) {
  return std::to_string(number);
}

// Declared before list(), which finds them by ordinary look-up only.
Json json_of(const v1::AddressReport& address);
Json json_of(const v1::ContributionReport& part);
Json json_of(const v1::TrackReport& track);
Json json_of(const v1::DropReport& drop);
Json json_of(const v1::RouterReport& router);
Json json_of(const v1::CheckReport& check);
Json json_of(const v1::Condition& condition);
Json json_of(const v1::DefinitionProblem& problem);
Json json_of(const v1::VirtualIPReport& vip);
Json json_of(const v1::TransitionReport& transition);
Json json_of(const v1::ForeignRouterReport& router);
Json json_of(const v1::SegmentReport& segment);

template <class Items>
Json list(const Items& items) {
  Json out = Json::array();
  for (const auto& item : items) {
    if constexpr (requires { json_of(item); }) {
      out.push_back(json_of(item));
    } else {
      out.push_back(item);
    }
  }
  return out;
}

Json json_of(const v1::AddressReport& address) {
  return {{"address", address.address()},
          {"virtualIp", address.virtual_ip()},
          {"present", address.present()},
          {"error", address.error()}};
}

Json json_of(const v1::ContributionReport& part) {
  return {{"source", part.source()},       {"delta", part.delta()},   {"fault", part.fault()},
          {"reason", name(part.reason())}, {"detail", part.detail()}, {"stale", part.stale()}};
}

Json json_of(const v1::TrackReport& track) {
  return {{"name", track.name()},     {"kind", track.kind()},           {"decided", track.decided()},
          {"failed", track.failed()}, {"reason", name(track.reason())}, {"detail", track.detail()}};
}

Json json_of(const v1::DropReport& drop) {
  return {{"reason", name(drop.reason())}, {"count", wide(drop.count())}};
}

Json json_of(const v1::RouterReport& router) {
  return {{"id", router.id()},
          {"family", router.family()},
          {"virtualRouterId", router.virtual_router_id()},
          {"state", name(router.state())},
          {"reason", name(router.reason())},
          {"detail", router.detail()},
          {"sinceUnixNs", wide(router.since_unix_ns())},
          {"interface", router.interface()},
          {"basePriority", router.base_priority()},
          {"effectivePriority", router.effective_priority()},
          {"contributions", list(router.contributions())},
          {"masterAddress", router.master_address()},
          {"masterPriority", router.master_priority()},
          {"addresses", list(router.addresses())},
          {"warning", name(router.warning())},
          {"warningDetail", router.warning_detail()},
          {"virtualIps", list(router.virtual_ips())},
          {"intervalNs", wide(router.interval_ns())},
          {"advertisementsSent", wide(router.advertisements_sent())},
          {"advertisementsReceived", wide(router.advertisements_received())},
          {"drops", list(router.drops())},
          {"misses", router.misses()},
          {"follows", router.follows()},
          {"lead", router.lead()},
          {"leadVirtualIp", router.lead_virtual_ip()},
          {"group", router.group()},
          {"tracks", list(router.tracks())}};
}

Json json_of(const v1::CheckReport& check) {
  return {{"virtualIp", check.virtual_ip()},
          {"name", check.name()},
          {"kind", check.kind()},
          {"passing", check.passing()},
          {"decided", check.decided()},
          {"reason", name(check.reason())},
          {"detail", check.detail()},
          {"successes", check.successes()},
          {"failures", check.failures()},
          {"sinceUnixNs", wide(check.since_unix_ns())},
          {"stale", check.stale()},
          {"rise", check.rise()},
          {"fall", check.fall()}};
}

Json json_of(const v1::Condition& condition) {
  return {{"type", condition.type()},
          {"status", condition.status()},
          {"reason", name(condition.reason())},
          {"message", condition.message()},
          {"lastTransitionUnixNs", wide(condition.last_transition_unix_ns())},
          {"observedGeneration", wide(condition.observed_generation())}};
}

Json json_of(const v1::DefinitionProblem& problem) {
  return {{"origin", problem.origin()},
          {"path", problem.path()},
          {"reason", name(problem.reason())},
          {"message", problem.message()}};
}

Json json_of(const v1::VirtualIPReport& vip) {
  return {{"name", vip.name()},
          {"addresses", list(vip.addresses())},
          {"routers", list(vip.routers())},
          {"conditions", list(vip.conditions())},
          {"checks", list(vip.checks())},
          {"problems", list(vip.problems())},
          {"objectGeneration", wide(vip.object_generation())}};
}

Json json_of(const v1::TransitionReport& transition) {
  return {{"sequence", wide(transition.sequence())},
          {"router", transition.router()},
          {"from", name(transition.from())},
          {"to", name(transition.to())},
          {"reason", name(transition.reason())},
          {"unixNs", wide(transition.unix_ns())},
          {"detail", transition.detail()}};
}

Json json_of(const v1::ForeignRouterReport& router) {
  return {{"virtualRouterId", router.virtual_router_id()},
          {"version", router.version()},
          {"source", router.source()},
          {"priority", router.priority()},
          {"intervalNs", wide(router.interval_ns())},
          {"addresses", list(router.addresses())},
          {"addressCount", router.address_count()},
          {"packets", wide(router.packets())},
          {"firstSeenUnixNs", wide(router.first_seen_unix_ns())},
          {"lastSeenUnixNs", wide(router.last_seen_unix_ns())}};
}

Json json_of(const v1::SegmentReport& segment) {
  return {{"interface", segment.interface()},
          {"family", segment.family()},
          {"foreignRouters", list(segment.foreign_routers())},
          {"foreignAdvertisements", wide(segment.foreign_advertisements())},
          {"foreignAdvertisementsUntracked", wide(segment.foreign_advertisements_untracked())}};
}

}  // namespace

nlohmann::ordered_json segments_json(const v1::NodeReport& report) {
  return list(report.segments());
}

nlohmann::ordered_json to_json(const v1::NodeReport& report) {
  return {{"node", report.node()},
          {"build", report.build()},
          {"sequence", wide(report.sequence())},
          {"virtualIps", list(report.virtual_ips())},
          {"routers", list(report.routers())},
          {"problems", list(report.problems())},
          {"agentConnected", report.agent_connected()},
          {"definitionsGeneration", wide(report.definitions_generation())},
          {"appliedGeneration", wide(report.applied_generation())},
          {"sourceReadable", report.source_readable()},
          {"sourceDetail", report.source_detail()},
          {"definitionsAgeNs", wide(report.definitions_age_ns())},
          {"speakerRealtime", report.speaker_realtime()},
          {"transitions", list(report.transitions())},
          {"maintenance", report.maintenance()},
          {"maintenanceUntilUnixNs", wide(report.maintenance_until_unix_ns())},
          {"segments", list(report.segments())}};
}

}  // namespace vipra::cli
