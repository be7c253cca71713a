#include <algorithm>

#include "lab/frames.hpp"
#include "lab/literal.hpp"

namespace vipra::lab {
namespace {

constexpr MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

void append(Bytes& to, ByteSpan bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}
void append16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8U));
  to.push_back(static_cast<std::uint8_t>(value));
}
void put16(Bytes& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8U);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint16_t internet_checksum(ByteSpan bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

std::uint16_t checksum_with_pseudo_header(const IpAddress& source, const IpAddress& destination,
                                          std::uint8_t protocol, ByteSpan message) {
  Bytes all;
  append(all, source.bytes());
  append(all, destination.bytes());
  if (source.is_v4()) {
    all.push_back(0);
    all.push_back(protocol);
    append16(all, message.size());
  } else {
    append16(all, 0);
    append16(all, message.size());
    append(all, Bytes{0, 0, 0, protocol});
  }
  append(all, message);
  return internet_checksum(all);
}

MacAddress multicast_mac(const IpAddress& group) {
  const auto b = group.bytes();
  if (group.is_v4())
    return MacAddress{{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(b[1] & 0x7fU), b[2], b[3]}};
  return MacAddress{{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

Bytes ipv4_head(const IpFrame& head, std::size_t payload_size) {
  Bytes bytes{0x45, 0xc0};
  append16(bytes, 20 + payload_size);
  append16(bytes, 0);
  append16(bytes, 0);
  bytes.push_back(head.ttl);
  bytes.push_back(head.protocol);
  append16(bytes, 0);
  append(bytes, head.source.bytes());
  append(bytes, head.destination.bytes());
  put16(bytes, 10, internet_checksum(bytes));
  return bytes;
}

Bytes ipv6_head(const IpFrame& head, std::size_t payload_size) {
  Bytes bytes{0x60, 0, 0, 0};
  append16(bytes, payload_size);
  bytes.push_back(head.protocol);
  bytes.push_back(head.ttl);
  append(bytes, head.source.bytes());
  append(bytes, head.destination.bytes());
  return bytes;
}

}  // namespace

Bytes ethernet(const MacAddress& destination, const MacAddress& source, std::uint16_t type,
               ByteSpan payload) {
  Bytes frame;
  append(frame, destination.bytes);
  append(frame, source.bytes);
  append16(frame, type);
  append(frame, payload);
  return frame;
}

Bytes ip_frame(const IpFrame& head, ByteSpan payload) {
  const bool v4 = head.source.is_v4();
  Bytes packet = v4 ? ipv4_head(head, payload.size()) : ipv6_head(head, payload.size());
  append(packet, payload);
  const auto to = head.destination.is_multicast() ? multicast_mac(head.destination) : head.destination_mac;
  return ethernet(to, head.source_mac, v4 ? kEtherIpv4 : kEtherIpv6, packet);
}

Bytes vrrp_message(const Advert& advert, const IpAddress& source) {
  Bytes message{static_cast<std::uint8_t>(advert.version * 16 + 1), advert.vrid, advert.priority,
                static_cast<std::uint8_t>(advert.addresses.size())};
  append16(message, advert.version == 2 ? advert.interval_cs / 100U : advert.interval_cs);
  append16(message, 0);
  for (const auto& address : advert.addresses) append(message, address.bytes());
  if (advert.version == 2)
    message.insert(message.end(), 8, 0);  // authentication data, RFC 3768 section 5.3.10
  const bool plain = advert.version == 2 || (source.is_v4() && advert.checksum == VrrpChecksum::kPlain);
  put16(message, 6,
        plain ? internet_checksum(message)
              : checksum_with_pseudo_header(source, vrrp_group(source.family()), kProtocolVrrp, message));
  return message;
}

Bytes vrrp_frame(const Advert& advert, const MacAddress& source_mac, const IpAddress& source) {
  IpFrame head;
  head.source_mac = source_mac;
  head.source = source;
  head.destination = vrrp_group(source.family());
  return ip_frame(head, vrrp_message(advert, source));
}

Bytes gratuitous_arp_frame(const MacAddress& mac, const IpAddress& address, bool request) {
  Bytes body{0, 1, 8, 0, 6, 4, 0, static_cast<std::uint8_t>(request ? 1 : 2)};
  append(body, mac.bytes);
  append(body, address.bytes());
  append(body, request ? Bytes(6, 0) : Bytes(6, 0xff));
  append(body, address.bytes());
  return ethernet(kBroadcast, mac, kEtherArp, body);
}

Bytes neighbour_advertisement_frame(const MacAddress& mac, const IpAddress& address) {
  Bytes message{136, 0, 0, 0, 0x20, 0, 0, 0};
  append(message, address.bytes());
  append(message, Bytes{2, 1});
  append(message, mac.bytes);
  IpFrame head;
  head.source_mac = mac;
  head.source = address;
  head.destination = literal_address("ff02::1");
  head.protocol = 58;
  put16(message, 2, checksum_with_pseudo_header(head.source, head.destination, head.protocol, message));
  return ip_frame(head, message);
}

}  // namespace vipra::lab
