// JSON -> YAML in block style, keys in alphabetical order, long texts folded: what a person reads in a diff,
// and what every YAML reader, of 1.1 as of 1.2, takes for the same value.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace vipra::tools {

[[nodiscard]] std::string yaml_text(const nlohmann::json& value);

}  // namespace vipra::tools
