// The counterparts of the schema's CEL rules (x-kubernetes-validations), which cannot run here. A counterpart
// is found by the place of the rule in the schema and by its text, so that neither can change alone; a test
// proves that every rule has exactly one, and that none is left over.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

namespace vipra::definitions {

struct RuleCounterpart {
  std::string_view place;  // "spec.checks[].onFailure": [] is an item of an array
  std::string_view rule;   // the CEL text
  // Called only with a value whose structure (types, required fields, patterns, after defaults) is valid.
  // Like the API server, a rule that does not apply holds.
  bool (*holds)(const nlohmann::json& self);
};

[[nodiscard]] std::span<const RuleCounterpart> rule_counterparts() noexcept;

}  // namespace vipra::definitions
