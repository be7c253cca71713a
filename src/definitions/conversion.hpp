// Valid object -> spec. Private to this module.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "definitions/virtual_ip.hpp"

namespace vipra::definitions {

// `object` is valid and has its defaults; anything else throws what nlohmann throws.
[[nodiscard]] VirtualIpSpec to_spec(const nlohmann::json& object);

// RFC 3339 with whole or fractional seconds, as metav1.Time writes it: seconds since 1970.
[[nodiscard]] std::optional<std::int64_t> parse_timestamp(std::string_view text) noexcept;

}  // namespace vipra::definitions
