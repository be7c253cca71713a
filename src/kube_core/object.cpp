#include "kube_core/object.hpp"

#include <algorithm>
#include <utility>

namespace vipra::kube {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxResourceVersion = 128;
constexpr std::size_t kMaxMessage = 300;

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

const std::string* find_text(const Json& object, const char* key) {
  const auto* value = find(object, key);
  return value == nullptr ? nullptr : value->get_ptr<const std::string*>();
}

// A string member of `metadata` that is moved out or only looked at; fails if it is no string of sane length.
Result<std::string> text_of(const Json& metadata, const char* key, std::size_t max) {
  const auto* text = find_text(metadata, key);
  if (text == nullptr || text->empty() || text->size() > max)
    return fail(Errc::kInvalid, std::string{"an object without a usable metadata."} + key);
  return *text;
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

std::string collection_path(const Resource& resource) {
  std::string out = resource.group.empty() ? "/api/" : "/apis/" + percent_encoded(resource.group) + "/";
  out += percent_encoded(resource.version);
  if (!resource.name_space.empty()) out += "/namespaces/" + percent_encoded(resource.name_space);
  return out + "/" + percent_encoded(resource.plural);
}

std::string object_path(const Resource& resource, std::string_view name, std::string_view subresource) {
  auto out = collection_path(resource) + "/" + percent_encoded(name);
  if (!subresource.empty()) out += "/" + percent_encoded(subresource);
  return out;
}

// What goes too deep, or is one value too many, is not built; reading goes on, because the reader cannot be
// stopped, but takes no memory any more.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  bool too_deep = false;
  std::size_t values = 0;
  const auto keep = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key) return parsed != "managedFields";
    if (event == Json::parse_event_t::object_end || event == Json::parse_event_t::array_end) return true;
    if (static_cast<std::size_t>(depth) > limits.max_depth) too_deep = true;
    return !too_deep && ++values <= limits.max_values;
  };
  auto out = Json::parse(text.begin(), text.end(), keep, /*allow_exceptions=*/false);
  if (too_deep) return fail(Errc::kInvalid, "JSON that is nested too deeply");
  if (values > limits.max_values) return fail(Errc::kInvalid, "JSON with too many values");
  if (out.is_discarded()) return fail(Errc::kInvalid, "no JSON");
  return out;
}

Result<ObjectPtr> make_object(Json json, const Reduce& reduce) {
  const auto* metadata = find(json, "metadata");
  if (metadata == nullptr || !metadata->is_object())
    return fail(Errc::kInvalid, "an object without metadata");
  auto name = text_of(*metadata, "name", kMaxName);
  if (!name) return tl::unexpected{std::move(name.error())};
  auto version = text_of(*metadata, "resourceVersion", kMaxResourceVersion);
  if (!version) return tl::unexpected{std::move(version.error())};
  auto out = std::make_shared<Object>();
  if (find(*metadata, "namespace") != nullptr) {
    auto name_space = text_of(*metadata, "namespace", kMaxName);
    if (!name_space) return tl::unexpected{std::move(name_space.error())};
    out->name_space = std::move(*name_space);
  }
  out->name = std::move(*name);
  out->resource_version = std::move(*version);
  out->key = out->name_space.empty() ? out->name : out->name_space + "/" + out->name;
  json["metadata"].erase("resourceVersion");
  json["metadata"].erase("managedFields");
  if (reduce) reduce(json);
  out->json = std::move(json);
  return ObjectPtr{std::move(out)};
}

Result<Page> parse_page(std::string_view body, const Reduce& reduce) {
  auto json = parse_json(body);
  if (!json) return tl::unexpected{std::move(json.error())};
  const auto* kind = find_text(*json, "kind");
  if (kind == nullptr || !kind->ends_with("List")) return fail(Errc::kInvalid, "the answer is no list");
  const auto* metadata = find(*json, "metadata");
  if (metadata == nullptr) return fail(Errc::kInvalid, "a list without metadata");
  auto version = text_of(*metadata, "resourceVersion", kMaxResourceVersion);
  if (!version) return fail(Errc::kInvalid, "a list without a resourceVersion");
  Page out;
  out.resource_version = std::move(*version);
  if (const auto* token = find_text(*metadata, "continue")) out.continue_token = *token;
  const auto item_kind = kind->substr(0, kind->size() - 4);
  const auto* group_version = find_text(*json, "apiVersion");
  const auto item_version = group_version == nullptr ? std::string{} : *group_version;
  const auto items = json->find("items");
  if (items == json->end() || (!items->is_array() && !items->is_null()))
    return fail(Errc::kInvalid, "a list without items");
  out.objects.reserve(items->size());
  for (auto& item : *items) {
    if (!item.is_object()) return fail(Errc::kInvalid, "a list with an item that is no object");
    // Items of built-in kinds do not say what they are; in a watch they do.
    if (!item.contains("kind")) item["kind"] = item_kind;
    if (!item.contains("apiVersion")) item["apiVersion"] = item_version;
    auto object = make_object(std::move(item), reduce);
    if (!object) return tl::unexpected{std::move(object.error())};
    out.objects.push_back(std::move(*object));
  }
  return out;
}

std::string status_message(std::string_view body) {
  const auto json = parse_json(body);
  if (!json) return {};
  const auto* kind = find_text(*json, "kind");
  const auto* message = find_text(*json, "message");
  if (kind == nullptr || *kind != "Status" || message == nullptr) return {};
  auto out = message->substr(0, kMaxMessage);
  std::replace_if(out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

}  // namespace vipra::kube
