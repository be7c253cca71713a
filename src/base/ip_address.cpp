#include "base/ip_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/mac_address.hpp"

namespace vipra {
namespace {

std::optional<IpAddress> parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> out{};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto end = i < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return std::nullopt;
    const auto part = text.substr(0, end);
    if (part.size() > 1 && part[0] == '0') return std::nullopt;
    unsigned value = 0;
    const auto [ptr, ec] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (ec != std::errc{} || ptr != part.data() + part.size() || value > 255) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(value);
    text.remove_prefix(i < 3 ? end + 1 : end);
  }
  return IpAddress::v4(out[0], out[1], out[2], out[3]);
}

std::optional<std::uint16_t> parse_group(std::string_view part) {
  if (part.empty() || part.size() > 4) return std::nullopt;
  std::uint16_t value = 0;
  const auto [ptr, ec] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
  if (ec != std::errc{} || ptr != part.data() + part.size()) return std::nullopt;
  return value;
}

// Appends the groups of one side of "::"; a dotted quad may end it. Returns false on malformed text.
bool parse_groups(std::string_view side, bool quad_allowed, std::array<std::uint8_t, 16>& out,
                  std::size_t& used) {
  while (!side.empty()) {
    const auto colon = side.find(':');
    const auto part = side.substr(0, colon);
    if (colon == std::string_view::npos && quad_allowed && part.find('.') != std::string_view::npos) {
      const auto quad = parse_v4(part);
      if (!quad || used + 4 > 16) return false;
      for (const auto byte : quad->bytes()) out[used++] = byte;
      return true;
    }
    const auto group = parse_group(part);
    if (!group || used + 2 > 16) return false;
    out[used++] = static_cast<std::uint8_t>(*group >> 8);
    out[used++] = static_cast<std::uint8_t>(*group & 0xff);
    if (colon == std::string_view::npos) return true;
    side.remove_prefix(colon + 1);
    if (side.empty()) return false;  // a trailing single colon
  }
  return true;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  std::array<std::uint8_t, 16> head{};
  std::size_t head_used = 0;
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) {
    if (!parse_groups(text, true, head, head_used) || head_used != 16) return std::nullopt;
    return IpAddress::from_bytes(head);
  }
  std::array<std::uint8_t, 16> tail{};
  std::size_t tail_used = 0;
  if (!parse_groups(text.substr(0, gap), false, head, head_used)) return std::nullopt;
  if (!parse_groups(text.substr(gap + 2), true, tail, tail_used)) return std::nullopt;
  if (head_used + tail_used > 14) return std::nullopt;
  std::copy_n(tail.begin(), tail_used, head.end() - static_cast<std::ptrdiff_t>(tail_used));
  return IpAddress::from_bytes(head);
}

std::string format_v6(std::span<const std::uint8_t> bytes) {
  std::array<std::uint16_t, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) {
    groups[i] = static_cast<std::uint16_t>((bytes[2 * i] << 8) | bytes[2 * i + 1]);
  }
  std::size_t best = 8;
  std::size_t best_length = 1;  // a single zero group is not shortened (RFC 5952 section 4.2.2)
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) best = i, best_length = end - i;
    i = end == i ? i + 1 : end;
  }
  std::string out;
  std::array<char, 8> text{};
  for (std::size_t i = 0; i < 8;) {
    if (i == best) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    const auto end = std::to_chars(text.data(), text.data() + text.size(), groups[i], 16).ptr;
    out.append(text.data(), end);
    ++i;
  }
  return out;
}

}  // namespace

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  IpAddress ip;
  ip.family_ = bytes.size() == 4 ? Family::kIpv4 : Family::kIpv6;
  std::copy(bytes.begin(), bytes.end(), ip.bytes_.begin());
  return ip;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.empty() || text.size() > 45) return std::nullopt;
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

bool IpAddress::is_unspecified() const noexcept {
  return std::all_of(bytes_.begin(), bytes_.end(), [](auto byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto byte) { return byte == 0; }) &&
         bytes_[15] == 1;
}

bool IpAddress::is_multicast() const noexcept {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool IpAddress::is_link_local() const noexcept {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_v4_broadcast() const noexcept {
  return is_v4() && std::all_of(bytes_.begin(), bytes_.begin() + 4, [](auto byte) { return byte == 0xff; });
}

bool IpAddress::is_v4_mapped() const noexcept {
  return !is_v4() && std::all_of(bytes_.begin(), bytes_.begin() + 10, [](auto byte) { return byte == 0; }) &&
         bytes_[10] == 0xff && bytes_[11] == 0xff;
}

bool IpAddress::shares_prefix(const IpAddress& other, unsigned prefix_length) const noexcept {
  if (family_ != other.family_ || prefix_length > address_size(family_) * 8) return false;
  const auto whole = prefix_length / 8;
  if (!std::equal(bytes_.begin(), bytes_.begin() + whole, other.bytes_.begin())) return false;
  const auto rest = prefix_length % 8;
  return rest == 0 || ((bytes_[whole] ^ other.bytes_[whole]) >> (8 - rest)) == 0;
}

std::string IpAddress::to_string() const {
  if (!is_v4()) {
    if (is_v4_mapped()) return "::ffff:" + v4(bytes_[12], bytes_[13], bytes_[14], bytes_[15]).to_string();
    return format_v6(bytes());
  }
  std::array<char, 16> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%u.%u.%u.%u", bytes_[0], bytes_[1], bytes_[2], bytes_[3]);
  return {text.data(), static_cast<std::size_t>(length)};
}

IpAddress vrrp_group(Family family) {
  // Asked for with every packet: read once.
  static const IpAddress v4 = *IpAddress::parse(kVrrpGroupV4);
  static const IpAddress v6 = *IpAddress::parse(kVrrpGroupV6);
  return family == Family::kIpv4 ? v4 : v6;
}

std::string MacAddress::to_string() const {
  std::array<char, 18> text{};
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                bytes[3], bytes[4], bytes[5]);
  return text.data();
}

}  // namespace vipra
