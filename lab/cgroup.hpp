// The control groups that a lab's containers live in, all below one named like the lab, at the top of every
// hierarchy. Handles cgroup v1, v2 and the mixed layout of both.
#pragma once

#include <string>

#include "base/result.hpp"

namespace vipra::lab {

// What containers need, or kUnsupported with a sentence that names what this machine lacks. On cgroup v2
// it makes the group, with controllers that containers below may use.
[[nodiscard]] Status prepare_cgroups(const std::string& name);

// Every group of that name and all below it. Their processes must be dead or dying: tries for two seconds.
void remove_cgroups(const std::string& name);

}  // namespace vipra::lab
