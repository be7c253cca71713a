// How the peers of a router are reached from the interface it runs on: what is sent to each from, and whether
// a router is between. Pure; judged again after every change of links or addresses.
#pragma once

#include <vector>

#include "base/ip_address.hpp"
#include "ownership/kernel_view.hpp"
#include "plan/desired_state.hpp"
#include "vrrp/receive.hpp"

namespace vipra::ownership {

struct UnicastReach {
  std::vector<IpAddress> own;            // the interface's addresses of the family, but for ours
  std::vector<vrrp::UnicastPeer> peers;  // sorted; without this node, and without those that nothing reaches
  bool operator==(const UnicastReach&) const = default;
};

// On the link is a peer inside the prefix of an address of the interface, and whoever has a link-local
// address.
//
// The source is the primary address; but to a global IPv6 peer it is a global address of the interface, best
// one that shares the peer's prefix: neither a router nor the peer's list would take the link-local one.
// Unless multicast is sent too: then peers on the link know the node by the address that the group does.
[[nodiscard]] UnicastReach reach_peers(const KernelView& kernel, int index, const IpAddress& primary,
                                       const plan::Transport& transport);

}  // namespace vipra::ownership
