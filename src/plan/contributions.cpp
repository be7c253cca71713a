#include "plan/contributions.hpp"

#include <utility>

namespace vipra::plan {

std::vector<Contribution> contributions_to(const VirtualRouter& router,
                                           const std::vector<SharedContributions>& shared) {
  const auto& own = router.seniority.name;
  std::map<std::pair<VirtualIpName, std::string>, const Contribution*> all;
  for (const auto& part : shared) {
    for (const auto& [source, contribution] : part.by_source) {
      // Maintenance is the node's: every router is told of it by itself.
      if (part.virtual_ip != own && contribution.reason == Reason::kMaintenance) continue;
      auto& kept = all[{part.virtual_ip == own ? VirtualIpName{} : part.virtual_ip, source}];
      if (kept == nullptr || contribution.consumer == router.id) kept = &contribution;
    }
  }
  std::vector<Contribution> out;
  out.reserve(all.size());
  for (const auto& [key, contribution] : all) {
    out.push_back(*contribution);
    out.back().consumer = router.id;
    if (!key.first.empty()) out.back().source = key.first + ": " + key.second;
  }
  return out;
}

}  // namespace vipra::plan
