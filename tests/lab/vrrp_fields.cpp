#include "tests/lab/vrrp_fields.hpp"

#include <cstdio>

#include "base/mac_address.hpp"

namespace vipra::lab {
namespace {

std::string hex(ByteSpan bytes) {
  std::string text;
  char digits[3];
  for (const auto byte : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(byte));
    text += digits;
  }
  return text;
}

std::uint16_t be16(ByteSpan bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

std::uint32_t sum(ByteSpan bytes) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) out += be16(bytes, i);
  return out;
}

bool is_zero_checksum(std::uint32_t total) {
  while (total >> 16U != 0) total = (total & 0xffffU) + (total >> 16U);
  return total == 0xffff;
}

// RFC 1071 over the message, alone or with the pseudo-header of the carrying packet.
std::string checksum_form(ByteSpan message, ByteSpan addresses) {
  if (is_zero_checksum(sum(message))) return "message alone";
  const auto pseudo = sum(addresses) + static_cast<std::uint32_t>(message.size()) + kProtocolVrrp;
  return is_zero_checksum(sum(message) + pseudo) ? "with pseudo-header" : "wrong";
}

struct Carrier {
  ByteSpan addresses;
  ByteSpan message;
};

std::optional<Carrier> read_ip(ByteSpan packet, std::uint16_t type, VrrpFields& out) {
  if (type == kEtherIpv4 && packet.size() >= 20 && packet[9] == kProtocolVrrp) {
    const std::size_t head = (packet[0] & 0x0fU) * std::size_t{4};
    const std::size_t total = be16(packet, 2);
    if (total < head || total > packet.size()) return std::nullopt;
    out["IP header size"] = std::to_string(head);
    out["traffic class"] = hex(packet.subspan(1, 1));
    out["don't fragment"] = (packet[6] & 0x40U) != 0 ? "yes" : "no";
    out["TTL"] = std::to_string(packet[8]);
    out["source"] = hex(packet.subspan(12, 4));
    out["destination"] = hex(packet.subspan(16, 4));
    return Carrier{packet.subspan(12, 8), packet.subspan(head, total - head)};
  }
  if (type == kEtherIpv6 && packet.size() >= 40 && packet[6] == kProtocolVrrp) {
    const std::size_t size = be16(packet, 4);
    if (40 + size > packet.size()) return std::nullopt;
    const auto traffic_class = static_cast<std::uint8_t>((packet[0] << 4U | packet[1] >> 4U) & 0xffU);
    out["traffic class"] = hex({&traffic_class, 1});
    out["TTL"] = std::to_string(packet[7]);
    out["source"] = hex(packet.subspan(8, 16));
    out["destination"] = hex(packet.subspan(24, 16));
    return Carrier{packet.subspan(8, 32), packet.subspan(40, size)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<VrrpFields> vrrp_fields(ByteSpan frame) {
  if (frame.size() < 14) return std::nullopt;
  VrrpFields out;
  const auto type = be16(frame, 12);
  const auto carrier = read_ip(frame.subspan(14), type, out);
  if (!carrier || carrier->message.size() < 8) return std::nullopt;
  const auto& [addresses, message] = *carrier;
  out["destination MAC"] = hex(frame.subspan(0, 6));
  out["source MAC"] = hex(frame.subspan(6, 6));
  out["version"] = std::to_string(message[0] >> 4U);
  out["type"] = std::to_string(message[0] & 0x0fU);
  out["virtual router id"] = std::to_string(message[1]);
  out["priority"] = std::to_string(message[2]);
  out["count"] = std::to_string(message[3]);
  const bool v2 = message[0] >> 4U == 2;
  if (v2) out["authentication type"] = std::to_string(message[4]);
  out["interval"] = std::to_string(v2 ? message[5] : be16(message, 4) & 0x0fffU);
  if (!v2) out["reserved"] = std::to_string(message[4] >> 4U);
  out["checksum form"] = checksum_form(message, addresses);
  const std::size_t list = message[3] * std::size_t{type == kEtherIpv4 ? 4U : 16U};
  if (8 + list > message.size()) return std::nullopt;
  out["address list"] = hex(message.subspan(8, list));
  out["behind the list"] = hex(message.subspan(8 + list));
  out["message"] = hex(message);
  return out;
}

std::vector<std::string> differing(const VrrpFields& a, const VrrpFields& b) {
  std::vector<std::string> out;
  for (const auto& [name, value] : a) {
    const auto other = b.find(name);
    if (other == b.end() || other->second != value) out.push_back(name);
  }
  for (const auto& [name, value] : b)
    if (!a.contains(name)) out.push_back(name);
  return out;
}

}  // namespace vipra::lab
