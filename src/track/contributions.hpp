// What follows from tracks: parts of a priority, or faults. Pure.
#pragma once

#include <optional>

#include "plan/desired_state.hpp"
#include "track/tracker.hpp"

namespace vipra::track {

// What a track means to the router that watches it, with the source "track/<name>"; none unless it has
// failed. That it counts for all that share the router's lead is not known here (plan::contributions_to).
[[nodiscard]] std::optional<plan::Contribution> contribution_of(const plan::VirtualRouter& router,
                                                                const Tracked& tracked);

}  // namespace vipra::track
