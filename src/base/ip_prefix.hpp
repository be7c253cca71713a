// An address and how many of its first bits count: 192.0.2.0/24.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.hpp"

namespace vipra {

struct IpPrefix {
  IpAddress address;
  int length = 0;

  // Strict, as isCIDR() of the Kubernetes API: no zone, no leading zeros, not IPv4-mapped. Bits beyond the
  // length may be set.
  [[nodiscard]] static std::optional<IpPrefix> parse(std::string_view text);
  // No bit beyond the length is set.
  [[nodiscard]] bool is_masked() const noexcept;
  [[nodiscard]] std::string to_string() const;

  auto operator<=>(const IpPrefix&) const = default;
};

}  // namespace vipra
