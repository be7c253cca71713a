// The image of Vipra for the lab: the programs of one build, with what they need of this machine's libraries.
//
// Not by the Dockerfile: that asks Debian for packages, which takes minutes and a network. What the
// Dockerfile makes is judged by what it is made of (tests/arch).
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace vipra::lab::kube {

inline constexpr const char* kVipraRepository = "vipra.local/vipra";

// `programs`: the folder of vipra-agent, vipra-control, vipra-controller, vipctl. `archive` is made, and a
// folder beside it as scratch.
[[nodiscard]] Status write_vipra_image(const std::filesystem::path& programs, const std::string& tag,
                                       const std::filesystem::path& archive);

}  // namespace vipra::lab::kube
