// `vipra-lab cluster-demo`: Vipra in a real Kubernetes cluster, from `helm install` to a crashed node, told
// step by step as kubectl shows it.
#pragma once

#include <cstddef>
#include <filesystem>

namespace vipra::lab {

struct ClusterDemoOptions {
  std::size_t nodes = 3;
  std::filesystem::path binaries{};  // of Kubernetes; empty: as scripts/kube-binaries says
  std::filesystem::path programs{};  // of Vipra
  bool keep_files = false;
};

// The program's exit status: 0, or 1 if something did not happen or a bound was missed on a quiet host.
[[nodiscard]] int run_cluster_demo(const ClusterDemoOptions& options);

}  // namespace vipra::lab
