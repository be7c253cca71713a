#include <algorithm>
#include <array>

#include "lab/frames.hpp"
#include "lab/literal.hpp"

namespace vipra::lab {
namespace {

constexpr std::size_t kEthernetHead = 14;
constexpr std::size_t kIpv6Head = 40;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kTypeNeighbourAdvertisement = 136;

std::uint16_t be16(ByteSpan bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

MacAddress mac_at(ByteSpan bytes, std::size_t at) {
  MacAddress mac;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), mac.bytes.size(), mac.bytes.begin());
  return mac;
}

struct IpSeen {
  IpAddress source;
  IpAddress destination;
  std::uint8_t ttl = 0;
  std::uint8_t protocol = 0;
  ByteSpan payload;
};

std::optional<IpSeen> as_ipv4(ByteSpan packet) {
  if (packet.size() < 20 || packet[0] >> 4U != 4) return std::nullopt;
  const std::size_t head = (packet[0] & 0x0fU) * std::size_t{4};
  const std::size_t total = be16(packet, 2);
  if (head < 20 || total < head || total > packet.size()) return std::nullopt;
  return IpSeen{address_from(packet.subspan(12, 4)), address_from(packet.subspan(16, 4)), packet[8],
                packet[9], packet.subspan(head, total - head)};
}

std::optional<IpSeen> as_ipv6(ByteSpan packet) {
  if (packet.size() < kIpv6Head || packet[0] >> 4U != 6) return std::nullopt;
  const std::size_t size = be16(packet, 4);
  if (kIpv6Head + size > packet.size()) return std::nullopt;
  return IpSeen{address_from(packet.subspan(8, 16)), address_from(packet.subspan(24, 16)), packet[7],
                packet[6], packet.subspan(kIpv6Head, size)};
}

std::optional<IpSeen> as_ip(ByteSpan frame) {
  if (frame.size() < kEthernetHead) return std::nullopt;
  const auto packet = frame.subspan(kEthernetHead);
  if (be16(frame, 12) == kEtherIpv4) return as_ipv4(packet);
  if (be16(frame, 12) == kEtherIpv6) return as_ipv6(packet);
  return std::nullopt;
}

}  // namespace

std::optional<VrrpSeen> as_vrrp(ByteSpan frame) {
  const auto ip = as_ip(frame);
  if (!ip || ip->protocol != kProtocolVrrp || ip->payload.size() < 8) return std::nullopt;
  const auto body = ip->payload;
  VrrpSeen seen;
  seen.family = ip->source.family();
  seen.from_mac = mac_at(frame, 6);
  seen.source = ip->source, seen.destination = ip->destination, seen.ttl = ip->ttl;
  seen.version = static_cast<std::uint8_t>(body[0] >> 4U);
  seen.vrid = body[1];
  seen.priority = body[2];
  seen.interval_cs = seen.version == 2 ? static_cast<std::uint16_t>(body[5] * 100)
                                       : static_cast<std::uint16_t>(be16(body, 4) & 0x0fffU);
  const std::size_t size = address_size(seen.family);
  for (std::size_t i = 0, at = 8; i < body[3] && at + size <= body.size(); ++i, at += size)
    seen.addresses.push_back(address_from(body.subspan(at, size)));
  return seen;
}

std::optional<GratuitousArp> as_gratuitous_arp(ByteSpan frame) {
  if (frame.size() < kEthernetHead + 28 || be16(frame, 12) != kEtherArp) return std::nullopt;
  const auto body = frame.subspan(kEthernetHead);
  constexpr std::array<std::uint8_t, 6> kEthernetIpv4{0, 1, 8, 0, 6, 4};
  if (!std::equal(kEthernetIpv4.begin(), kEthernetIpv4.end(), body.begin())) return std::nullopt;
  const auto sender = body.subspan(14, 4);
  const auto target = body.subspan(24, 4);
  if (!std::equal(sender.begin(), sender.end(), target.begin())) return std::nullopt;
  return GratuitousArp{address_from(sender), mac_at(body, 8), be16(body, 6) == 1};
}

std::optional<NeighbourAdvertisement> as_neighbour_advertisement(ByteSpan frame) {
  const auto ip = as_ip(frame);
  if (!ip || ip->source.is_v4() || ip->protocol != kIcmpv6) return std::nullopt;
  const auto body = ip->payload;
  if (body.size() < 24 || body[0] != kTypeNeighbourAdvertisement) return std::nullopt;
  NeighbourAdvertisement seen;
  seen.source = ip->source, seen.destination = ip->destination;
  seen.target = address_from(body.subspan(8, 16));
  seen.router = (body[4] & 0x80U) != 0;
  seen.solicited = (body[4] & 0x40U) != 0;
  seen.override_flag = (body[4] & 0x20U) != 0;
  if (body.size() >= 32 && body[24] == 2 && body[25] == 1) seen.mac = mac_at(body, 26);
  return seen;
}

}  // namespace vipra::lab
