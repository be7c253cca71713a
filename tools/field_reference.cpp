#include "tools/field_reference.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace vipra::tools {
namespace {

using nlohmann::json;

// Table cells: a pipe would end them.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2) text.insert(at, 1, '\\');
  return text;
}

std::string code(const std::string& text) {
  return '`' + cell(text) + '`';
}

std::string value_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string type_text(const json& schema) {
  const std::string type = schema.at("type");
  if (type == "array") return "list of " + type_text(schema.at("items"));
  if (schema.contains("additionalProperties"))
    return "map of " + type_text(schema.at("additionalProperties"));
  if (schema.value("format", "") == "date-time") return "time";
  return type;
}

void append_bounds(const json& schema, const char* low_key, const char* high_key, const std::string& what,
                   std::vector<std::string>& out) {
  const bool low = schema.contains(low_key), high = schema.contains(high_key);
  if (low && high) {
    out.push_back(schema[low_key].dump() + " to " + schema[high_key].dump() + what);
  } else if (high) {
    out.push_back("at most " + schema[high_key].dump() + what);
  } else if (low) {
    out.push_back("at least " + schema[low_key].dump() + what);
  }
}

void append_constraints(const json& schema, std::vector<std::string>& out) {
  if (schema.contains("enum")) {
    std::string list = "one of";
    for (const auto& value : schema["enum"])
      list.append(list == "one of" ? " " : ", ").append(code(value_text(value)));
    out.push_back(std::move(list));
  }
  append_bounds(schema, "minimum", "maximum", "", out);
  append_bounds(schema, "minLength", "maxLength", " characters", out);
  append_bounds(schema, "minItems", "maxItems", " items", out);
  append_bounds(schema, "minProperties", "maxProperties", " entries", out);
  if (schema.contains("pattern")) out.push_back("must match " + code(schema["pattern"]));
  const auto list_type = schema.value("x-kubernetes-list-type", "");
  if (list_type == "set") out.push_back("no duplicates");
  if (list_type == "map") {
    std::string keys;
    for (const auto& key : schema["x-kubernetes-list-map-keys"])
      keys.append(keys.empty() ? "" : ", ").append(key);
    out.push_back("unique by " + keys);
  }
  for (const auto& rule : schema.value("x-kubernetes-validations", json::array())) {
    std::string where = rule.value("fieldPath", "");
    if (!where.empty()) where = code(where.substr(1)) + ": ";
    out.push_back(where + cell(rule.at("message").get<std::string>()));
  }
}

class Page {
 public:
  void add_fields(const json& schema, const std::string& place) {
    const auto required = schema.value("required", std::vector<std::string>{});
    const auto properties = schema.value("properties", json::object());
    for (const auto& [name, child] : properties.items()) {
      const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
      add_field(child, place.empty() ? name : place + '.' + name, is_required);
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void add_field(const json& schema, const std::string& place, bool is_required) {
    std::vector<std::string> constraints;
    append_constraints(schema, constraints);
    // A list of scalars is one row: what its items must be is said there.
    const json* inner = schema.contains("items") ? &schema["items"] : nullptr;
    if (schema.contains("additionalProperties")) inner = &schema["additionalProperties"];
    std::vector<std::string> of_items;
    if (inner != nullptr) append_constraints(*inner, of_items);
    for (auto& text : of_items) constraints.push_back("each: " + text);

    std::string needed = is_required ? "required" : "";
    if (schema.contains("default")) needed = "default " + code(value_text(schema["default"]));
    text_ += "| " + code(place) + " | " + type_text(schema) + " | " + needed + " | " +
             cell(schema.at("description").get<std::string>());
    if (!constraints.empty()) text_ += "<br>";
    for (const auto& constraint : constraints) {
      text_.append(&constraint == &constraints.front() ? "*" : "; ").append(constraint);
    }
    text_ += constraints.empty() ? " |\n" : "* |\n";
    add_fields(schema, place);
    if (inner != nullptr) add_fields(*inner, place + "[]");
  }

  std::string text_;
};

// A CustomResourceDefinition may not describe metadata itself.
constexpr const char* kMetadata =
    "Standard metadata of a Kubernetes object. From a file, only the name is needed. The creation time, "
    "where there is "
    "one, decides between two objects that claim the same address: the older wins, and an object without "
    "one, as from a "
    "file, counts as oldest.";

constexpr const char* kTableHead = "\n| field | type | | meaning |\n|---|---|---|---|\n";

}  // namespace

std::string field_reference(const json& schema) {
  const auto& properties = schema.at("properties");
  std::string out =
      "<!-- Generated from api/crd/virtualip.schema.yaml by the build. Do not edit; see CONTRIBUTING.md. "
      "-->\n"
      "# VirtualIP, field by field\n\n" +
      schema.at("description").get<std::string>() +
      "\n\nDurations are strings in the GEP-2257 format: one to four parts of digits and a unit (`h`, `m`, "
      "`s`, `ms`), "
      "without decimals, such as `100ms` or `2s500ms`.\n";
  for (const auto& [title, key] :
       {std::pair{"Metadata", "metadata"}, {"Spec", "spec"}, {"Status", "status"}}) {
    Page page;
    page.add_fields(properties.at(key), key);
    out += std::string{"\n## "} + title + "\n\n" + properties.at(key).value("description", kMetadata) + '\n' +
           kTableHead + page.text();
  }
  return out;
}

}  // namespace vipra::tools
