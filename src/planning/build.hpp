// Valid definitions + facts of this node -> what this node shall run. Pure; the collision rules between objects are
// here as far as they need no knowledge of interfaces (the speaker judges VRIDs, because only it knows segments).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "definitions/virtual_ip.hpp"
#include "plan/desired_state.hpp"

namespace vipra::plan {

struct NodeFacts {
  std::string name;
  std::map<std::string, std::string> labels;
  std::vector<Peer> peers;
};

// Why a valid object is not (fully) served here: shown with the object, in its status and by vipctl.
struct Refusal {
  VirtualIpName virtual_ip;
  Reason reason = Reason::kNone;  // kAddressConflict, kNodeNotSelected
  std::string message;            // names the winner
};

struct Plan {
  DesiredState state;
  std::vector<Refusal> refusals;
};

// The generation is the caller's. Same input, same output, whatever the order of `specs`.
[[nodiscard]] Plan build(const std::vector<definitions::VirtualIpSpec>& specs, const NodeFacts& node,
                         std::uint64_t generation);

}  // namespace vipra::plan
