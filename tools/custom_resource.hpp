// The schema as a CustomResourceDefinition: what Kubernetes must know beside it is said here.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace vipra::tools {

// YAML, ready for `kubectl apply`.
[[nodiscard]] std::string custom_resource_definition(const nlohmann::json& schema);

}  // namespace vipra::tools
