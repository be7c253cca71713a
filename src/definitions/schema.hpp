// A structural OpenAPI v3 schema, as far as a CustomResourceDefinition may have one, and what the API server
// does with it: defaults, validation, rules. Immutable once built; any thread may use it.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "definitions/error_list.hpp"
#include "definitions/rules.hpp"

namespace vipra::definitions {

class Schema {
 public:
  // `document` is the schema's JSON text, which the build has checked: a malformed one, or a rule without its
  // counterpart, is a broken promise of ours (VIPRA_CHECK).
  Schema(std::string_view document, std::span<const RuleCounterpart> counterparts);
  ~Schema();
  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;

  // Removes nulls and adds missing defaults, as the API server does. Wrong types are left for validate().
  void apply_defaults(nlohmann::json& value) const;

  // Types, required and unknown fields, enumerations, bounds, patterns, uniqueness; then, for every part
  // without such errors, its rules. Recursion is as deep as the schema, whatever `value` is.
  void validate(const nlohmann::json& value, ErrorList& errors) const;

  struct Node;

 private:
  std::unique_ptr<Node> root_;
};

// Every CEL rule of a schema with its place, in no particular order: for the proof that rules and
// counterparts agree.
struct PlacedRule {
  std::string place;
  std::string rule;
};
[[nodiscard]] std::vector<PlacedRule> rules_of_schema(std::string_view document);

// Built from the embedded text at the first call.
[[nodiscard]] const Schema& virtual_ip_schema();

}  // namespace vipra::definitions
