#include "track/contributions.hpp"

#include <algorithm>

namespace vipra::track {

void add_contribution(const plan::VirtualRouter& consumer, const plan::VirtualRouter& owner,
                      const Tracked& tracked, std::vector<plan::Contribution>& out) {
  if (!tracked.verdict.failed()) return;
  const auto& object = owner.seniority.name;
  plan::Contribution part;
  part.consumer = consumer.id;
  part.source =
      "track/" + (consumer.seniority.name == object ? "" : object + "/") + tracked.track.name;
  const bool there = std::any_of(out.begin(), out.end(),
                                 [&](const auto& known) { return known.source == part.source; });
  if (there) return;
  part.delta = tracked.track.delta.value_or(0);
  part.fault = !tracked.track.delta.has_value();
  part.reason = tracked.verdict.reason;
  part.detail = tracked.verdict.detail;
  out.push_back(std::move(part));
}

}  // namespace vipra::track
