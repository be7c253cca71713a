// Raw object -> defaults -> validation -> spec. Pure. The schema (api/crd/virtualip.schema.yaml, embedded) is
// the one source: types, bounds, enums, unknown fields and defaults are read from it at run time; its CEL
// rules, which cannot run here, have counterparts in rules.cpp, one by one, and a test compares the two
// lists.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/reason.hpp"
#include "definitions/virtual_ip.hpp"

namespace vipra::definitions {

// One thing that is wrong with an object. `path` is a JSON path as Kubernetes prints it:
// spec.checks[0].http.port.
struct FieldError {
  std::string path;
  Reason reason = Reason::kInvalidValue;
  std::string message;  // says what is wrong and what would be right
};

struct ParsedObject {
  std::string name;                   // metadata.name as far as it could be read; may be empty
  std::optional<VirtualIpSpec> spec;  // engaged if and only if `errors` is empty
  std::vector<FieldError> errors;     // at most kMaxErrors, in the order of the object's fields
};
inline constexpr std::size_t kMaxErrors = 32;

// One object (apiVersion, kind, metadata, spec; status and unknown metadata are ignored). Never throws.
[[nodiscard]] ParsedObject parse_virtual_ip(const nlohmann::json& object);

// The defaults of the schema applied to `object`, as the API server would; used by parse and by `vipctl
// validate`.
void apply_defaults(nlohmann::json& object);

}  // namespace vipra::definitions
