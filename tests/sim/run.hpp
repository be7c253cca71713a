// One seed: run it, and where it fails, look for the shortest plan that still does.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/sim/coverage.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {

struct Outcome {
  std::optional<Violation> violation;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
};

[[nodiscard]] Outcome run_scenario(const Scenario& scenario, Coverage& coverage);
// The same with a history for people: its last `most` lines.
[[nodiscard]] std::string tell(const Scenario& scenario, std::size_t most);

// Leaves out of the plan whatever is not needed for it to fail.
using Fails = std::function<bool(const Scenario&)>;
[[nodiscard]] Scenario shrink(const Scenario& scenario, const Fails& fails);
// ... for the same invariant to be broken.
[[nodiscard]] Scenario shrink(const Scenario& scenario, const Violation& violation);

}  // namespace vipra::sim
