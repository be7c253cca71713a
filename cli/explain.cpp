#include "cli/explain.hpp"

#include <algorithm>
#include <vector>

#include "cli/explain_router.hpp"
#include "cli/guide.hpp"
#include "cli/names.hpp"
#include "cli/query.hpp"
#include "cli/text.hpp"

namespace vipra::cli {
namespace {

constexpr int kTransitionsShown = 10;

std::string not_found(const v1::NodeReport& report, std::string_view wanted) {
  std::vector<std::string> names;
  for (const auto* vip : sorted_virtual_ips(report)) names.push_back(vip->name());
  std::string out =
      "There is no VirtualIP \"" + printable(wanted) + "\" on node " + printable(report.node()) + ".\n";
  const auto close = close_names(wanted, names, 5);
  if (!close.empty()) {
    std::vector<std::string> shown;
    for (const auto& item : close) shown.push_back(printable(item));
    out += "Did you mean: " + joined(shown, ", ") + "?\n";
  } else if (!names.empty()) {
    out += "It has " + std::to_string(names.size()) + "; `vipctl get` lists them.\n";
  }
  const auto problems = problem_lines(report);
  if (!problems.empty()) {
    out += "Definitions that were refused (it may be among them):\n";
    for (const auto& line : problems) out += "  " + line + "\n";
  }
  return out;
}

// "web is owned by this node" over all families, the answer before the details.
std::string verdict(const std::vector<const v1::RouterReport*>& routers) {
  std::vector<std::string> parts;
  bool same = true;
  for (const auto* router : routers) same = same && router->state() == routers.front()->state();
  for (const auto* router : routers) {
    const bool master = router->state() == wire::STATE_MASTER;
    std::string part = same ? "" : printable(router->family()) + ": ";
    part += master ? "this node owns it" : name(router->state());
    if (!master && !router->master_address().empty())
      part += ", the master is " + printable(router->master_address());
    parts.push_back(part);
    if (same) break;
  }
  return joined(parts, "; ");
}

std::string head(const v1::NodeReport& report, const v1::VirtualIPReport& vip,
                 const std::vector<const v1::RouterReport*>& routers) {
  std::vector<std::string> addresses;
  for (const auto& address : vip.addresses()) addresses.push_back(printable(address));
  std::string out = printable(vip.name());
  if (!addresses.empty()) out += ": " + joined(addresses, ", ");
  out += "\non node " + printable(report.node());
  if (!report.build().empty()) out += " (vipra " + printable(report.build()) + ")";
  if (!routers.empty()) out += ": " + verdict(routers);
  out += "\n";
  for (const auto& line : attention(report)) out += "attention: " + line + "\n";
  return out;
}

std::string why_unserved(const v1::VirtualIPReport& vip) {
  std::string out = "\nNot served by this node";
  if (const auto* condition = failing_condition(vip)) {
    out += ": " + name(condition->reason());
    if (!condition->message().empty()) out += ": " + printable(condition->message());
  } else if (vip.problems_size() == 0) {
    out += ": the agent has no virtual router for it yet";
  }
  return out + "\n";
}

std::string problems_section(const v1::VirtualIPReport& vip, bool served) {
  if (vip.problems_size() == 0) return "";
  std::string out = served ? "\nThe definition as it is written now is refused; the last good one is served\n"
                           : "\nThe definition is refused\n";
  for (const auto& problem : vip.problems()) out += "  " + problem_line(problem) + "\n";
  return out;
}

std::string check_line(const v1::CheckReport& check, std::int64_t now) {
  std::string out = "  " + printable(check.name()) + " (" + printable(check.kind()) + "): ";
  if (!check.decided()) {
    out += "no verdict yet";
  } else {
    out += check.passing() ? "passing" : "FAILING";
    if (check.since_unix_ns() != 0) out += " for " + age(check.since_unix_ns(), now);
  }
  if (check.decided() && !check.passing() && check.fall() > 0 && check.failures() > 0) {
    out += ", " + std::to_string(std::min(check.failures(), check.fall())) + " of " +
           std::to_string(check.fall()) + " failed";
  }
  if (check.decided() && !check.passing() && check.rise() > 0) {
    out += ", " + std::to_string(std::min(check.successes(), check.rise())) + " of " +
           std::to_string(check.rise()) + " passed since";
  }
  if (check.reason() != wire::REASON_NONE) out += "; last: " + name(check.reason());
  if (!check.detail().empty()) out += ": " + printable(check.detail());
  if (check.stale()) out += " (stale)";
  return out + "\n";
}

std::string transitions_section(const v1::NodeReport& report, std::int64_t now) {
  const int count = report.transitions_size();
  if (count == 0) return "";
  std::string out = "\nRecent changes of state, the newest last\n";
  std::vector<std::vector<std::string>> rows;
  for (int i = std::max(0, count - kTransitionsShown); i < count; ++i) {
    const auto& transition = report.transitions(i);
    const auto* router = find_router(report, transition.router());
    std::string why = name(transition.reason());
    if (!transition.detail().empty()) why += ": " + printable(transition.detail());
    rows.push_back({"  " + utc_millis(transition.unix_ns()), age(transition.unix_ns(), now) + " ago",
                    printable(router != nullptr ? router->family() : transition.router()),
                    name(transition.from()) + " -> " + name(transition.to()), why});
  }
  return out + table_text(rows);
}

// Reasons in the order in which they matter: what is broken first.
std::vector<wire::Reason> reasons_to_act_on(const v1::NodeReport& report, const v1::VirtualIPReport& vip,
                                            const std::vector<const v1::RouterReport*>& routers) {
  std::vector<wire::Reason> out;
  const auto add = [&](wire::Reason reason) {
    if (std::find(out.begin(), out.end(), reason) == out.end()) out.push_back(reason);
  };
  for (const auto& problem : vip.problems()) add(problem.reason());
  if (const auto* condition = failing_condition(vip)) add(condition->reason());
  for (const auto* router : routers) {
    if (router->state() == wire::STATE_FAULT) add(router->reason());
  }
  for (const auto& check : vip.checks()) {
    if (check.stale()) add(wire::REASON_CHECK_STALE);
    if (!check.decided() || check.passing()) continue;
    add(wire::REASON_CHECK_FAILED);
    add(check.reason());
  }
  for (const auto* router : routers) {
    for (const auto& part : router->contributions()) add(part.reason());
    add(router->warning());
    add(router->reason());
  }
  if (!report.source_readable()) add(wire::REASON_NOT_READABLE);
  return out;
}

std::string advice_section(const v1::NodeReport& report, const v1::VirtualIPReport& vip,
                           const std::vector<const v1::RouterReport*>& routers) {
  std::string out;
  if (!report.agent_connected()) out += "  - see whether vipra-agent runs: `systemctl status vipra-agent`\n";
  for (const auto reason : reasons_to_act_on(report, vip, routers)) {
    const auto known = guide_of_reason(static_cast<int>(reason));
    if (!known || known->action.empty()) continue;
    out += "  - " + name(reason) + ": " + std::string{known->action} + "\n";
  }
  return "\nWhat to do\n" + (out.empty() ? "  nothing: all is as it should be\n" : out);
}

}  // namespace

Explanation explain(const v1::NodeReport& report, std::string_view virtual_ip, std::int64_t now) {
  const auto* found = find_virtual_ip(report, virtual_ip);
  if (found == nullptr) return {false, not_found(report, virtual_ip)};
  const auto& vip = *found;
  const auto routers = routers_of(report, vip);
  std::string out = head(report, vip, routers);
  if (routers.empty()) out += why_unserved(vip);
  out += problems_section(vip, !routers.empty());
  for (const auto* router : routers) out += "\n" + router_paragraph(report, vip, *router, now);
  if (vip.checks_size() > 0) out += "\nChecks\n";
  for (const auto& check : vip.checks()) out += check_line(check, now);
  out += transitions_section(only(report, vip), now);
  out += advice_section(report, vip, routers);
  return {true, out};
}

}  // namespace vipra::cli
