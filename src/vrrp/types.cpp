#include "vrrp/types.hpp"

#include <array>

namespace vipra::vrrp {

IpAddress virtual_link_local(Vrid vrid) {
  // The universal bit of 00-00-5E is flipped: 02-00-5E-FF-FE-00-02-{VRID}.
  const std::array<std::uint8_t, 16> bytes{0xfe, 0x80, 0,    0,    0,    0,    0,    0,
                                           0x02, 0x00, 0x5e, 0xff, 0xfe, 0x00, 0x02, vrid.value()};
  return *IpAddress::from_bytes(bytes);
}

}  // namespace vipra::vrrp
