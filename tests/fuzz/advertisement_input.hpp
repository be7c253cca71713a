// The input of the fuzz targets of one version: a byte of flags, then the message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vrrp/packet.hpp"

namespace vipra::fuzz {

enum InputFlag : std::uint8_t {
  kOverIpv6 = 1,
  kMendChecksum = 2,      // so that what lies behind it is reached
  kWithPseudoHeader = 4,  // mended in the RFC 5798 form
  kToAPeer = 8,           // not to the group
};

// Sender, peer and groups are those of tests/golden, so that its vectors are good seeds.
struct Input {
  vrrp::IpMeta meta;
  std::vector<std::uint8_t> message;
};

inline void mend_checksum(std::span<std::uint8_t> message, const vrrp::IpMeta& meta,
                          bool with_pseudo_header) {
  if (message.size() < vrrp::kHeaderSize) return;
  message[6] = message[7] = 0;
  auto sum = vrrp::checksum_add(0, message);
  if (with_pseudo_header) {
    sum = vrrp::checksum_add(vrrp::checksum_add(sum, meta.source.bytes()), meta.destination.bytes());
    sum += static_cast<std::uint32_t>(message.size()) + vrrp::kIpProtocol;
  }
  const auto field = vrrp::checksum_fold(sum);
  message[6] = static_cast<std::uint8_t>(field >> 8), message[7] = static_cast<std::uint8_t>(field & 0xff);
}

// `data` has its byte of flags.
inline Input read_input(std::span<const std::uint8_t> data) {
  const auto flags = data[0];
  const bool v6 = (flags & kOverIpv6) != 0;
  Input input;
  input.meta.source = *IpAddress::parse(v6 ? "fe80::a00:27ff:fe11:2233" : "10.0.2.15");
  input.meta.destination = vrrp_group(v6 ? Family::kIpv6 : Family::kIpv4);
  if ((flags & kToAPeer) != 0) input.meta.destination = *IpAddress::parse(v6 ? "fe80::2:20" : "10.0.2.20");
  input.meta.ttl = vrrp::kTtl;
  input.message.assign(data.begin() + 1, data.end());
  if ((flags & kMendChecksum) != 0) {
    mend_checksum(input.message, input.meta, v6 || (flags & kWithPseudoHeader) != 0);
  }
  return input;
}

}  // namespace vipra::fuzz
