// Just enough of Ethernet, ARP, IP, ICMPv6 and VRRP to count what is on the wire and to put hostile things on
// it. On purpose not the project's codec: what is judged must not be the judge.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip_address.hpp"
#include "base/mac_address.hpp"

namespace vipra::lab {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;

inline constexpr std::uint16_t kEtherIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherArp = 0x0806;
inline constexpr std::uint16_t kEtherIpv6 = 0x86dd;
inline constexpr std::uint8_t kProtocolVrrp = 112;

// --- reading: all take a whole Ethernet frame; nullopt means "not one of these" (or cut short)
struct VrrpSeen {
  Family family = Family::kIpv4;
  MacAddress from_mac;
  IpAddress source{};
  IpAddress destination{};
  std::uint8_t ttl = 0;
  std::uint8_t version = 0;
  std::uint8_t vrid = 0;
  std::uint8_t priority = 0;
  std::uint16_t interval_cs = 0;  // version 3; in version 2 seconds * 100
  std::vector<IpAddress> addresses{};
};
[[nodiscard]] std::optional<VrrpSeen> as_vrrp(ByteSpan frame);

struct GratuitousArp {
  IpAddress address;
  MacAddress mac;  // sender hardware address in the ARP body
  bool request = true;
};
[[nodiscard]] std::optional<GratuitousArp> as_gratuitous_arp(ByteSpan frame);

struct NeighbourAdvertisement {
  IpAddress source{};
  IpAddress destination{};
  IpAddress target;
  std::optional<MacAddress> mac;  // target link-layer address option
  bool solicited = false;
  bool override_flag = false;
  bool router = false;
};
[[nodiscard]] std::optional<NeighbourAdvertisement> as_neighbour_advertisement(ByteSpan frame);

// --- writing
[[nodiscard]] Bytes ethernet(const MacAddress& destination, const MacAddress& source, std::uint16_t type,
                             ByteSpan payload);
// A whole frame. Multicast destinations get their multicast MAC, others `destination_mac`.
struct IpFrame {
  MacAddress source_mac{};
  MacAddress destination_mac{};
  IpAddress source{};
  IpAddress destination{};
  std::uint8_t protocol = kProtocolVrrp;
  std::uint8_t ttl = 255;
};
[[nodiscard]] Bytes ip_frame(const IpFrame& head, ByteSpan payload);

enum class VrrpChecksum : std::uint8_t { kPseudoHeader, kPlain };
struct Advert {
  std::uint8_t version = 3;
  std::uint8_t vrid = 1;
  std::uint8_t priority = 100;
  std::uint16_t interval_cs = 100;
  std::vector<IpAddress> addresses{};
  VrrpChecksum checksum = VrrpChecksum::kPseudoHeader;  // IPv4 only; IPv6 always has the pseudo header
};
// The VRRP message alone, checksum filled in; and as a whole frame from source to the VRRP group.
[[nodiscard]] Bytes vrrp_message(const Advert& advert, const IpAddress& source);
[[nodiscard]] Bytes vrrp_frame(const Advert& advert, const MacAddress& source_mac, const IpAddress& source);
[[nodiscard]] Bytes gratuitous_arp_frame(const MacAddress& mac, const IpAddress& address,
                                         bool request = true);
[[nodiscard]] Bytes neighbour_advertisement_frame(const MacAddress& mac, const IpAddress& address);

}  // namespace vipra::lab
