#include "vrrp/receive.hpp"

#include <algorithm>

namespace vipra::vrrp {
namespace {

bool contains(std::span<const IpAddress> addresses, const IpAddress& wanted) noexcept {
  return std::find(addresses.begin(), addresses.end(), wanted) != addresses.end();
}

bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) noexcept {
  std::uint8_t difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

}  // namespace

const UnicastPeer* find_peer(std::span<const UnicastPeer> peers, const IpAddress& address) noexcept {
  const auto at =
      std::lower_bound(peers.begin(), peers.end(), address,
                       [](const UnicastPeer& peer, const IpAddress& a) { return peer.address < a; });
  return at != peers.end() && at->address == address ? &*at : nullptr;
}

tl::expected<Arrival, DropReason> check_segment(const IpMeta& meta, const SegmentPolicy& policy) noexcept {
  if (contains(policy.own_addresses, meta.source)) return tl::unexpected{DropReason::kSelfEcho};
  const auto* peer = find_peer(policy.peers, meta.source);
  if (meta.destination == vrrp_group(meta.source.family())) {
    if (!policy.multicast) return tl::unexpected{DropReason::kDestination};
    return Arrival{Path::kMulticast, peer, kTtl};
  }
  if (!contains(policy.own_addresses, meta.destination)) return tl::unexpected{DropReason::kDestination};
  if (policy.peers.empty()) return tl::unexpected{DropReason::kDestination};
  if (peer != nullptr) return Arrival{Path::kUnicast, peer, peer->on_link ? kTtl : 1};
  if (policy.neighbours_are_peers && meta.source.is_link_local()) {
    return Arrival{Path::kUnicast, nullptr, kTtl};
  }
  return tl::unexpected{DropReason::kSource};
}

std::optional<DropReason> check_policy(const Advertisement& advertisement,
                                       const ReceivePolicy& policy) noexcept {
  if (advertisement.version != policy.version) return DropReason::kVersion;
  if (advertisement.vrid != policy.vrid.value()) return DropReason::kVrid;
  if (policy.version == Version::kV3) return std::nullopt;
  if (advertisement.auth_type != policy.auth_type) return DropReason::kAuthType;
  if (policy.auth_type != kNoAuthentication &&
      !equal_in_constant_time(advertisement.auth_data, policy.auth_data)) {
    return DropReason::kAuthFail;
  }
  if (advertisement.interval != policy.interval) return DropReason::kIntervalMismatch;
  return std::nullopt;
}

}  // namespace vipra::vrrp
