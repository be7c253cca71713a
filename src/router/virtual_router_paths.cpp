// By which paths a virtual router is heard and hears: who is admitted, what is missed, what is said about it.
#include "router/virtual_router.hpp"

namespace vipra::router {
namespace {

FaultInfo forms_mixed() {
  return {Reason::kChecksumFormsMixed,
          "the nodes of this router send both IPv4 checksum forms: set spec.vrrp.ipv4Checksum, or the peers' "
          "equivalent, to one form everywhere"};
}

FaultInfo no_peers(const ownership::Segment& segment, const plan::Transport& transport) {
  return {Reason::kNoPeers, std::string{"advertisements go by "} +
                                (transport.multicast() ? "multicast alone" : "unicast alone") + ", and " +
                                segment.name +
                                " reaches no peer: list the other nodes in spec.vrrp.transport.peers"};
}

FaultInfo one_way(const PathWatch& paths) {
  const bool multicast = paths.silent() == vrrp::Path::kMulticast;
  return {Reason::kOneWayMulticast,
          paths.sender().to_string() + " is heard by " +
              (multicast ? "unicast but not by multicast" : "multicast but not by unicast")};
}

}  // namespace

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

// A master that lost its last peer goes on: a list that shrinks takes no address away. Whoever is not master
// does not become one: he would hear nobody say that he is not the only one.
std::optional<FaultInfo> VirtualRouter::missing_peers() const {
  if (desired_.transport.multicast() || !segment_->unicast.peers.empty()) return std::nullopt;
  if ((state() == State::kMaster && had_peers_) || (adoption_ && adoption_->was_master)) return std::nullopt;
  return no_peers(*segment_, desired_.transport);
}

void VirtualRouter::watch_paths(const vrrp::IpMeta& meta, const vrrp::Arrival& arrival,
                                const vrrp::Advertisement& advertisement, TimePoint received_at) {
  if (desired_.transport.mode != plan::TransportMode::kBoth) return;
  // Whoever sits beyond a router is heard by unicast alone, and rightly so.
  if (arrival.peer != nullptr && !arrival.peer->on_link) return;
  paths_.heard(arrival.path, meta.source, received_at,
               vrrp::active_down_interval(desired_.version, advertisement.interval, effective_priority(),
                                          desired_.misses));
  judge_warning();
}

void VirtualRouter::judge_warning() {
  if (desired_.transport.mode != plan::TransportMode::kBoth) paths_.reset();
  const bool elects = state() == State::kMaster || state() == State::kBackup;
  const bool alone = elects && segment_ && desired_.transport.unicast() && segment_->unicast.peers.empty();
  const auto reason = paths_.silent()                     ? Reason::kOneWayMulticast
                      : alone                             ? Reason::kNoPeers
                      : counters_.checksum_form_mixed > 0 ? Reason::kChecksumFormsMixed
                                                          : Reason::kNone;
  // Judged with every advertisement: the words are made only when they are new.
  if (reason == (warning_ ? warning_->reason : Reason::kNone)) return;
  if (reason == Reason::kNone) {
    warning_.reset();
  } else {
    warning_ = reason == Reason::kOneWayMulticast ? one_way(paths_)
               : reason == Reason::kNoPeers       ? no_peers(*segment_, desired_.transport)
                                                  : forms_mixed();
  }
  ports_.journal.on_warning(*this);
  ports_.journal.on_change(*this);
}

}  // namespace vipra::router
