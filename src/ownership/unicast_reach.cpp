#include "ownership/unicast_reach.hpp"

#include <algorithm>
#include <optional>

namespace vipra::ownership {
namespace {

using Addresses = std::vector<InterfaceAddress>;

// Which of the peers are this node. One pass over its addresses, of which a node with many pods has many. A
// link-local address says something on its own link only: another link may have the same one.
std::vector<bool> own_among(const std::vector<IpAddress>& peers, const KernelView& kernel, int index) {
  std::vector<bool> own(peers.size());
  for (const auto& [link, facts] : kernel.links()) {
    for (const auto& address : kernel.others(link)) {
      if (address.ip.is_link_local() && link != index) continue;
      const auto at = std::lower_bound(peers.begin(), peers.end(), address.ip);
      if (at != peers.end() && *at == address.ip) own[static_cast<std::size_t>(at - peers.begin())] = true;
    }
  }
  return own;
}

bool is_on_link(const Addresses& addresses, const IpAddress& peer) {
  if (!peer.is_v4() && peer.is_link_local()) return true;
  return std::any_of(addresses.begin(), addresses.end(), [&](const auto& address) {
    return address.ip.shares_prefix(peer, address.prefix_length);
  });
}

std::optional<IpAddress> global_source(const Addresses& addresses, const IpAddress& peer) {
  const InterfaceAddress* best = nullptr;
  for (const auto& address : addresses) {
    if (address.ip.is_v4() || address.ip.is_link_local()) continue;
    if (address.tentative || address.dad_failed || address.temporary || address.deprecated) continue;
    const bool shares = address.ip.shares_prefix(peer, address.prefix_length);
    if (best == nullptr || (shares && !best->ip.shares_prefix(peer, best->prefix_length))) best = &address;
  }
  return best == nullptr ? std::nullopt : std::optional{best->ip};
}

}  // namespace

UnicastReach reach_peers(const KernelView& kernel, int index, const IpAddress& primary,
                         const plan::Transport& transport) {
  UnicastReach out;
  const auto& addresses = kernel.others(index);
  for (const auto& address : addresses) {
    if (address.ip.family() == primary.family()) out.own.push_back(address.ip);
  }
  std::sort(out.own.begin(), out.own.end());
  out.own.erase(std::unique(out.own.begin(), out.own.end()), out.own.end());
  const auto own = own_among(transport.peers, kernel, index);
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i]) continue;
    const auto& peer = transport.peers[i];
    const bool on_link = is_on_link(addresses, peer);
    const bool from_primary = peer.is_v4() || peer.is_link_local() || (on_link && transport.multicast());
    const auto source = from_primary ? std::optional{primary} : global_source(addresses, peer);
    if (source) out.peers.push_back({peer, *source, on_link});
  }
  return out;
}

}  // namespace vipra::ownership
