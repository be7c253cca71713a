// What follows from tracks: parts of a priority, or faults. Pure.
#pragma once

#include <vector>

#include "plan/desired_state.hpp"
#include "track/tracker.hpp"

namespace vipra::track {

// What a track of `owner` means to `consumer`, a router with the same lead or `owner` itself: a failure counts
// for all of them. The same track of two families of one VirtualIP counts once.
void add_contribution(const plan::VirtualRouter& consumer, const plan::VirtualRouter& owner,
                      const Tracked& tracked, std::vector<plan::Contribution>& out);

}  // namespace vipra::track
