// Points of the wall clock as text that machines and people read.
#pragma once

#include <cstdint>
#include <string>

namespace vipra {

// RFC 3339 in UTC, "2026-11-22T09:30:00Z". What lies outside of the years 1 to 9999 becomes the nearest of
// them, because the format can say no more.
[[nodiscard]] std::string utc_text(std::int64_t unix_seconds);

}  // namespace vipra
