// The codec of VRRP advertisements, versions 2 and 3, IPv4 and IPv6 (RFC 9568 section 5, RFC 3768 section 5,
// and the verified errata 8299, 8300, 8301). Pure: bytes in, values or a drop reason out; never allocates,
// never throws.
//
// The rungs of the receive ladder that need no configuration of a virtual router are here; those that do
// (version, VRID, authentication, interval) are in vrrp/receive.hpp. The order of the rungs is the order of
// DropReason.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tl/expected.hpp>

#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"
#include "vrrp/types.hpp"

namespace vipra::vrrp {

inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::size_t kMaxAddresses = 255;
inline constexpr std::size_t kMaxMessage = kHeaderSize + kMaxAddresses * 16 + kV2AuthSize;
// IPv6 addresses that fit one Ethernet frame (1500 - 40 - 8) / 16.
inline constexpr std::size_t kMaxIpv6AddressesInFrame = 90;

// What the carrying IP header told: the codec judges it too.
struct IpMeta {
  IpAddress source;
  IpAddress destination;
  int ttl = 0;
};

// A decoded advertisement. `addresses` points into the packet: valid as long as that is.
struct Advertisement {
  Version version = Version::kV3;
  Family family = Family::kIpv4;
  std::uint8_t vrid = 0;  // 1-255; an unconfigured one is dropped at dispatch
  Priority priority = 0;
  Duration interval{};  // version 2 in whole seconds, version 3 in centiseconds on the wire
  ChecksumForm checksum_form = ChecksumForm::kRfc9568;  // which form verified (version 3, IPv4)
  std::uint8_t auth_type = kNoAuthentication;           // version 2
  std::array<std::uint8_t, kV2AuthSize> auth_data{};    // version 2
  std::span<const std::uint8_t> addresses{};
  std::size_t address_count = 0;

  [[nodiscard]] IpAddress address(std::size_t i) const;
};

// An IPv4 datagram as a raw socket delivers it (with its IP header; Ethernet padding is trimmed to
// total_length). Anything but one whole VRRP datagram is kIpHeader. The TTL is judged with the message, and
// the header's checksum was judged by the kernel.
struct Datagram {
  IpMeta meta;
  std::span<const std::uint8_t> message;
};
[[nodiscard]] tl::expected<Datagram, DropReason> parse_ipv4_datagram(std::span<const std::uint8_t> packet);

// Rungs 4-10 and 13 of the ladder: ttl (at least `least_ttl`), short, version (2 or 3 for IPv4, 3 for IPv6),
// type, addr_count, length, checksum, VRID 0, interval zero (version 3), first IPv6 address link-local.
[[nodiscard]] tl::expected<Advertisement, DropReason> parse_advertisement(
    const IpMeta& meta, std::span<const std::uint8_t> message, int least_ttl = kTtl);

// What to send. Addresses beyond kMaxAddresses, or beyond one frame for IPv6, are a broken promise of the
// caller.
struct AdvertisementFields {
  Version version = Version::kV3;
  Family family = Family::kIpv4;
  Vrid vrid = *Vrid::make(1);
  Priority priority = kDefaultPriority;
  Duration interval{};  // rounded to the unit of the version by the caller (validation did)
  ChecksumForm checksum_form = ChecksumForm::kRfc9568;
  std::span<const IpAddress> addresses{};      // IPv6: the first is link-local
  std::uint8_t auth_type = kNoAuthentication;  // version 2
  std::array<std::uint8_t, kV2AuthSize> auth_data{};
};
// Writes the message into `out` and returns its size. The kernel fills in no checksum: source and destination
// are needed for the pseudo-header forms.
[[nodiscard]] std::size_t build_advertisement(const AdvertisementFields& fields, const IpAddress& source,
                                              const IpAddress& destination, std::span<std::uint8_t> out);

// Changes priority and checksum of a message built before, without building it again: a resignation, or a new
// priority, of a prebuilt packet.
void set_priority(std::span<std::uint8_t> message, Priority priority) noexcept;

// Between whom a message goes: in the checksums that have a pseudo-header.
struct Endpoints {
  IpAddress source;
  IpAddress destination;
  bool operator==(const Endpoints&) const = default;
};

// Changes the checksum of a message built for `from` to what it is for `to`, without building it again.
// Nothing where the form has no pseudo-header (version 2; RFC 9568's IPv4 form).
void set_endpoints(std::span<std::uint8_t> message, ChecksumForm form, const Endpoints& from,
                   const Endpoints& to) noexcept;

// One's-complement sum of RFC 1071 over `data`, continuing `sum`; checksum_fold() ends it and gives what
// belongs into the field: 0 over data whose checksum is right. Only the last piece may have an odd size.
[[nodiscard]] std::uint32_t checksum_add(std::uint32_t sum, std::span<const std::uint8_t> data) noexcept;
[[nodiscard]] std::uint16_t checksum_fold(std::uint32_t sum) noexcept;

}  // namespace vipra::vrrp
