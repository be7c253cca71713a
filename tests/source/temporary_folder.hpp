// A folder that is gone with the test, and short ways to fill it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace vipra::test {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "vipra-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    fs::permissions(path_, fs::perms{0755});
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] fs::path operator/(std::string_view name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline void write(const fs::path& path, std::string_view text) {
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file << text;
  ASSERT_TRUE(file.flush()) << path;
}

inline std::string definition(const std::string& name, int vrid = 51) {
  return "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: " + name +
         "}\nspec: {addresses: [192.0.2." + std::to_string(vrid) +
         "], vrrp: {virtualRouterID: " + std::to_string(vrid) + "}}\n";
}

}  // namespace vipra::test
