// One level of a schema, as schema.cpp reads it and validation.cpp applies it. Private to this module.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "definitions/schema.hpp"

namespace vipra::definitions {

struct BoundRule {
  std::string message;
  std::vector<std::string> field_path;  // below the value that the rule is for
  Reason reason = Reason::kRuleViolated;
  bool (*holds)(const nlohmann::json&) = nullptr;
};

struct Schema::Node {
  enum class Type : std::uint8_t { kObject, kArray, kString, kInteger, kBoolean };

  Type type = Type::kObject;
  std::map<std::string, std::unique_ptr<Node>, std::less<>> properties;
  std::unique_ptr<Node> additional;  // of a map; null: unknown fields are refused
  std::unique_ptr<Node> items;
  std::vector<std::string> required;
  nlohmann::json default_value;  // null: none
  std::vector<nlohmann::json> one_of_values;
  std::optional<std::int64_t> minimum;
  std::optional<std::int64_t> maximum;
  std::size_t min_size = 0;  // characters, items or properties
  std::size_t max_size = static_cast<std::size_t>(-1);
  std::optional<std::regex> pattern;
  std::string pattern_text;
  bool secret = false;  // no message may show a scalar that stands here
  bool unique_items = false;
  std::vector<std::string> unique_keys;  // items are objects that differ in these
  std::vector<BoundRule> rules;
};

}  // namespace vipra::definitions
