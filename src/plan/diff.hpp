// What changed between two desired states, router by router: the speaker acts on differences only, so that an
// edit of one of 1,000 routers costs the other 999 nothing.
#pragma once

#include <vector>

#include "plan/desired_state.hpp"

namespace vipra::plan {

struct Diff {
  std::vector<const VirtualRouter*> added;    // point into `next`
  std::vector<const VirtualRouter*> changed;  // point into `next`
  std::vector<RouterId> removed;
};
// Linear in both (they are sorted by id). `previous` may be null: everything is then added.
[[nodiscard]] Diff diff(const DesiredState* previous, const DesiredState& next);

}  // namespace vipra::plan
