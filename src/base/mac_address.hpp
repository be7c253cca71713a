#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace vipra {

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  [[nodiscard]] std::string to_string() const;  // lower case, colons
  auto operator<=>(const MacAddress&) const = default;
};

}  // namespace vipra
