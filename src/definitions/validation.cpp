#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "definitions/schema_node.hpp"

namespace vipra::definitions {
namespace {

using nlohmann::json;
using Node = Schema::Node;
using Type = Schema::Node::Type;

std::string_view name_of(Type type) {
  switch (type) {
    case Type::kObject:
      return "an object";
    case Type::kArray:
      return "a list";
    case Type::kString:
      return "a string";
    case Type::kInteger:
      return "an integer";
    case Type::kBoolean:
      return "true or false";
  }
  return "";
}

bool has_type(const json& value, Type type) {
  switch (type) {
    case Type::kObject:
      return value.is_object();
    case Type::kArray:
      return value.is_array();
    case Type::kString:
      return value.is_string();
    case Type::kInteger:
      return value.is_number_integer();
    case Type::kBoolean:
      return value.is_boolean();
  }
  return false;
}

// A scalar as a message shows it; containers by their kind alone.
std::string shown(const json& value) {
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return value.dump();
}

std::string shown(const json& value, const Node& node) {
  return node.secret && value.is_primitive() ? "this value" : shown(value);
}

std::string wrong_type(const json& value, const Node& node) {
  auto message = "must be " + std::string{name_of(node.type)} + ", not " + shown(value, node);
  if (node.type == Type::kString && value.is_primitive()) message += " (put it in quotes)";
  return message;
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Levenshtein distance, for words that are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string unknown_field(std::string_view name, const Node& node) {
  constexpr std::size_t kLongestField = 40;
  std::string message = "is not a field of this object";
  if (name.size() > kLongestField) return message;
  std::string_view best;
  std::size_t best_distance = name.size() / 3 + 1;
  for (const auto& [known, child] : node.properties) {
    const auto d = distance(lower(name), lower(known));
    if (d < best_distance || (d == 0 && best_distance == 0)) best = known, best_distance = d;
  }
  return best.empty() ? message : message.append("; did you mean ").append(in_quotes(best)).append("?");
}

class Validator {
 public:
  explicit Validator(ErrorList& errors) : errors_{errors} {}

  void check(const json& value, const Node& node, const Path& path) {
    const auto before = errors_.found();
    if (!has_type(value, node.type)) {
      errors_.add(path, Reason::kWrongType, wrong_type(value, node));
      return;
    }
    check_value(value, node, path);
    // The API server runs no rule on what its structure already condemns; a counterpart relies on it.
    if (errors_.found() == before) check_rules(value, node, path);
  }

 private:
  void check_value(const json& value, const Node& node, const Path& path) {
    if (!node.one_of_values.empty()) check_enumeration(value, node, path);
    switch (node.type) {
      case Type::kObject:
        return check_object(value, node, path);
      case Type::kArray:
        return check_array(value, node, path);
      case Type::kString:
        return check_string(value.get_ref<const std::string&>(), node, path);
      case Type::kInteger:
        return check_integer(value, node, path);
      case Type::kBoolean:
        return;
    }
  }

  void check_enumeration(const json& value, const Node& node, const Path& path) {
    const auto& allowed = node.one_of_values;
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
    std::string message = shown(value, node) + " is not supported; supported:";
    for (const auto& one : allowed) message.append(&one == &allowed.front() ? " " : ", ").append(shown(one));
    errors_.add(path, Reason::kInvalidValue, std::move(message));
  }

  void check_object(const json& value, const Node& node, const Path& path) {
    if (value.size() > node.max_size) {
      errors_.add(path, Reason::kTooMany, "must have at most " + std::to_string(node.max_size) + " fields");
      return;
    }
    for (const auto& name : node.required) {
      if (!value.contains(name)) errors_.add(path.field(name), Reason::kRequiredField, "is required");
    }
    for (auto field = value.begin(); field != value.end(); ++field) {
      if (node.additional) {
        check(field.value(), *node.additional, path.key(field.key()));
      } else if (const auto child = node.properties.find(field.key()); child != node.properties.end()) {
        check(field.value(), *child->second, path.field(field.key()));
      } else {
        errors_.add(path.field(field.key()), Reason::kUnknownField, unknown_field(field.key(), node));
      }
    }
  }

  void check_array(const json& value, const Node& node, const Path& path) {
    if (value.size() > node.max_size) {
      errors_.add(path, Reason::kTooMany, "must have at most " + std::to_string(node.max_size) + " items");
      return;
    }
    if (value.size() < node.min_size) {
      errors_.add(path, Reason::kInvalidValue,
                  "must have at least " + std::to_string(node.min_size) + " item(s)");
      return;
    }
    for (std::size_t i = 0; i < value.size(); ++i) check(value[i], *node.items, path.item(i));
    if (node.unique_items || !node.unique_keys.empty()) check_unique(value, node, path);
  }

  void check_unique(const json& value, const Node& node, const Path& path) {
    std::set<json> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      json key = json::array();
      if (node.unique_items) {
        if (!value[i].is_string()) continue;
        key.push_back(value[i]);
      }
      for (const auto& name : node.unique_keys) {
        if (!value[i].is_object() || !value[i].contains(name) || !value[i][name].is_primitive()) continue;
        key.push_back(value[i][name]);
      }
      if (key.empty()) continue;  // its type or a missing field has been reported
      const auto [at, fresh] = seen.insert(std::move(key));
      if (!fresh)
        errors_.add(path.item(i), Reason::kDuplicate, shown(at->front()) + " is in the list already");
    }
  }

  void check_string(const std::string& text, const Node& node, const Path& path) {
    const auto size = characters(text);
    if (size > node.max_size) {
      errors_.add(path, Reason::kTooLong,
                  "must have at most " + std::to_string(node.max_size) + " characters");
    } else if (size < node.min_size) {
      errors_.add(path, Reason::kInvalidValue,
                  "must have at least " + std::to_string(node.min_size) + " character(s)");
    } else if (node.pattern && !std::regex_search(text, *node.pattern)) {
      errors_.add(path, Reason::kInvalidValue, shown(text, node) + " must match " + node.pattern_text);
    }
  }

  void check_integer(const json& value, const Node& node, const Path& path) {
    const bool huge = value.is_number_unsigned() &&
                      value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    const auto number = huge ? 0 : value.get<std::int64_t>();
    const bool below = !huge && node.minimum && number < *node.minimum;
    const bool above = huge || (node.maximum && number > *node.maximum);
    if (!below && !above) return;
    auto message = value.dump() + " is out of range";
    if (node.minimum && node.maximum) {
      message = value.dump() + " must be between " + std::to_string(*node.minimum) + " and " +
                std::to_string(*node.maximum);
    }
    errors_.add(path, Reason::kOutOfRange, std::move(message));
  }

  void check_rules(const json& value, const Node& node, const Path& path) {
    for (const auto& rule : node.rules) {
      if (rule.holds(value)) continue;
      auto text = path.to_string();
      for (const auto& name : rule.field_path) text.append(text.empty() ? "" : ".").append(name);
      const auto subject = value.is_primitive() ? shown(value, node) + ' ' : std::string{};
      errors_.add(std::move(text), rule.reason, subject + rule.message);
    }
  }

  ErrorList& errors_;
};

void add_defaults(json& value, const Node& node) {
  if (value.is_array() && node.items) {
    for (auto& item : value) add_defaults(item, *node.items);
  }
  if (!value.is_object() || node.type != Type::kObject) return;
  for (auto field = value.begin(); field != value.end();) {
    field = field->is_null() ? value.erase(field) : std::next(field);
  }
  for (const auto& [name, child] : node.properties) {
    if (!child->default_value.is_null() && !value.contains(name)) value[name] = child->default_value;
    if (const auto field = value.find(name); field != value.end()) add_defaults(*field, *child);
  }
}

}  // namespace

void Schema::apply_defaults(json& value) const {
  add_defaults(value, *root_);
}

void Schema::validate(const json& value, ErrorList& errors) const {
  Validator{errors}.check(value, *root_, Path{});
}

}  // namespace vipra::definitions
