// Judges files as the agent would, without running it: for `vipctl validate` and for CI of definitions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "definitions/raw_object.hpp"

namespace vipra::source {

struct ValidatedObject {
  std::string origin;  // "web.yaml:2"
  std::string name;
  bool valid = false;
};

struct ValidationReport {
  std::size_t files = 0;
  std::vector<ValidatedObject> objects;        // in the order of files and documents
  std::vector<definitions::Problem> problems;  // everything wrong with files and objects; none: all is well
  [[nodiscard]] bool ok() const noexcept { return problems.empty(); }
};

// Folders are read as the agent reads its folder, files whatever their name. Objects of all paths are judged
// together: duplicate names, and addresses that two of them claim, are problems.
[[nodiscard]] ValidationReport validate_files(const std::vector<std::filesystem::path>& paths);

}  // namespace vipra::source
