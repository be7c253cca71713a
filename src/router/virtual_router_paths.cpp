// By which paths a virtual router is heard and hears: who is admitted, what is missed.
#include "router/virtual_router.hpp"

namespace vipra::router {
tl::expected<vrrp::Arrival, DropReason> VirtualRouter::admit(const vrrp::IpMeta& meta) const noexcept {
  if (!segment_) return tl::unexpected{DropReason::kDestination};
  const auto& transport = desired_.transport;
  vrrp::SegmentPolicy policy;
  policy.own_addresses = {&segment_->primary, 1};
  policy.multicast = transport.multicast();
  if (transport.unicast()) {
    policy.own_addresses = segment_->unicast.own;
    policy.peers = segment_->unicast.peers;
    policy.neighbours_are_peers = transport.multicast() && desired_.family == Family::kIpv6;
  }
  return vrrp::check_segment(meta, policy);
}

FaultInfo VirtualRouter::no_peers() const {
  return {Reason::kNoPeers, std::string{"advertisements go by "} +
                                (desired_.transport.multicast() ? "multicast alone" : "unicast alone") +
                                ", and " + segment_->name +
                                " reaches no peer: list the other nodes in spec.vrrp.transport.peers"};
}

// A master that lost its last peer goes on: a list that shrinks takes no address away. Whoever is not master
// does not become one: he would hear nobody say that he is not the only one.
std::optional<FaultInfo> VirtualRouter::missing_peers() const {
  if (desired_.transport.multicast() || !segment_->unicast.peers.empty()) return std::nullopt;
  if ((state() == State::kMaster && had_peers_) || (adoption_ && adoption_->was_master)) return std::nullopt;
  return no_peers();
}

void VirtualRouter::watch_paths(const vrrp::IpMeta& meta, const vrrp::Arrival& arrival,
                                const vrrp::Advertisement& advertisement, TimePoint received_at) {
  if (desired_.transport.mode != plan::TransportMode::kBoth) return;
  // Whoever sits beyond a router is heard by unicast alone, and rightly so.
  if (arrival.peer != nullptr && !arrival.peer->on_link) return;
  paths_.heard(arrival.path, meta.source, received_at,
               vrrp::active_down_interval(desired_.version, advertisement.interval, effective_priority(),
                                          desired_.misses));
}

}  // namespace vipra::router
