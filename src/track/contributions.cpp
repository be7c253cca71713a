#include "track/contributions.hpp"

namespace vipra::track {

std::optional<plan::Contribution> contribution_of(const plan::VirtualRouter& router, const Tracked& tracked) {
  if (!tracked.verdict.failed()) return std::nullopt;
  plan::Contribution out;
  out.consumer = router.id;
  out.source = "track/" + tracked.track.name;
  out.delta = tracked.track.delta.value_or(0);
  out.fault = !tracked.track.delta.has_value();
  out.reason = tracked.verdict.reason;
  out.detail = tracked.verdict.detail;
  return out;
}

}  // namespace vipra::track
