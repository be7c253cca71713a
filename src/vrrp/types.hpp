// Names of the protocol as types: an invalid value cannot exist, a unit cannot be lost.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ip_address.hpp"
#include "base/mac_address.hpp"
#include "base/time.hpp"

namespace vipra::vrrp {

// RFC 9568 section 5.2.3: 1-255.
class Vrid {
 public:
  [[nodiscard]] static constexpr std::optional<Vrid> make(int raw) noexcept {
    if (raw < 1 || raw > 255) return std::nullopt;
    return Vrid{static_cast<std::uint8_t>(raw)};
  }
  [[nodiscard]] constexpr std::uint8_t value() const noexcept { return raw_; }
  auto operator<=>(const Vrid&) const = default;

 private:
  explicit constexpr Vrid(std::uint8_t raw) noexcept : raw_{raw} {}
  std::uint8_t raw_;
};

enum class Version : std::uint8_t { kV2 = 2, kV3 = 3 };

// Authentication of version 2 (RFC 2338 section 5.3.6): the types that may be run, and the data at the end of
// every message, whatever the type.
inline constexpr std::uint8_t kNoAuthentication = 0;
inline constexpr std::uint8_t kSimpleTextPassword = 1;
inline constexpr std::size_t kV2AuthSize = 8;

// The password of type 1. A secret as far as that goes: on purpose nothing turns it into text for people.
class SimplePassword {
 public:
  // 1 to 8 bytes, none of them zero, because zeros pad it on the wire.
  [[nodiscard]] static constexpr std::optional<SimplePassword> make(std::string_view text) noexcept {
    if (text.empty() || text.size() > kV2AuthSize || text.find('\0') != std::string_view::npos)
      return std::nullopt;
    SimplePassword out;
    std::copy(text.begin(), text.end(), out.data_.begin());
    out.size_ = text.size();
    return out;
  }
  // As the message carries it.
  [[nodiscard]] constexpr const std::array<std::uint8_t, kV2AuthSize>& data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }  // without the padding
  bool operator==(const SimplePassword&) const = default;

 private:
  SimplePassword() = default;
  std::array<std::uint8_t, kV2AuthSize> data_{};
  std::size_t size_ = 0;
};

// How the IPv4 checksum of version 3 is made: RFC 9568 sums the message alone, RFC 5798 was read as adding a
// pseudo-header. IPv6 and version 2 have one form each.
enum class ChecksumForm : std::uint8_t { kRfc9568, kRfc5798 };
[[nodiscard]] constexpr std::string_view to_string(ChecksumForm form) noexcept {
  return form == ChecksumForm::kRfc9568 ? "RFC9568" : "RFC5798";
}

// By which way an advertisement came: to the group, or to an address of ours.
enum class Path : std::uint8_t { kMulticast, kUnicast };

using Priority = std::uint8_t;  // on the wire: 0 resigns, 255 owns the addresses
inline constexpr Priority kResign = 0;
inline constexpr Priority kDefaultPriority = 100;
inline constexpr Priority kOwnerPriority = 255;
inline constexpr int kDefaultMisses = 3;  // advertisements that may be lost; not on the wire

inline constexpr std::uint8_t kIpProtocol = 112;
inline constexpr std::uint8_t kTtl = 255;            // section 5.1.1.3: anything else was routed, or forged
inline constexpr std::uint8_t kTrafficClass = 0xc0;  // CS6

// Section 7.3: 00-00-5E-00-01-{VRID} for IPv4, 00-00-5E-00-02-{VRID} for IPv6.
[[nodiscard]] constexpr MacAddress virtual_mac(Family family, Vrid vrid) noexcept {
  const std::uint8_t kind = family == Family::kIpv4 ? 1 : 2;
  return {{0x00, 0x00, 0x5e, 0x00, kind, vrid.value()}};
}
// The modified EUI-64 link-local address of the virtual MAC: fe80::200:5eff:fe00:2{VRID}.
[[nodiscard]] IpAddress virtual_link_local(Vrid vrid);

}  // namespace vipra::vrrp
