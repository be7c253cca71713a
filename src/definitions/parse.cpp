#include "definitions/parse.hpp"

#include <array>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "definitions/conversion.hpp"
#include "definitions/error_list.hpp"
#include "definitions/schema.hpp"

namespace vipra::definitions {
namespace {

using nlohmann::json;

constexpr std::string_view kApiVersion = "vipra.dev/v1alpha1";
constexpr std::string_view kKind = "VirtualIP";
// Deeper or larger than any valid object; checked first, because what follows copies recursively.
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxValues = 50'000;

// Without recursion, so that the depth of `value` is no danger.
bool is_too_large(const json& value) {
  std::vector<std::pair<const json*, std::size_t>> open{{&value, 1}};
  for (std::size_t seen = 0; !open.empty(); ++seen) {
    const auto [at, depth] = open.back();
    open.pop_back();
    if (depth > kMaxDepth || seen + open.size() > kMaxValues) return true;
    if (!at->is_structured()) continue;
    if (at->size() > kMaxValues) return true;
    for (const auto& child : *at) open.emplace_back(&child, depth + 1);
  }
  return false;
}

const json* find(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() ? nullptr : &*at;
}

std::string name_of(const json& object) {
  constexpr std::size_t kLongestShown = 253;
  const auto* metadata = find(object, "metadata");
  const auto* name = metadata != nullptr ? find(*metadata, "name") : nullptr;
  if (name == nullptr || !name->is_string()) return {};
  const auto& text = name->get_ref<const std::string&>();
  return text.size() <= kLongestShown ? text : std::string{};
}

bool check_identity(const json& object, ErrorList& errors) {
  const std::array<std::pair<const char*, std::string_view>, 2> expected{
      {{"apiVersion", kApiVersion}, {"kind", kKind}}};
  const auto before = errors.found();
  for (const auto& [key, value] : expected) {
    const auto* found = find(object, key);
    if (found == nullptr) {
      errors.add(Path{}.field(key), Reason::kRequiredField, "is required: " + std::string{value});
    } else if (!found->is_string() || found->get_ref<const std::string&>() != value) {
      const auto shown = found->is_string() ? in_quotes(found->get_ref<const std::string&>()) : "its value";
      errors.add(Path{}.field(key), Reason::kUnknownKind,
                 shown + " is not known here; known: " + std::string{value});
    }
  }
  return errors.found() == before;
}

// Only what is validated or converted: the rest of metadata, and status, belong to the API server.
json relevant_part(const json& object) {
  json out = json::object();
  for (auto field = object.begin(); field != object.end(); ++field) {
    if (field.key() == "metadata" || field.key() == "status") continue;
    out[field.key()] = field.value();
  }
  const auto* metadata = find(object, "metadata");
  if (metadata == nullptr) return out;
  if (!metadata->is_object()) {
    out["metadata"] = *metadata;
    return out;
  }
  out["metadata"] = json::object();
  if (const auto* name = find(*metadata, "name")) out["metadata"]["name"] = *name;
  return out;
}

void parse_into(const json& object, ParsedObject& out, ErrorList& errors) {
  if (is_too_large(object)) {
    errors.add("", Reason::kTooLarge, "the object is too large or nested too deeply to be a VirtualIP");
    return;
  }
  if (!object.is_object()) {
    errors.add("", Reason::kWrongType, "must be an object");
    return;
  }
  out.name = name_of(object);
  if (!check_identity(object, errors)) return;
  auto relevant = relevant_part(object);
  virtual_ip_schema().apply_defaults(relevant);
  const auto* metadata = find(relevant, "metadata");
  if (metadata == nullptr || (metadata->is_object() && !metadata->contains("name"))) {
    errors.add("metadata.name", Reason::kRequiredField, "is required");
  }
  virtual_ip_schema().validate(relevant, errors);
  if (errors.found() != 0) return;
  for (const auto* key : {"generation", "creationTimestamp"}) {
    if (const auto* value = find(object["metadata"], key)) relevant["metadata"][key] = *value;
  }
  out.spec = to_spec(relevant);
}

}  // namespace

ParsedObject parse_virtual_ip(const json& object) {
  ParsedObject out;
  ErrorList errors;
  try {
    parse_into(object, out, errors);
  } catch (const std::exception& error) {  // a hole between schema and conversion must cost this object only
    out.spec.reset();
    errors.add("", Reason::kInvalidValue, std::string{"cannot be read: "} + error.what());
  }
  out.errors = std::move(errors).take();
  return out;
}

void apply_defaults(json& object) {
  virtual_ip_schema().apply_defaults(object);
}

}  // namespace vipra::definitions
