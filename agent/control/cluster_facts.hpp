// What a node needs to know of the objects of its cluster. Pure: objects in, values out; what is not as the
// API says is skipped.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checks/service_board.hpp"
#include "kube_core/object.hpp"
#include "plan/desired_state.hpp"
#include "source/labels.hpp"

namespace vipra::control {

using Objects = std::map<std::string, kube::ObjectPtr, std::less<>>;

struct NodesView {
  std::optional<source::Labels> labels;  // of this node, if there is a Node of its name
  std::vector<plan::Peer> peers;         // the other nodes, by name; rank is the place in that order
};
// `most`: no more peers than that.
[[nodiscard]] NodesView nodes_view(const Objects& nodes, std::string_view self, std::size_t most);

// An endpoint counts when it is ready; a dual-stack Service has its endpoints in slices of both families, and
// they count once.
[[nodiscard]] checks::ServiceBoard::Counts ready_endpoints(const Objects& slices, std::string_view self);

// "192.0.2.1:9443", "[2001:db8::1]:9443": of ready endpoints, sorted, each once.
[[nodiscard]] std::vector<std::string> dial_addresses(const Objects& slices);

}  // namespace vipra::control
