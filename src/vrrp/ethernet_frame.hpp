// An advertisement as a whole Ethernet frame, for whoever sends it with another source MAC address than its
// interface has (RFC 9568 section 7.3: the virtual router's). To the group only: nobody needs to be asked for
// a destination. Pure; never allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/mac_address.hpp"
#include "vrrp/packet.hpp"

namespace vipra::vrrp {

inline constexpr std::size_t kMaxFrame = 1514;

// Writes Ethernet and IP header and `message` into `out` and returns the size, as the kernel would write them
// for a socket with TTL 255 and CS6. 0 where the destination is no multicast address, or `out` is too small.
[[nodiscard]] std::size_t build_group_frame(const MacAddress& source, const Endpoints& endpoints,
                                            std::span<const std::uint8_t> message,
                                            std::span<std::uint8_t> out) noexcept;

}  // namespace vipra::vrrp
