// Addresses that the lab itself promises to be well-formed: constants, and slices of the right size.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.hpp"
#include "base/ip_address.hpp"

namespace vipra::lab {

[[nodiscard]] inline IpAddress literal_address(std::string_view text) {
  const auto address = IpAddress::parse(text);
  VIPRA_CHECK(address.has_value());
  return *address;
}

// 4 or 16 bytes.
[[nodiscard]] inline IpAddress address_from(std::span<const std::uint8_t> bytes) {
  const auto address = IpAddress::from_bytes(bytes);
  VIPRA_CHECK(address.has_value());
  return *address;
}

}  // namespace vipra::lab
