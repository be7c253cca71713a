#include "controller/objects.hpp"

#include <nlohmann/json.hpp>

#include "kube_core/json_access.hpp"

namespace vipra::controller {

using kube::member;
using kube::text;

cluster::Object object_of(const kube::Object& virtual_ip) {
  cluster::Object out;
  const auto& metadata = member(virtual_ip.json, "metadata");
  out.name = virtual_ip.name;
  out.uid = text(metadata, "uid");
  out.resource_version = virtual_ip.resource_version;
  out.deleting = !text(metadata, "deletionTimestamp").empty();
  if (const auto& generation = member(metadata, "generation"); generation.is_number_integer()) {
    out.generation = generation.get<std::int64_t>();
  }
  for (const auto& address : member(member(virtual_ip.json, "spec"), "addresses")) {
    out.addresses.push_back(text(address));
  }
  out.status = cluster::status_from_json(member(virtual_ip.json, "status"));
  return out;
}

const cluster::Object& Objects::set(const kube::ObjectPtr& virtual_ip) {
  return objects_.insert_or_assign(virtual_ip->key, object_of(*virtual_ip)).first->second;
}

std::string Objects::remove(std::string_view key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return {};
  auto uid = found->second.uid;
  objects_.erase(found);
  return uid;
}

std::vector<cluster::Object> Objects::all() const {
  std::vector<cluster::Object> out;
  out.reserve(objects_.size());
  for (const auto& [key, object] : objects_) out.push_back(object);
  return out;
}

}  // namespace vipra::controller
