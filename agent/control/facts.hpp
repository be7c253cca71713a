// All that control knows at one moment: what reports and metrics are made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/control/agent_view.hpp"
#include "base/time.hpp"
#include "checks/scheduler.hpp"
#include "definitions/store.hpp"
#include "plan/desired_state.hpp"
#include "plan/wish.hpp"
#include "planning/build.hpp"
#include "source_port/change.hpp"

namespace vipra::control {

// References are borrowed: for the length of one call.
struct Facts {
  const std::string& node;
  const std::string& build;
  const AgentView& agent;
  bool agent_connected = false;
  const definitions::DefinitionStore& definitions;
  const plan::Plan& plan;                         // of generation 0 before the first one was built
  const std::vector<checks::CheckState>& checks;  // by VirtualIP and name
  const source::Health& source;
  const plan::Wish* maintenance = nullptr;
  std::optional<Duration> definitions_age;  // since the source was last read in full, if it ever was
};

// Whether the agent runs what was built last; where not, one sentence that says why.
struct Readiness {
  bool ready = false;
  std::string detail;
};
[[nodiscard]] Readiness readiness(const Facts& facts);

}  // namespace vipra::control
