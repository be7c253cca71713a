// Frames that tell the segment where an address lives, and the decoder of those that others send (the taker's
// announcement ends Releasing; a foreign one is a conflict). Whole Ethernet frames, because the source MAC of
// an announcement is part of what it says. Pure.
//
// Forms (RFC 9568 sections 8.1.2 and 8.2.2 with errata 7947 and 7949, RFC 5227, RFC 4861): gratuitous ARP as
// a request whose sender and target protocol address are the virtual address; optionally as a reply with
// target hardware address = sender's, the only form of a reply that Linux takes as gratuitous. Unsolicited
// neighbour advertisement to ff02::1, override set, solicited clear.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ip_address.hpp"
#include "base/mac_address.hpp"

namespace vipra::vrrp {

inline constexpr std::size_t kArpFrameSize = 42;
inline constexpr std::size_t kNaFrameSize = 86;
inline constexpr std::size_t kMaxNeighbourFrame = kNaFrameSize;

enum class ArpForm : std::uint8_t { kRequest, kReply };

struct NeighbourFrame {
  std::array<std::uint8_t, kMaxNeighbourFrame> bytes{};
  std::size_t size = 0;
  [[nodiscard]] std::span<const std::uint8_t> view() const noexcept { return {bytes.data(), size}; }
};

// `mac` is both the Ethernet source and the address announced; the target hardware address is `mac` too
// (G2/G4).
[[nodiscard]] NeighbourFrame gratuitous_arp(const IpAddress& ip, const MacAddress& mac, ArpForm form);
// `router` is the R flag: what the kernel would put into its own solicited advertisements.
[[nodiscard]] NeighbourFrame unsolicited_na(const IpAddress& ip, const MacAddress& mac, bool router);

// Asks who has `target`, so that the answer comes to `source`, which must be the node's own address of the
// interface: no neighbour learns anything wrong from it. To everybody, or to the `to` that had it last.
[[nodiscard]] NeighbourFrame arp_request(const IpAddress& target, const IpAddress& source,
                                         const MacAddress& mac, const std::optional<MacAddress>& to);
[[nodiscard]] NeighbourFrame neighbour_solicitation(const IpAddress& target, const IpAddress& source,
                                                    const MacAddress& mac,
                                                    const std::optional<MacAddress>& to);

// Somebody says that `ip` is at `mac`. Frames that claim nothing (ARP probes, ordinary requests, solicited or
// malformed ones) give nullopt. A solicited NA is a claim too (`gratuitous` false).
struct NeighbourClaim {
  IpAddress ip;
  MacAddress mac;
  bool gratuitous = false;
};
[[nodiscard]] std::optional<NeighbourClaim> parse_neighbour_frame(
    std::span<const std::uint8_t> ethernet_frame);

}  // namespace vipra::vrrp
