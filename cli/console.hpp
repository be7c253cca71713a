// Standard output and error, and the clock: what the commands share of the world.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace vipra::cli {

[[nodiscard]] std::int64_t unix_now_ns();

// Written and flushed; false when nobody reads any more.
bool print(std::string_view text);
void complain(std::string_view text);  // "vipctl: text" on standard error

// Tells why the agent cannot be asked, and what to do about it.
[[nodiscard]] std::string unreachable_text(const Error& error);

}  // namespace vipra::cli
