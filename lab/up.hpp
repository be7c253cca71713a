// A lab that stays until Ctrl-C, for people to play with.
#pragma once

#include <cstddef>
#include <filesystem>

namespace vipra::lab {

struct UpOptions {
  std::size_t nodes = 3;
  std::filesystem::path agent{};  // empty: no agents are started
  bool keep_files = false;
};

[[nodiscard]] int run_up(const UpOptions& options);

}  // namespace vipra::lab
