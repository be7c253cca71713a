#include "tests/sim/run.hpp"

#include <algorithm>

namespace vipra::sim {
namespace {

// A fault of the group's member says nothing without one.
bool concerns_member(const Fault& fault) {
  return to_string(fault.kind).starts_with("member-");
}

bool uses(const Scenario& scenario, NodeId node) {
  return std::any_of(scenario.faults.begin(), scenario.faults.end(), [&](const Fault& fault) {
    return fault.a == node || fault.b == node || fault.kind == FaultKind::kRollingRestart;
  });
}

// From the end, so that what is left happens as before.
bool drop_faults(Scenario& scenario, const Fails& fails) {
  bool shorter = false;
  for (auto i = scenario.faults.size(); i-- > 0;) {
    auto without = scenario;
    without.faults.erase(without.faults.begin() + static_cast<std::ptrdiff_t>(i));
    if (!fails(without)) continue;
    scenario = std::move(without);
    shorter = true;
  }
  return shorter;
}

bool drop_nodes(Scenario& scenario, const Fails& fails) {
  bool shorter = false;
  while (scenario.nodes.size() > 2 && !uses(scenario, static_cast<NodeId>(scenario.nodes.size() - 1))) {
    auto without = scenario;
    without.nodes.pop_back();
    if (!fails(without)) break;
    scenario = std::move(without);
    shorter = true;
  }
  return shorter;
}

bool simplify(Scenario& scenario, const Fails& fails) {
  bool simpler = false;
  const auto attempt = [&](auto&& change) {
    auto changed = scenario;
    change(changed);
    if (!fails(changed)) return;
    scenario = std::move(changed);
    simpler = true;
  };
  if (scenario.dual()) attempt([](Scenario& s) { s.v6 = false; });
  if (scenario.group && std::none_of(scenario.faults.begin(), scenario.faults.end(), concerns_member))
    attempt([](Scenario& s) { s.group = false; });
  if (std::any_of(scenario.nodes.begin(), scenario.nodes.end(),
                  [](const auto& n) { return n.clock_ppm != 0; })) {
    attempt([](Scenario& s) {
      for (auto& node : s.nodes) node.clock_ppm = 0;
    });
  }
  return simpler;
}

}  // namespace

Outcome run_scenario(const Scenario& scenario, Coverage& coverage) {
  World world{scenario, coverage, false};
  auto violation = world.run();
  return {std::move(violation), world.history().digest(), world.events()};
}

std::string tell(const Scenario& scenario, std::size_t most) {
  Coverage ignored;
  World world{scenario, ignored, true};
  static_cast<void>(world.run());
  return world.history().text(most);
}

Scenario shrink(const Scenario& scenario, const Fails& fails) {
  auto shortest = scenario;
  while (drop_faults(shortest, fails) || drop_nodes(shortest, fails) || simplify(shortest, fails)) {
  }
  return shortest;
}

Scenario shrink(const Scenario& scenario, const Violation& violation) {
  const Fails fails = [&](const Scenario& candidate) {
    Coverage ignored;
    const auto outcome = run_scenario(candidate, ignored);
    return outcome.violation && outcome.violation->invariant == violation.invariant;
  };
  auto shorter = scenario;
  shorter.end = violation.at + Duration{1};
  return shrink(fails(shorter) ? shorter : scenario, fails);
}

}  // namespace vipra::sim
