// Input: one byte (bit 0: carried by IPv6; bit 1: mend the checksum, so that what lies behind it is reached;
// bit 2: mend it in the RFC 5798 form), then the message.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fuzz/advertisement_properties.hpp"

namespace {

using namespace vipra;

void mend_checksum(std::vector<std::uint8_t>& message, const vrrp::IpMeta& meta, bool with_pseudo_header) {
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool v6 = (data[0] & 1) != 0;
  const vrrp::IpMeta meta{v6 ? vrrp::virtual_link_local(*vrrp::Vrid::make(9)) : IpAddress::v4(10, 0, 2, 15),
                          vrrp_group(v6 ? Family::kIpv6 : Family::kIpv4), vrrp::kTtl};
  std::vector<std::uint8_t> message{data + 1, data + size};
  if ((data[0] & 2) != 0) mend_checksum(message, meta, v6 || (data[0] & 4) != 0);
  fuzz::check_accepted(meta, message);
  return 0;
}
