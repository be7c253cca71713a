#include "ownership/unicast_reach.hpp"

#include <algorithm>
#include <optional>

namespace vipra::ownership {
namespace {

using Addresses = std::vector<InterfaceAddress>;

bool is_own(const Addresses& addresses, const IpAddress& ip) {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const auto& address) { return address.ip == ip && !address.is_ours(); });
}

// A link-local address says something on its own link only: another link may have the same one.
bool is_this_node(const KernelView& kernel, int index, const IpAddress& ip) {
  if (ip.is_link_local()) return is_own(kernel.addresses(index), ip);
  return std::any_of(kernel.links().begin(), kernel.links().end(),
                     [&](const auto& link) { return is_own(kernel.addresses(link.first), ip); });
}

bool is_on_link(const Addresses& addresses, const IpAddress& peer) {
  if (!peer.is_v4() && peer.is_link_local()) return true;
  return std::any_of(addresses.begin(), addresses.end(), [&](const auto& address) {
    return !address.is_ours() && address.ip.shares_prefix(peer, address.prefix_length);
  });
}

std::optional<IpAddress> global_source(const Addresses& addresses, const IpAddress& peer) {
  const InterfaceAddress* best = nullptr;
  for (const auto& address : addresses) {
    if (address.ip.is_v4() || address.ip.is_link_local() || address.is_ours()) continue;
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
  const auto& addresses = kernel.addresses(index);
  for (const auto& address : addresses) {
    if (address.ip.family() == primary.family() && !address.is_ours()) out.own.push_back(address.ip);
  }
  std::sort(out.own.begin(), out.own.end());
  out.own.erase(std::unique(out.own.begin(), out.own.end()), out.own.end());
  for (const auto& peer : transport.peers) {
    if (is_this_node(kernel, index, peer)) continue;
    const bool on_link = is_on_link(addresses, peer);
    const bool from_primary = peer.is_v4() || peer.is_link_local() || (on_link && transport.multicast());
    const auto source = from_primary ? std::optional{primary} : global_source(addresses, peer);
    if (source) out.peers.push_back({peer, *source, on_link});
  }
  return out;
}

}  // namespace vipra::ownership
