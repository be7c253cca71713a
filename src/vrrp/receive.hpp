// The rungs of the receive ladder that need configuration: who may send on this segment (rungs 1 and 2), and
// what one virtual router accepts of a decoded advertisement (rungs 6, 11 and 14). Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/reason.hpp"
#include "base/time.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/types.hpp"

namespace vipra::vrrp {

// The addresses are the caller's, and outlive the policy.
struct SegmentPolicy {
  std::span<const IpAddress> own_addresses{};  // of this node on this interface and family
  std::span<const IpAddress> unicast_peers{};  // nobody else may send past the group
};

// Before anything else is looked at: kSelfEcho, kDestination or kSource; nullopt goes on to the codec.
[[nodiscard]] std::optional<DropReason> check_segment(const IpMeta& meta,
                                                      const SegmentPolicy& policy) noexcept;

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
