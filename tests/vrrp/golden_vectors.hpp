// The lines of tests/golden/*.jsonl.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"

namespace vipra::golden {

using Json = nlohmann::json;
using ByteString = std::vector<std::uint8_t>;

// Throws when the file is missing, empty or malformed: no test may pass on nothing.
[[nodiscard]] std::vector<Json> load(std::string_view file);
[[nodiscard]] Json find(std::string_view file, std::string_view name);
[[nodiscard]] ByteString from_hex(std::string_view hex);
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
[[nodiscard]] IpAddress address(const Json& text);

// "P7b" as gtest wants a parameter's name.
[[nodiscard]] std::string test_name(const Json& vector);

}  // namespace vipra::golden
