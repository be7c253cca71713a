// What must be said so that the agent's contributions become ours. Pure.
#pragma once

#include <vector>

#include "channel/convert.hpp"
#include "plan/desired_state.hpp"

namespace vipra::control {

// Both sorted by consumer and source, as checks::Scheduler gives them.
[[nodiscard]] channel::ContributionChanges contribution_changes(const std::vector<plan::Contribution>& from,
                                                                const std::vector<plan::Contribution>& to);

}  // namespace vipra::control
