// What counts for a router: what is said to it, and to the others that share its lead. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plan/desired_state.hpp"

namespace vipra::plan {

// What is said to one router, by source; `virtual_ip` is whose router it is.
struct SharedContributions {
  VirtualIpName virtual_ip;
  std::map<std::string, Contribution> by_source{};
};

// Those to the router, and to the other routers of its VirtualIP, each source once (both families have the
// checks); and those to the other members of its group, with the name of the member before the source.
[[nodiscard]] std::vector<Contribution> contributions_to(const VirtualRouter& router,
                                                         const std::vector<SharedContributions>& shared);

}  // namespace vipra::plan
