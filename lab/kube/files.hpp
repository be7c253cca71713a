#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace vipra::lab::kube {

// Replaces the file; a reader sees the old text or the new one.
[[nodiscard]] Status write_file(const std::filesystem::path& path, std::string_view text, mode_t mode = 0644);
[[nodiscard]] Status make_folder(const std::filesystem::path& path);
// Empty if there is no such file.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
// The last lines, for messages about a failure.
[[nodiscard]] std::string end_of_file(const std::filesystem::path& path, std::size_t bytes = 2000);

// 32 hexadecimal digits from the kernel's random numbers: a password or token.
[[nodiscard]] std::string random_token();

}  // namespace vipra::lab::kube
