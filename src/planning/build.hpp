// Valid definitions + facts of this node -> what this node shall run. Pure; the collision rules between
// objects are here as far as they need no knowledge of interfaces (the speaker judges VRIDs, because only it
// knows segments).
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
  Reason reason = Reason::kNone;  // kAddressConflict, kDuplicate, kNodeNotSelected, kGroupMember
  std::string message;            // names the winner
};

struct Plan {
  DesiredState state;
  std::vector<Refusal> refusals;
};

// Whether both say the same, whatever their generations: then nothing is to be sent.
[[nodiscard]] bool same_content(const DesiredState& a, const DesiredState& b);

// The virtual router of one family of a VirtualIP: "<name>/ipv4", "<name>/ipv6".
[[nodiscard]] RouterId router_id(const VirtualIpName& name, Family family);

// The routers that carry addresses of a VirtualIP on this node, in the order of their ids; none if it is not
// served.
[[nodiscard]] std::vector<RouterId> routers_of(const DesiredState& state, const VirtualIpName& name);

// Collisions are judged among all objects, also those that do not select this node, so that every node comes
// to the same end: from the oldest to the youngest, an object that wants an address (or the name) of an older
// accepted one is refused as a whole, and then claims nothing itself.
//
// The oldest accepted object of a group leads it; a member with another nodeSelector is refused, on every
// node.
//
// The generation is the caller's. Same input, same output, whatever the order of `specs`.
[[nodiscard]] Plan build(const std::vector<definitions::VirtualIpSpec>& specs, const NodeFacts& node,
                         std::uint64_t generation);

}  // namespace vipra::plan
