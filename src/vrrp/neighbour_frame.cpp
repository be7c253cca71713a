#include "vrrp/neighbour_frame.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "vrrp/packet.hpp"

namespace vipra::vrrp {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kNaMessage = 24;  // without options
constexpr std::uint16_t kEthertypeArp = 0x0806;
constexpr std::uint16_t kEthertypeIpv6 = 0x86dd;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kNeighbourSolicitation = 135;
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kSourceLinkLayerAddress = 1;
constexpr std::uint8_t kTargetLinkLayerAddress = 2;
constexpr std::uint8_t kRouterFlag = 0x80;
constexpr std::uint8_t kSolicitedFlag = 0x40;
constexpr std::uint8_t kOverrideFlag = 0x20;

// Ethernet, IPv4, their address sizes: all that there is on a segment with VRRP.
constexpr std::array<std::uint8_t, 6> kArpHeader{0x00, 0x01, 0x08, 0x00, 6, 4};
constexpr std::array<std::uint8_t, 16> kAllNodes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::array<std::uint8_t, 16> kSolicitedNode{0xff, 0x02, 0, 0, 0, 0,    0, 0,
                                                      0,    0,    0, 1, 0xff, 0, 0, 0};
constexpr MacAddress kAllNodesMac{{0x33, 0x33, 0x00, 0x00, 0x00, 0x01}};
constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

class FrameWriter {
 public:
  explicit FrameWriter(NeighbourFrame& frame) noexcept : frame_{frame} {}

  FrameWriter& bytes(Bytes data) noexcept {
    VIPRA_CHECK(frame_.size + data.size() <= frame_.bytes.size());
    std::copy(data.begin(), data.end(), frame_.bytes.begin() + static_cast<std::ptrdiff_t>(frame_.size));
    frame_.size += data.size();
    return *this;
  }
  FrameWriter& u8(std::uint8_t value) noexcept { return bytes({&value, 1}); }
  FrameWriter& u16(std::uint16_t value) noexcept {
    return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value & 0xff));
  }
  FrameWriter& ethernet(const MacAddress& to, const MacAddress& from, std::uint16_t ethertype) noexcept {
    return bytes(to.bytes).bytes(from.bytes).u16(ethertype);
  }

 private:
  NeighbourFrame& frame_;
};

std::uint16_t read16(Bytes data, std::size_t at) noexcept {
  return static_cast<std::uint16_t>((data[at] << 8) | data[at + 1]);
}

MacAddress read_mac(Bytes data, std::size_t at) noexcept {
  MacAddress mac;
  std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(at), mac.bytes.size(), mac.bytes.begin());
  return mac;
}

// ICMPv6 sums the message and the IPv6 pseudo-header.
std::uint32_t icmpv6_sum(Bytes source, Bytes destination, Bytes message) noexcept {
  const auto addresses = checksum_add(checksum_add(0, source), destination);
  return checksum_add(addresses + static_cast<std::uint32_t>(message.size()) + kIcmpv6, message);
}

void write_checksum(NeighbourFrame& frame, std::size_t message_at, std::uint32_t sum) noexcept {
  const auto folded = checksum_fold(sum);
  frame.bytes[message_at + 2] = static_cast<std::uint8_t>(folded >> 8);
  frame.bytes[message_at + 3] = static_cast<std::uint8_t>(folded & 0xff);
}

bool is_host(const MacAddress& mac) noexcept {
  return (mac.bytes[0] & 1) == 0 && mac != MacAddress{};
}

bool is_host(const IpAddress& ip) noexcept {
  return !ip.is_unspecified() && !ip.is_multicast() && !ip.is_loopback() && !ip.is_v4_broadcast();
}

std::optional<NeighbourClaim> parse_arp(Bytes packet) {
  if (packet.size() < kArpFrameSize - kEthernetHeader) return std::nullopt;
  if (!std::equal(kArpHeader.begin(), kArpHeader.end(), packet.begin())) return std::nullopt;
  const auto operation = read16(packet, 6);
  if (operation != 1 && operation != 2) return std::nullopt;
  const auto sender_mac = read_mac(packet, 8);
  const auto sender = *IpAddress::from_bytes(packet.subspan(14, 4));
  const auto target = *IpAddress::from_bytes(packet.subspan(24, 4));
  if (!is_host(sender_mac) || !is_host(sender)) return std::nullopt;
  const bool gratuitous = sender == target;
  if (operation == 1 && !gratuitous) return std::nullopt;
  return NeighbourClaim{sender, sender_mac, gratuitous};
}

// The option's address; `fallback` (who sent the frame) without one; nullopt when the options are malformed,
// which makes the whole message invalid (RFC 4861 section 7.1.2).
std::optional<MacAddress> target_mac(Bytes options, const MacAddress& fallback) {
  MacAddress mac = fallback;
  while (!options.empty()) {
    if (options.size() < 2) return std::nullopt;
    const std::size_t size = static_cast<std::size_t>(options[1]) * 8;
    if (size == 0 || size > options.size()) return std::nullopt;
    if (options[0] == kTargetLinkLayerAddress && size == 8) mac = read_mac(options, 2);
    options = options.subspan(size);
  }
  return mac;
}

std::optional<NeighbourClaim> parse_na(Bytes packet, const MacAddress& sender) {
  if (packet.size() < kIpv6Header + kNaMessage || packet[0] >> 4 != 6) return std::nullopt;
  const std::size_t size = read16(packet, 4);
  if (size < kNaMessage || size > packet.size() - kIpv6Header) return std::nullopt;
  if (packet[6] != kIcmpv6 || packet[7] != 255) return std::nullopt;
  const auto message = packet.subspan(kIpv6Header, size);
  if (message[0] != kNeighbourAdvertisement || message[1] != 0) return std::nullopt;
  if (checksum_fold(icmpv6_sum(packet.subspan(8, 16), packet.subspan(24, 16), message)) != 0)
    return std::nullopt;
  const bool solicited = (message[4] & kSolicitedFlag) != 0;
  const bool to_group = packet[24] == 0xff;
  if (solicited && to_group) return std::nullopt;
  const auto target = *IpAddress::from_bytes(message.subspan(8, 16));
  const auto mac = target_mac(message.subspan(kNaMessage), sender);
  if (!mac || !is_host(*mac) || !is_host(target)) return std::nullopt;
  return NeighbourClaim{target, *mac, !solicited};
}

}  // namespace

NeighbourFrame gratuitous_arp(const IpAddress& ip, const MacAddress& mac, ArpForm form) {
  VIPRA_CHECK(ip.is_v4());
  NeighbourFrame frame;
  FrameWriter{frame}
      .ethernet(kBroadcastMac, mac, kEthertypeArp)
      .bytes(kArpHeader)
      .u16(form == ArpForm::kRequest ? 1 : 2)
      .bytes(mac.bytes)
      .bytes(ip.bytes())
      .bytes(mac.bytes)
      .bytes(ip.bytes());
  VIPRA_CHECK(frame.size == kArpFrameSize);
  return frame;
}

NeighbourFrame unsolicited_na(const IpAddress& ip, const MacAddress& mac, bool router) {
  VIPRA_CHECK(!ip.is_v4());
  NeighbourFrame frame;
  FrameWriter write{frame};
  write.ethernet(kAllNodesMac, mac, kEthertypeIpv6);
  constexpr std::uint16_t kPayload = kNaMessage + 8;
  write.u16(0x6000).u16(0).u16(kPayload).u8(kIcmpv6).u8(255).bytes(ip.bytes()).bytes(kAllNodes);
  const std::size_t message_at = frame.size;
  const auto flags = static_cast<std::uint8_t>(kOverrideFlag | (router ? kRouterFlag : 0));
  write.u8(kNeighbourAdvertisement).u8(0).u16(0).u8(flags).u8(0).u16(0).bytes(ip.bytes());
  write.u8(kTargetLinkLayerAddress).u8(1).bytes(mac.bytes);
  VIPRA_CHECK(frame.size == kNaFrameSize);

  write_checksum(frame, message_at, icmpv6_sum(ip.bytes(), kAllNodes, frame.view().subspan(message_at)));
  return frame;
}

NeighbourFrame arp_request(const IpAddress& target, const IpAddress& source, const MacAddress& mac,
                           const std::optional<MacAddress>& to) {
  VIPRA_CHECK(target.is_v4() && source.is_v4());
  NeighbourFrame frame;
  FrameWriter{frame}
      .ethernet(to.value_or(kBroadcastMac), mac, kEthertypeArp)
      .bytes(kArpHeader)
      .u16(1)
      .bytes(mac.bytes)
      .bytes(source.bytes())
      .bytes(MacAddress{}.bytes)
      .bytes(target.bytes());
  VIPRA_CHECK(frame.size == kArpFrameSize);
  return frame;
}

NeighbourFrame neighbour_solicitation(const IpAddress& target, const IpAddress& source, const MacAddress& mac,
                                      const std::optional<MacAddress>& to) {
  VIPRA_CHECK(!target.is_v4() && !source.is_v4());
  std::array<std::uint8_t, 16> destination{};
  auto destination_mac = MacAddress{};
  if (to) {
    std::copy_n(target.bytes().begin(), destination.size(), destination.begin());
    destination_mac = *to;
  } else {
    // RFC 4291 section 2.7.1, RFC 2464 section 7.
    const auto low = target.bytes().last(3);
    destination = kSolicitedNode;
    std::copy(low.begin(), low.end(), destination.begin() + 13);
    destination_mac = MacAddress{{0x33, 0x33, 0xff, low[0], low[1], low[2]}};
  }
  NeighbourFrame frame;
  FrameWriter write{frame};
  write.ethernet(destination_mac, mac, kEthertypeIpv6);
  constexpr std::uint16_t kPayload = kNaMessage + 8;
  write.u16(0x6000).u16(0).u16(kPayload).u8(kIcmpv6).u8(255).bytes(source.bytes()).bytes(destination);
  const std::size_t message_at = frame.size;
  write.u8(kNeighbourSolicitation).u8(0).u16(0).u16(0).u16(0).bytes(target.bytes());
  write.u8(kSourceLinkLayerAddress).u8(1).bytes(mac.bytes);
  VIPRA_CHECK(frame.size == kNaFrameSize);
  write_checksum(frame, message_at, icmpv6_sum(source.bytes(), destination, frame.view().subspan(message_at)));
  return frame;
}

std::optional<NeighbourClaim> parse_neighbour_frame(Bytes frame) {
  if (frame.size() < kEthernetHeader) return std::nullopt;
  const auto payload = frame.subspan(kEthernetHeader);
  switch (read16(frame, 12)) {
    case kEthertypeArp:
      return parse_arp(payload);
    case kEthertypeIpv6:
      return parse_na(payload, read_mac(frame, 6));
    default:
      return std::nullopt;
  }
}

}  // namespace vipra::vrrp
