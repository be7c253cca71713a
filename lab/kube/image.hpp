// Container images from a folder, without a builder: one layer, written as an OCI archive that
// `ctr images import` and buildah read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vipra::lab::kube {

struct ImageOptions {
  std::string reference;       // "vipra.local/thing:1"; a tag, and a host name with a dot
  std::filesystem::path root;  // becomes "/"; everything in it belongs to root
  std::vector<std::string> entrypoint{};
  std::string user{};                      // "65532:65532"; empty: root
  std::vector<std::string> environment{};  // "NAME=value"
};

// `archive` must not be inside `root`.
[[nodiscard]] Status write_image(const ImageOptions& options, const std::filesystem::path& archive);

// The image that every node has from the start: pause container of all pods, and a small program for tests
// (see pod.c). Entrypoint /pod; imagePullPolicy must be Never or IfNotPresent.
inline constexpr const char* kPodImage = "vipra.local/pod:1";
[[nodiscard]] Status write_pod_image(const std::filesystem::path& archive);

}  // namespace vipra::lab::kube
