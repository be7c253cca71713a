// Compares a text with tests/cli/golden/<name>.txt. VIPRA_UPDATE_GOLDEN=1 in the environment rewrites the
// files instead: then read the diff.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace vipra::cli {

inline bool updating_golden() {
  return std::getenv("VIPRA_UPDATE_GOLDEN") != nullptr;
}

inline std::string file_content(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

inline void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string{VIPRA_SOURCE_DIR} + "/tests/cli/golden/" + name + ".txt";
  if (updating_golden()) {
    std::ofstream{path, std::ios::binary} << text;
    return;
  }
  EXPECT_EQ(text, file_content(path)) << "differs from " << path;
}

}  // namespace vipra::cli
