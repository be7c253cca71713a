// The configuration that a node's programs read.
#pragma once

#include <filesystem>
#include <string>

namespace vipra::lab::kube {

struct NodeFacts {
  std::string name;
  std::filesystem::path folder;
  std::string pod_range;  // 10.244.1.0/24
  std::filesystem::path client_ca;
  std::filesystem::path proxy_kubeconfig;
  bool overlay = true;  // false: this file system can not carry overlayfs, layers are copied
};

[[nodiscard]] std::string containerd_config(const NodeFacts& facts);
[[nodiscard]] std::string cni_config(const NodeFacts& facts);
[[nodiscard]] std::string kubelet_config(const NodeFacts& facts);
[[nodiscard]] std::string proxy_config(const NodeFacts& facts);
// The first process of a node, for bash: $1 its folder, $2 its name, $3 its control group, $4 kSecondInit.
// Says "up" in <folder>/up.
extern const char* const kInit;
extern const char* const kSecondInit;
// For sh, inside a node: runs "$@" in the node's control groups.
extern const char* const kJoin;

}  // namespace vipra::lab::kube
