#include "controller/report_facts.hpp"

#include <algorithm>
#include <array>

#include "operator/status.hpp"

namespace vipra::controller {
namespace {

// A node that says more is cut short: no controller's memory hangs on one node's word.
constexpr int kMaxObjects = 4096;
constexpr int kMaxRouters = 4096;
constexpr int kMaxAddresses = 1025;  // of a router: its VirtualIP's 1,024, and its own link-local one
constexpr int kMaxConditions = 16;
constexpr std::size_t kMaxText = 1024;

template <class Enum, std::size_t N>
Enum known(int number, const std::array<Enum, N>& all, Enum otherwise) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](Enum value) { return static_cast<int>(value) == number; });
  return found == all.end() ? otherwise : *found;
}

Reason reason_of(int number) {
  return known(number, kAllReasonValues, Reason::kNone);
}

std::string text(const std::string& value) {
  return cluster::truncated(value, kMaxText);
}

cluster::VirtualIpFact object_of(const report::v1::VirtualIPReport& report) {
  cluster::VirtualIpFact out;
  out.name = text(report.name());
  out.object_generation = std::max<std::int64_t>(0, report.object_generation());
  for (int i = 0; i < std::min(report.conditions_size(), kMaxConditions); ++i) {
    const auto& condition = report.conditions(i);
    out.conditions.push_back({text(condition.type()), text(condition.status()), reason_of(condition.reason()),
                              text(condition.message())});
  }
  return out;
}

cluster::RouterFact router_of(const report::v1::RouterReport& report) {
  cluster::RouterFact out;
  out.family = report.family() == to_string(Family::kIpv6) ? Family::kIpv6 : Family::kIpv4;
  out.virtual_router_id = static_cast<int>(std::min(report.virtual_router_id(), 255U));
  out.state = known(report.state(), kAllStateValues, State::kUnknown);
  out.reason = reason_of(report.reason());
  out.detail = text(report.detail());
  out.since_unix_ns = report.since_unix_ns();
  out.priority = report.effective_priority();
  out.base_priority = report.base_priority();
  out.follows = report.follows();
  out.interval = Duration{report.interval_ns()};
  out.misses = static_cast<int>(std::min(report.misses(), 255U));
  for (int i = 0; i < std::min(report.addresses_size(), kMaxAddresses); ++i) {
    const auto& address = report.addresses(i);
    out.addresses.push_back(
        {text(address.address()), text(address.virtual_ip()), address.present(), text(address.error())});
  }
  for (int i = 0; i < std::min(report.virtual_ips_size(), kMaxObjects); ++i)
    out.virtual_ips.push_back(text(report.virtual_ips(i)));
  return out;
}

}  // namespace

cluster::NodeFacts facts_of(const report::v1::NodeReport& report) {
  cluster::NodeFacts out;
  out.node = text(report.node());
  out.knows_objects = report.definitions_generation() > 0;
  for (int i = 0; i < std::min(report.virtual_ips_size(), kMaxObjects); ++i)
    out.virtual_ips.push_back(object_of(report.virtual_ips(i)));
  for (int i = 0; i < std::min(report.routers_size(), kMaxRouters); ++i)
    out.routers.push_back(router_of(report.routers(i)));
  return out;
}

}  // namespace vipra::controller
