// `vipra-lab cluster`: a real Kubernetes cluster, kept until Ctrl-C.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace vipra::lab {

struct ClusterUpOptions {
  std::size_t nodes = 2;
  std::filesystem::path binaries{};             // empty: as scripts/kube-binaries says
  std::vector<std::filesystem::path> images{};  // archives, loaded onto every node
  bool keep_files = false;
};

// The program's exit status.
int run_cluster_up(const ClusterUpOptions& options);

}  // namespace vipra::lab
