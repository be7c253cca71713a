#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/validation_text.hpp"

namespace vipra::cli {
namespace {

namespace fs = std::filesystem;

// Standard input as a file named "stdin", so that it is judged, and named, like any other.
class SpooledInput {
 public:
  SpooledInput() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "vipctl-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    folder_ = name;
    std::ofstream file{path(), std::ios::binary};
    // An empty input leaves no characters to insert, which is no failure.
    if (std::cin.peek() != std::istream::traits_type::eof()) file << std::cin.rdbuf();
    good_ = file.good() && !std::cin.bad();
  }
  ~SpooledInput() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  SpooledInput(const SpooledInput&) = delete;
  SpooledInput& operator=(const SpooledInput&) = delete;

  [[nodiscard]] fs::path path() const { return folder_ / "stdin"; }
  [[nodiscard]] std::string named(std::string text) const {
    const std::string from = folder_.string() + "/";
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at))
      text.erase(at, from.size());
    return text;
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  fs::path folder_;
  bool good_ = false;
};

}  // namespace

int run_validate(const CommandLine& line) {
  std::optional<SpooledInput> input;
  std::vector<fs::path> paths;
  for (const auto& path : line.paths) {
    if (path != "-") {
      paths.emplace_back(path);
      continue;
    }
    if (!input) {
      input.emplace();
      if (!input->good()) {
        complain("standard input cannot be kept in a temporary file");
        return kExitNegative;
      }
      paths.push_back(input->path());
    }
  }
  auto report = source::validate_files(paths);
  if (input) {
    for (auto& object : report.objects) object.origin = input->named(object.origin);
    for (auto& problem : report.problems) {
      problem.origin = input->named(problem.origin);
      problem.message = input->named(problem.message);
    }
  }
  print(line.output == Output::kJson ? validation_json(report) : validation_text(report));
  return report.ok() ? kExitOk : kExitNegative;
}

}  // namespace vipra::cli
