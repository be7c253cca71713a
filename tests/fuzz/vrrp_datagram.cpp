// Input: an IPv4 datagram as a raw socket delivers it.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/advertisement_properties.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vipra;
  const std::span packet{data, size};
  const auto datagram = vrrp::parse_ipv4_datagram(packet);
  if (!datagram) return 0;
  VIPRA_CHECK(datagram->meta.source.is_v4() && datagram->meta.destination.is_v4());
  VIPRA_CHECK(datagram->message.data() >= data + 20);
  VIPRA_CHECK(datagram->message.data() + datagram->message.size() <= data + size);
  (void)fuzz::check_accepted(datagram->meta, datagram->message);
  return 0;
}
