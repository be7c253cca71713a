// Where the programs of Kubernetes are. scripts/kube-binaries builds them once and knows where; tests never
// build, and never skip: without the programs they fail with the command that makes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace vipra::lab::kube {

enum class Level : std::uint8_t {
  kApi,      // etcd, kube-apiserver, kubectl
  kCluster,  // and all that nodes need, and helm
};

class Binaries {
 public:
  // A folder that has them under their own names.
  explicit Binaries(std::filesystem::path folder) : folder_{std::move(folder)} {}
  // Asks <source>/scripts/kube-binaries, where `source` is the project's top. Obeys KUBEBUILDER_ASSETS.
  [[nodiscard]] static Result<Binaries> find(const std::filesystem::path& source, Level level);

  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  [[nodiscard]] std::string program(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace vipra::lab::kube
