#include "agent/control/contribution_changes.hpp"

#include <tuple>

namespace vipra::control {
namespace {

auto key(const plan::Contribution& contribution) {
  return std::tie(contribution.consumer, contribution.source);
}

}  // namespace

channel::ContributionChanges contribution_changes(const std::vector<plan::Contribution>& from,
                                                  const std::vector<plan::Contribution>& to) {
  channel::ContributionChanges out;
  auto old = from.begin();
  const auto remove_old = [&] {
    out.removals.push_back({old->consumer, old->source});
    ++old;
  };
  for (const auto& wanted : to) {
    while (old != from.end() && key(*old) < key(wanted)) remove_old();
    const bool known = old != from.end() && key(*old) == key(wanted);
    if (!known || *old != wanted) out.upserts.push_back(wanted);
    if (known) ++old;
  }
  while (old != from.end()) remove_old();
  return out;
}

}  // namespace vipra::control
