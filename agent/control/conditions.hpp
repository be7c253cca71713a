// How one VirtualIP fares on this node, as conditions in the manner of Kubernetes. Pure.
//
//   Accepted  the definition as it is written now is valid and in conflict with nobody's
//   Ready     this node takes part: each of its virtual routers is fit to be master (or is it)
//   Degraded  it works, but something wants attention: a failing check, a stale verdict, a warning, a refused
//   edit Conflict  somebody else claims the same address or virtual router id
//
// AddressAssigned and Announced need the view of all nodes: they are the controller's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/control/facts.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::control {

// `routers` are the reports of its virtual routers on this node.
[[nodiscard]] std::vector<report::v1::Condition> conditions_of(
    const Facts& facts, const definitions::ObjectStatus& object,
    const std::vector<const report::v1::RouterReport*>& routers);

// A condition that says what it said before keeps its time; the others get `now`.
void date_conditions(report::v1::VirtualIPReport& report, const report::v1::VirtualIPReport* before,
                     std::int64_t now_unix_ns);

}  // namespace vipra::control
