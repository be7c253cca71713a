#include "vrrp/ethernet_frame.hpp"

#include <algorithm>
#include <array>

#include "vrrp/types.hpp"

namespace vipra::vrrp {
namespace {

constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;

class Writer {
 public:
  explicit Writer(std::span<std::uint8_t> out) : out_{out} {}
  void u8(unsigned value) noexcept { out_[at_++] = static_cast<std::uint8_t>(value); }
  void u16(std::size_t value) noexcept {
    u8(static_cast<unsigned>(value >> 8) & 0xff);
    u8(static_cast<unsigned>(value) & 0xff);
  }
  void bytes(std::span<const std::uint8_t> data) noexcept {
    std::copy(data.begin(), data.end(), out_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += data.size();
  }
  [[nodiscard]] std::size_t size() const noexcept { return at_; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t at_ = 0;
};

void group_mac(Writer& to, const IpAddress& group) {
  const auto bytes = group.bytes();
  if (group.is_v4()) {
    to.bytes(std::array<std::uint8_t, 3>{0x01, 0x00, 0x5e});
    to.u8(bytes[1] & 0x7fu);
    to.bytes(bytes.subspan(2));
  } else {
    to.u16(0x3333);
    to.bytes(bytes.subspan(12));
  }
}

void ipv4_header(Writer& to, const Endpoints& endpoints, std::size_t message_size) {
  std::array<std::uint8_t, kIpv4Header> header{};
  Writer into{header};
  into.u8(0x45);
  into.u8(static_cast<unsigned>(kTrafficClass));
  into.u16(kIpv4Header + message_size);
  into.u16(0);       // identification: it is never fragmented
  into.u16(0x4000);  // do not fragment
  into.u8(static_cast<unsigned>(kTtl));
  into.u8(static_cast<unsigned>(kIpProtocol));
  into.u16(0);
  into.bytes(endpoints.source.bytes());
  into.bytes(endpoints.destination.bytes());
  const auto checksum = checksum_fold(checksum_add(0, header));
  header[10] = static_cast<std::uint8_t>(checksum >> 8);
  header[11] = static_cast<std::uint8_t>(checksum & 0xff);
  to.bytes(header);
}

void ipv6_header(Writer& to, const Endpoints& endpoints, std::size_t message_size) {
  to.u16(0x6000u | static_cast<unsigned>(kTrafficClass) << 4);
  to.u16(0);  // flow label
  to.u16(message_size);
  to.u8(static_cast<unsigned>(kIpProtocol));
  to.u8(static_cast<unsigned>(kTtl));
  to.bytes(endpoints.source.bytes());
  to.bytes(endpoints.destination.bytes());
}

}  // namespace

std::size_t build_group_frame(const MacAddress& source, const Endpoints& endpoints,
                              std::span<const std::uint8_t> message, std::span<std::uint8_t> out) noexcept {
  const bool v4 = endpoints.destination.is_v4();
  const std::size_t size = kEthernetHeader + (v4 ? kIpv4Header : kIpv6Header) + message.size();
  if (!endpoints.destination.is_multicast() || endpoints.source.is_v4() != v4 || out.size() < size) return 0;
  Writer to{out};
  group_mac(to, endpoints.destination);
  to.bytes(source.bytes);
  to.u16(v4 ? 0x0800 : 0x86dd);
  if (v4) {
    ipv4_header(to, endpoints, message.size());
  } else {
    ipv6_header(to, endpoints, message.size());
  }
  to.bytes(message);
  return to.size();
}

}  // namespace vipra::vrrp
