// IPv4 and IPv6 addresses as plain values, in network byte order, ordered as RFC 9568's tie-break wants it
// (unsigned, most significant byte first, within one family).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vipra {

enum class Family : std::uint8_t { kIpv4 = 4, kIpv6 = 6 };

[[nodiscard]] constexpr std::string_view to_string(Family family) noexcept {
  return family == Family::kIpv4 ? "IPv4" : "IPv6";
}
[[nodiscard]] constexpr std::size_t address_size(Family family) noexcept {
  return family == Family::kIpv4 ? 4 : 16;
}

class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0

  [[nodiscard]] static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c,
                                              std::uint8_t d) {
    IpAddress ip;
    ip.bytes_[0] = a, ip.bytes_[1] = b, ip.bytes_[2] = c, ip.bytes_[3] = d;
    return ip;
  }
  // nullopt unless the span has 4 or 16 bytes.
  [[nodiscard]] static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);
  // Strict: dotted quad without leading zeros, or RFC 4291 text without zone or prefix length.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] constexpr Family family() const noexcept { return family_; }
  [[nodiscard]] constexpr bool is_v4() const noexcept { return family_ == Family::kIpv4; }
  [[nodiscard]] constexpr std::span<const std::uint8_t> bytes() const noexcept {
    return {bytes_.data(), address_size(family_)};
  }
  [[nodiscard]] bool is_unspecified() const noexcept;
  [[nodiscard]] bool is_loopback() const noexcept;
  [[nodiscard]] bool is_multicast() const noexcept;
  [[nodiscard]] bool is_link_local() const noexcept;  // fe80::/10 or 169.254.0.0/16
  [[nodiscard]] bool is_v4_broadcast() const noexcept;
  [[nodiscard]] bool is_v4_mapped() const noexcept;  // ::ffff:0:0/96
  // Whether the first prefix_length bits agree; false across families.
  [[nodiscard]] bool shares_prefix(const IpAddress& other, unsigned prefix_length) const noexcept;
  [[nodiscard]] std::string to_string() const;  // RFC 5952

  constexpr auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::kIpv4;
  std::array<std::uint8_t, 16> bytes_{};
};

// Groups that VRRP advertisements go to (RFC 9568 section 5.1).
inline constexpr std::string_view kVrrpGroupV4 = "224.0.0.18";
inline constexpr std::string_view kVrrpGroupV6 = "ff02::12";
[[nodiscard]] IpAddress vrrp_group(Family family);

}  // namespace vipra
