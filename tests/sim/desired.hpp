// What a node of a scenario is configured with.
#pragma once

#include <vector>

#include "base/ip_address.hpp"
#include "plan/desired_state.hpp"
#include "tests/sim/scenario.hpp"

namespace vipra::sim {

// Its routers: the one that leads first.
[[nodiscard]] std::vector<plan::VirtualRouter> desired_of(const Scenario& scenario, NodeId id);
// What its interfaces have without us, in the order of the interfaces.
[[nodiscard]] std::vector<IpAddress> primaries_of(const Scenario& scenario, NodeId id);

}  // namespace vipra::sim
