// Objects of a Kubernetes API server as the rest of the program sees them: JSON, checked for what every
// object has, shared and immutable. Decoding never throws and bounds everything (size, depth, number of
// values).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vipra::kube {

// A kind as the API names it in its paths. `name_space` empty: cluster-scoped, or of all namespaces.
struct Resource {
  std::string group;    // "" for the core group
  std::string version;  // "v1"
  std::string plural;   // "nodes"
  std::string name_space;
};
[[nodiscard]] std::string collection_path(const Resource& resource);
// `name` may be anything: it is percent-encoded. `subresource` ("status") may be empty.
[[nodiscard]] std::string object_path(const Resource& resource, std::string_view name,
                                      std::string_view subresource = {});
[[nodiscard]] std::string percent_encoded(std::string_view text);

struct Object {
  std::string key;  // "namespace/name"; "name" where there is no namespace. Unique within a Resource
  std::string name_space;
  std::string name;
  std::string resource_version;
  nlohmann::json json;  // without managedFields and metadata.resourceVersion, and reduced (see Reduce)
};
using ObjectPtr = std::shared_ptr<const Object>;

// Drops from an object what its reader does not need. What is dropped costs no memory, and a change of it is
// no change: a Node whose heartbeat moved, a VirtualIP whose status was written, are the same objects as
// before.
using Reduce = std::function<void(nlohmann::json&)>;

struct JsonLimits {
  std::size_t max_depth = 64;
  std::size_t max_values = 1'000'000;
};
// One JSON text. metadata.managedFields is skipped while reading. Errors: kInvalid.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text, const JsonLimits& limits = {});

// Takes `json` for an object: metadata.name and metadata.resourceVersion must be strings of sane length.
[[nodiscard]] Result<ObjectPtr> make_object(nlohmann::json json, const Reduce& reduce);

// One page of a list.
struct Page {
  std::vector<ObjectPtr> objects;
  std::string resource_version;
  std::string continue_token;  // empty: the last page
};
// The whole answer must be a list (its kind ends in "List", it has a resourceVersion) and every item an
// object: else kInvalid, and nothing of it is believed.
[[nodiscard]] Result<Page> parse_page(std::string_view body, const Reduce& reduce);

// The message of a Status object, bounded and printable, or "" if the body is none.
[[nodiscard]] std::string status_message(std::string_view body);

}  // namespace vipra::kube
