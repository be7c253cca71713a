#include "cli/query.hpp"

#include <algorithm>
#include <array>

#include "cli/names.hpp"
#include "cli/text.hpp"

namespace vipra::cli {

const v1::VirtualIPReport* find_virtual_ip(const v1::NodeReport& report, std::string_view name) {
  for (const auto& vip : report.virtual_ips()) {
    if (vip.name() == name) return &vip;
  }
  return nullptr;
}

std::vector<const v1::VirtualIPReport*> sorted_virtual_ips(const v1::NodeReport& report) {
  std::vector<const v1::VirtualIPReport*> out;
  for (const auto& vip : report.virtual_ips()) out.push_back(&vip);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto* a, const auto* b) { return a->name() < b->name(); });
  return out;
}

const v1::RouterReport* find_router(const v1::NodeReport& report, std::string_view id) {
  for (const auto& router : report.routers()) {
    if (router.id() == id) return &router;
  }
  return nullptr;
}

std::vector<const v1::RouterReport*> routers_of(const v1::NodeReport& report,
                                                const v1::VirtualIPReport& vip) {
  std::vector<const v1::RouterReport*> out;
  for (const auto& id : vip.routers()) {
    if (const auto* router = find_router(report, id)) out.push_back(router);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto* a, const auto* b) { return a->family() < b->family(); });
  return out;
}

v1::NodeReport only(const v1::NodeReport& report, const v1::VirtualIPReport& vip) {
  v1::NodeReport out = report;
  out.clear_virtual_ips();
  out.clear_routers();
  out.clear_problems();
  out.clear_transitions();
  *out.add_virtual_ips() = vip;
  const auto routers = routers_of(report, vip);
  for (const auto* router : routers) *out.add_routers() = *router;
  for (const auto& transition : report.transitions()) {
    const bool ours = std::any_of(routers.begin(), routers.end(),
                                  [&](const auto* router) { return router->id() == transition.router(); });
    if (ours) *out.add_transitions() = transition;
  }
  return out;
}

const v1::Condition* failing_condition(const v1::VirtualIPReport& vip) {
  // In the order in which one explains the next.
  constexpr std::array<std::string_view, 4> kGoodWhenTrue{"Accepted", "AddressAssigned", "Announced",
                                                          "Ready"};
  constexpr std::array<std::string_view, 2> kBadWhenTrue{"Conflict", "Degraded"};
  const auto find = [&](std::string_view type, std::string_view status) -> const v1::Condition* {
    for (const auto& condition : vip.conditions()) {
      if (condition.type() == type && condition.status() == status) return &condition;
    }
    return nullptr;
  };
  for (const auto type : kGoodWhenTrue) {
    if (const auto* condition = find(type, "False")) return condition;
  }
  for (const auto type : kBadWhenTrue) {
    if (const auto* condition = find(type, "True")) return condition;
  }
  return nullptr;
}

std::vector<std::string> attention(const v1::NodeReport& report) {
  std::vector<std::string> out;
  if (!report.agent_connected()) {
    out.emplace_back(
        "vipra-control has no connection to vipra-agent: states and checks are the last it heard of");
  }
  if (report.maintenance()) {
    out.push_back("this node is in maintenance " +
                  (report.maintenance_until_unix_ns() == 0
                       ? std::string{"until that is ended"}
                       : "until " + utc(report.maintenance_until_unix_ns())) +
                  ": it takes no address (vipctl maintenance off)");
  }
  if (!report.source_readable()) {
    std::string text = "the definitions cannot be read";
    if (!report.source_detail().empty()) text += " (" + printable(report.source_detail()) + ")";
    text += ": the last good ones are served";
    if (report.definitions_age_ns() > 0) text += ", read " + humanised(report.definitions_age_ns()) + " ago";
    out.push_back(text);
  }
  if (report.agent_connected() && report.applied_generation() != report.definitions_generation()) {
    out.push_back("the agent runs generation " + std::to_string(report.applied_generation()) +
                  " of the definitions, not yet " + std::to_string(report.definitions_generation()));
  }
  return out;
}

std::string problem_line(const v1::DefinitionProblem& problem) {
  std::string out = problem.origin().empty() ? "definition" : printable(problem.origin());
  if (!problem.path().empty()) out += " " + printable(problem.path());
  out += ": " + name(problem.reason());
  if (!problem.message().empty()) out += ": " + printable(problem.message());
  return out;
}

std::vector<std::string> problem_lines(const v1::NodeReport& report) {
  std::vector<std::string> out;
  for (const auto& problem : report.problems()) out.push_back(problem_line(problem));
  for (const auto* vip : sorted_virtual_ips(report)) {
    for (const auto& problem : vip->problems()) out.push_back(problem_line(problem));
  }
  return out;
}

}  // namespace vipra::cli
