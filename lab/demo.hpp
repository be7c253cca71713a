// The demonstration: a VIP that moves, told step by step, with what was measured next to what was promised.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>

namespace vipra::lab {

struct DemoOptions {
  std::size_t nodes = 3;
  std::filesystem::path agent{};
  std::chrono::milliseconds interval{100};
  bool keep_files = false;
};

// Exit status of the program: 0, or 1 if something did not happen or a bound was missed on a quiet host.
[[nodiscard]] int run_demo(const DemoOptions& options);

}  // namespace vipra::lab
