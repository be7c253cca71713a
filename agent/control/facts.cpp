#include "agent/control/facts.hpp"

namespace vipra::control {

Readiness readiness(const Facts& facts) {
  const auto built = facts.plan.state.generation;
  if (built == 0) return {false, "the definitions have not been read yet"};
  if (!facts.agent_connected) return {false, "the agent is not connected"};
  const auto& speaker = facts.agent.speaker();
  const auto applied = speaker ? speaker->applied_generation() : 0;
  if (applied != built) {
    return {false, "the agent runs generation " + std::to_string(applied) + " of the definitions, not yet " +
                       std::to_string(built)};
  }
  return {true, "generation " + std::to_string(built) + " of the definitions is running"};
}

}  // namespace vipra::control
