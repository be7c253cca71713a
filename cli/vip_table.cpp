#include "cli/vip_table.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/names.hpp"
#include "cli/query.hpp"
#include "cli/text.hpp"

namespace vipra::cli {
namespace {

using Routers = std::vector<const v1::RouterReport*>;
using Value = std::function<std::string(const v1::RouterReport&)>;

constexpr std::size_t kAddressWidth = 33;

// As many as fit, then how many there are more.
std::string addresses_cell(const v1::VirtualIPReport& vip) {
  std::string out;
  int shown = 0;
  for (const auto& raw : vip.addresses()) {
    const std::string address = printable(raw);
    if (shown > 0 && out.size() + address.size() + 1 > kAddressWidth) break;
    if (shown > 0) out += ',';
    out += address;
    ++shown;
  }
  const int more = vip.addresses_size() - shown;
  return more > 0 ? out + ",+" + std::to_string(more) : out;
}

// One value where the families agree, "a/b" where they differ.
std::string per_family(const Routers& routers, const Value& value) {
  std::vector<std::string> values;
  bool same = true;
  for (const auto* router : routers) {
    values.push_back(value(*router));
    same = same && values.back() == values.front();
  }
  if (values.empty()) return "-";
  return same ? values.front() : joined(values, "/");
}

bool states_differ(const Routers& routers) {
  for (const auto* router : routers) {
    if (router->state() != routers.front()->state()) return true;
  }
  return false;
}

std::string master_of(const v1::RouterReport& router) {
  if (router.state() == wire::STATE_MASTER) return "self";
  return router.master_address().empty() ? "-" : printable(router.master_address());
}

// The families' masters have different addresses although they are one node, so the lead's says it all,
// unless the families are in different states.
std::string master_cell(const Routers& routers) {
  return states_differ(routers) ? per_family(routers, master_of) : master_of(*routers.front());
}

std::string since_cell(const Routers& routers, std::int64_t now) {
  const Value value = [now](const v1::RouterReport& router) { return age(router.since_unix_ns(), now); };
  return states_differ(routers) ? per_family(routers, value) : value(*routers.front());
}

// A follower is where its lead is: then the lead's reason is the reason.
std::string reason_cell(const Routers& routers) {
  const Value value = [](const v1::RouterReport& router) { return name(router.reason()); };
  return states_differ(routers) ? per_family(routers, value) : value(*routers.front());
}

std::vector<std::string> row(const v1::NodeReport& report, const v1::VirtualIPReport& vip, std::int64_t now) {
  const auto routers = routers_of(report, vip);
  if (routers.empty()) {
    std::string reason = "-";
    if (vip.problems_size() > 0) reason = name(vip.problems(0).reason());
    if (const auto* condition = failing_condition(vip)) reason = name(condition->reason());
    return {printable(vip.name()), addresses_cell(vip), "-", "-", "-", "-", "-", reason};
  }
  return {
      printable(vip.name()),
      addresses_cell(vip),
      per_family(routers, [](const auto& router) { return name(router.state()); }),
      per_family(routers, [](const auto& router) { return std::to_string(router.effective_priority()); }),
      master_cell(routers),
      per_family(routers, [](const auto& router) { return printable(router.interface()); }),
      since_cell(routers, now),
      reason_cell(routers),
  };
}

std::vector<std::string> warning_lines(const v1::NodeReport& report) {
  std::vector<std::string> out;
  for (const auto& router : report.routers()) {
    if (router.warning() == wire::REASON_NONE && router.warning_detail().empty()) continue;
    std::string line = printable(router.id());
    if (router.warning() != wire::REASON_NONE) line += ": " + name(router.warning());
    if (!router.warning_detail().empty()) line += ": " + printable(router.warning_detail());
    out.push_back(line);
  }
  for (const auto& vip : report.virtual_ips()) {
    for (const auto& check : vip.checks()) {
      if (check.stale())
        out.push_back(printable(vip.name()) + ": check " + printable(check.name()) + " is stale");
    }
  }
  return out;
}

// Which VirtualIPs move together, and after whom: "gateway: a-outside leads, followed by b-inside".
std::vector<std::string> group_lines(const v1::NodeReport& report) {
  struct Group {
    std::string lead;
    std::set<std::string> followers;
  };
  std::map<std::string, Group> groups;
  for (const auto& router : report.routers()) {
    if (router.group().empty()) continue;
    auto& group = groups[printable(router.group())];
    for (const auto& vip : router.virtual_ips()) {
      const auto& lead = router.follows() ? router.lead_virtual_ip() : vip;
      if (!lead.empty()) group.lead = printable(lead);
      if (lead != vip) group.followers.insert(printable(vip));
    }
  }
  std::vector<std::string> out;
  for (const auto& [name, group] : groups) {
    const std::vector<std::string> followers{group.followers.begin(), group.followers.end()};
    std::string line = name + ": " + (group.lead.empty() ? "-" : group.lead) + " leads";
    if (!followers.empty()) line += ", followed by " + joined(followers, ", ");
    out.push_back(line);
  }
  return out;
}

void append_section(std::string& out, std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += "\n";
  out += title;
  out += ":\n";
  for (const auto& line : lines) out += "  " + line + "\n";
}

}  // namespace

std::string virtual_ip_table(const v1::NodeReport& report, std::int64_t now, Headers headers) {
  std::vector<std::vector<std::string>> rows;
  if (headers == Headers::kYes) {
    rows.push_back({"NAME", "ADDRESSES", "STATE", "PRIORITY", "MASTER", "INTERFACE", "SINCE", "REASON"});
  }
  for (const auto* vip : sorted_virtual_ips(report)) rows.push_back(row(report, *vip, now));
  if (headers == Headers::kNo) return table_text(rows);

  std::string out = rows.size() == 1 ? "This node has no VirtualIP.\n" : table_text(rows);
  append_section(out, "Groups", group_lines(report));
  append_section(out, "Attention", attention(report));
  append_section(out, "Warnings", warning_lines(report));
  append_section(out, "Refused definitions", problem_lines(report));
  return out;
}

}  // namespace vipra::cli
