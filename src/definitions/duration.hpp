// Durations as Kubernetes' GEP-2257 writes them: one to four parts of one to five digits with a unit (h, m,
// s, ms), no sign, no decimals: "100ms", "1h30m", "40s950ms".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace vipra::definitions {

[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text) noexcept;

// The shortest form with the largest units first; zero is "0s". nullopt for what the format cannot say:
// negative values, fractions of a millisecond, more than 99999 hours.
[[nodiscard]] std::optional<std::string> format_duration(Duration duration);

}  // namespace vipra::definitions
