// What is said to the speaker's routers, by control and by their tracks: for whom it counts.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/speaker/speaker.hpp"
#include "channel/convert.hpp"
#include "plan/contributions.hpp"
#include "track/contributions.hpp"

namespace vipra::agent {

void Speaker::on_contribution_set(const channel::v1::ContributionSetRef& ref, const sys::UniqueFd& fd) {
  auto set = channel::read_contribution_set_file(fd.get(), ref);
  if (!set) {
    log_.error("speaker.contributions_refused", {{"error", set.error().what}});
    return;
  }
  std::set<std::string> touched;
  for (const auto& [consumer, parts] : contributions_) touched.insert(consumer);
  contributions_.clear();
  for (auto& contribution : *set) {
    touched.insert(contribution.consumer);
    auto& parts = contributions_[contribution.consumer];
    parts.insert_or_assign(contribution.source, std::move(contribution));
  }
  apply_contributions(touched);
}

void Speaker::on_contribution_delta(const channel::v1::ContributionDelta& delta) {
  auto changes = channel::from_proto(delta);
  if (!changes) {
    log_.error("speaker.contributions_refused", {{"error", changes.error().what}});
    return;
  }
  std::set<std::string> touched;
  for (auto& contribution : changes->upserts) {
    touched.insert(contribution.consumer);
    auto& parts = contributions_[contribution.consumer];
    parts.insert_or_assign(contribution.source, std::move(contribution));
  }
  for (const auto& key : changes->removals) {
    touched.insert(key.consumer);
    const auto found = contributions_.find(key.consumer);
    if (found == contributions_.end()) continue;
    found->second.erase(key.source);
    if (found->second.empty()) contributions_.erase(found);
  }
  apply_contributions(touched);
}

router::RouterIndex Speaker::lead_of(router::RouterIndex index) const {
  return slots_[index].lead.value_or(index);
}

void Speaker::apply_contributions(const std::set<std::string>& consumers) {
  std::set<router::RouterIndex> leads;
  for (const auto& consumer : consumers) {
    // Of a router to come: taken when it is added.
    if (const auto router = by_id_.find(consumer); router != by_id_.end())
      leads.insert(lead_of(router->second));
  }
  for (const auto lead : leads) share_contributions(lead);
}

// What counts for one router counts for all that share its lead: they are served by one node, or not.
void Speaker::share_contributions(router::RouterIndex lead) {
  auto all = slots_[lead].followers;
  all.push_back(lead);
  std::vector<plan::SharedContributions> shared;
  for (const auto index : all) {
    const auto& desired = slots_[index].router->desired();
    auto& said = shared.emplace_back(desired.seniority.name).by_source;
    if (const auto found = contributions_.find(desired.id); found != contributions_.end())
      said = found->second;
    tracker_.for_tracks(desired.id, [&](const track::Tracked& tracked) {
      if (auto part = track::contribution_of(desired, tracked))
        said.insert_or_assign(part->source, std::move(*part));
    });
  }
  for (const auto index : all) {
    auto parts = plan::contributions_to(slots_[index].router->desired(), shared);
    drive(index, [&](router::VirtualRouter& r) { r.set_contributions(now_, std::move(parts)); });
  }
}

}  // namespace vipra::agent
