// The schema as a page for people: docs/virtualip.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace vipra::tools {

[[nodiscard]] std::string field_reference(const nlohmann::json& schema);

}  // namespace vipra::tools
