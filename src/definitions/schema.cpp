#include "definitions/schema.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "definitions/embedded_schema.hpp"
#include "definitions/schema_node.hpp"

namespace vipra::definitions {
namespace {

using nlohmann::json;
using Node = Schema::Node;

Node::Type type_of(const std::string& name) {
  if (name == "array") return Node::Type::kArray;
  if (name == "string") return Node::Type::kString;
  if (name == "integer") return Node::Type::kInteger;
  if (name == "boolean") return Node::Type::kBoolean;
  VIPRA_CHECK(name == "object");
  return Node::Type::kObject;
}

std::string field_of(const std::string& place, const std::string& name) {
  return place.empty() ? name : place + '.' + name;
}

Reason reason_of(const json& rule) {
  const auto reason = rule.value("reason", "FieldValueInvalid");
  if (reason == "FieldValueRequired") return Reason::kRequiredField;
  if (reason == "FieldValueDuplicate") return Reason::kDuplicate;
  return Reason::kRuleViolated;
}

std::vector<std::string> split_field_path(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);  // the dot before each name
    const auto end = path.find('.');
    out.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end, path.size()));
  }
  return out;
}

class Reader {
 public:
  explicit Reader(std::span<const RuleCounterpart> counterparts) : counterparts_{counterparts} {}

  std::unique_ptr<Node> read(const json& schema, const std::string& place) const {
    auto node = std::make_unique<Node>();
    node->type = type_of(schema.at("type"));
    read_bounds(schema, *node);
    read_children(schema, place, *node);
    for (const auto& rule : schema.value("x-kubernetes-validations", json::array())) {
      node->rules.push_back({rule.at("message"), split_field_path(rule.value("fieldPath", "")),
                             reason_of(rule), counterpart(place, rule.at("rule"))});
    }
    return node;
  }

 private:
  static void read_bounds(const json& schema, Node& node) {
    node.default_value = schema.value("default", json{});
    for (const auto& value : schema.value("enum", json::array())) node.one_of_values.push_back(value);
    node.secret = schema.value("format", "") == "password";
    if (schema.value("format", "") == "int32") {
      node.minimum = std::numeric_limits<std::int32_t>::min();
      node.maximum = std::numeric_limits<std::int32_t>::max();
    }
    if (schema.contains("minimum")) node.minimum = schema["minimum"].get<std::int64_t>();
    if (schema.contains("maximum")) node.maximum = schema["maximum"].get<std::int64_t>();
    for (const auto* key : {"minLength", "minItems", "minProperties"}) {
      if (schema.contains(key)) node.min_size = schema[key].get<std::size_t>();
    }
    for (const auto* key : {"maxLength", "maxItems", "maxProperties"}) {
      if (schema.contains(key)) node.max_size = schema[key].get<std::size_t>();
    }
    if (schema.contains("pattern")) {
      node.pattern_text = schema["pattern"];
      node.pattern.emplace(node.pattern_text, std::regex::ECMAScript | std::regex::optimize);
    }
    const auto list_type = schema.value("x-kubernetes-list-type", "atomic");
    node.unique_items = list_type == "set";
    if (list_type == "map")
      node.unique_keys = schema.at("x-kubernetes-list-map-keys").get<std::vector<std::string>>();
  }

  void read_children(const json& schema, const std::string& place, Node& node) const {
    node.required = schema.value("required", std::vector<std::string>{});
    const auto properties = schema.value("properties", json::object());
    for (const auto& [name, child] : properties.items()) {
      auto read_child = read(child, field_of(place, name));
      // Who forgets the name of the field writes the secret in the place of its object.
      node.secret = node.secret || read_child->secret;
      node.properties.emplace(name, std::move(read_child));
    }
    if (schema.contains("items")) node.items = read(schema["items"], place + "[]");
    if (schema.contains("additionalProperties")) {
      node.additional = read(schema["additionalProperties"], place + "{}");
    }
  }

  bool (*counterpart(const std::string& place, const std::string& rule) const)(const json&) {
    const auto found = std::find_if(counterparts_.begin(), counterparts_.end(), [&](const auto& entry) {
      return entry.place == place && entry.rule == rule;
    });
    VIPRA_CHECK(found != counterparts_.end());
    return found->holds;
  }

  std::span<const RuleCounterpart> counterparts_;
};

void collect_rules(const json& schema, const std::string& place, std::vector<PlacedRule>& out) {
  for (const auto& rule : schema.value("x-kubernetes-validations", json::array())) {
    out.push_back({place, rule.at("rule")});
  }
  const auto properties = schema.value("properties", json::object());
  for (const auto& [name, child] : properties.items()) {
    collect_rules(child, field_of(place, name), out);
  }
  if (schema.contains("items")) collect_rules(schema["items"], place + "[]", out);
  if (schema.contains("additionalProperties"))
    collect_rules(schema["additionalProperties"], place + "{}", out);
}

}  // namespace

Schema::Schema(std::string_view document, std::span<const RuleCounterpart> counterparts)
    : root_{Reader{counterparts}.read(json::parse(document), "")} {}
Schema::~Schema() = default;
Schema::Schema(Schema&&) noexcept = default;
Schema& Schema::operator=(Schema&&) noexcept = default;

std::vector<PlacedRule> rules_of_schema(std::string_view document) {
  std::vector<PlacedRule> out;
  collect_rules(json::parse(document), "", out);
  return out;
}

const Schema& virtual_ip_schema() {
  static const Schema schema{embedded_schema(), rule_counterparts()};
  return schema;
}

}  // namespace vipra::definitions
