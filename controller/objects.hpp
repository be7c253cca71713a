// The VirtualIPs of the cluster as the reducer wants them; each is converted once for each version of it.
// Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kube_core/object.hpp"
#include "operator/reduce.hpp"

namespace vipra::controller {

[[nodiscard]] cluster::Object object_of(const kube::Object& virtual_ip);

class Objects {
 public:
  // Returns what it is now.
  const cluster::Object& set(const kube::ObjectPtr& virtual_ip);
  // Returns the uid of what was there, or "".
  std::string remove(std::string_view key);
  [[nodiscard]] std::vector<cluster::Object> all() const;

 private:
  std::map<std::string, cluster::Object, std::less<>> objects_;  // by key
};

}  // namespace vipra::controller
