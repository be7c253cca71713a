// The rungs of the receive ladder that need configuration: who may send on this segment (rungs 1 and 2), and
// what one virtual router accepts of a decoded advertisement (rungs 6, 11 and 14). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <tl/expected.hpp>

#include "base/reason.hpp"
#include "base/time.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/types.hpp"

namespace vipra::vrrp {

// Another node that advertisements go to, and may come from, past the group.
struct UnicastPeer {
  IpAddress address;     // what it listens at and sends from
  IpAddress source;      // what we send to it from
  bool on_link = false;  // no router is between
  bool operator==(const UnicastPeer&) const = default;
};

// Addresses and peers are the caller's, and outlive the policy.
struct SegmentPolicy {
  std::span<const IpAddress> own_addresses{};  // of this node on this interface and family
  std::span<const UnicastPeer> peers{};        // sorted by address; nobody else may send past the group
  bool multicast = true;                       // what comes to the group is heard
  // IPv6 where the group is heard too: whoever proves by hop limit 255 to be on the link is no stranger to
  // unicast, because the group would hear him; and the copies of a node have one source on both paths.
  bool neighbours_are_peers = false;
};

// How an advertisement came, and what the codec is to demand of it.
struct Arrival {
  Path path = Path::kMulticast;
  const UnicastPeer* peer = nullptr;  // the sender, where he is one
  // RFC 9568 section 5.1.1.3 wants 255, which nobody beyond a router can send. A peer beyond one cannot keep
  // it: any TTL that arrives is good, and the list of peers is all that guards.
  int least_ttl = kTtl;
};

// Before anything else is looked at: kSelfEcho, kDestination or kSource; an arrival goes on to the codec.
[[nodiscard]] tl::expected<Arrival, DropReason> check_segment(const IpMeta& meta,
                                                              const SegmentPolicy& policy) noexcept;

// The peer of this address; nullptr if there is none. `peers` are sorted by address.
[[nodiscard]] const UnicastPeer* find_peer(std::span<const UnicastPeer> peers,
                                           const IpAddress& address) noexcept;

struct ReceivePolicy {
  Version version = Version::kV3;
  Vrid vrid = *Vrid::make(1);
  Duration interval{};                                // version 2: must be equal; version 3 learns it instead
  std::uint8_t auth_type = kNoAuthentication;         // version 2
  std::array<std::uint8_t, kV2AuthSize> auth_data{};  // padded with zeros
};

// After the codec: kVersion, kVrid, kAuthType, kAuthFail or kIntervalMismatch; nullopt goes to the election.
// The password is compared in constant time. An advertisement of an address owner is accepted by an owner
// (erratum 8298).
[[nodiscard]] std::optional<DropReason> check_policy(const Advertisement& advertisement,
                                                     const ReceivePolicy& policy) noexcept;

}  // namespace vipra::vrrp
