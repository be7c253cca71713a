#include "source/validate.hpp"

#include <algorithm>
#include <map>

#include "definitions/store.hpp"
#include "planning/build.hpp"
#include "source/folder_reader.hpp"
#include "source/split.hpp"

namespace vipra::source {
namespace {

using definitions::InputFile;
using definitions::InputFilePtr;

// Names as the user gave them, so that every message can be followed.
InputFilePtr under(const std::string& prefix, InputFile file) {
  file.name = prefix + file.name;
  for (auto& object : file.objects) {
    object.file = prefix + object.file;
    object.origin = prefix + object.origin;
  }
  for (auto& problem : file.problems) problem.origin = prefix + problem.origin;
  return std::make_shared<const InputFile>(std::move(file));
}

std::vector<InputFilePtr> read_folder(const std::filesystem::path& folder) {
  FolderOptions options;
  options.folder = folder;
  const auto found = FolderReader{options}.look(TimePoint{}, {});
  std::vector<InputFilePtr> out;
  out.reserve(found.files.size() + 1);
  for (const auto& file : found.files) out.push_back(under(printable((folder / "").string()), *file));
  if (!found.health.message.empty()) {
    out.push_back(std::make_shared<const InputFile>(
        unreadable_file(printable(folder.string()), found.health.reason, found.health.message)));
  }
  return out;
}

std::vector<InputFilePtr> read_path(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return read_folder(path);
  return {std::make_shared<const InputFile>(read_single_file(path))};
}

// Two good objects that claim the same address: the node would refuse the younger.
void add_conflicts(const definitions::DefinitionStore& store, ValidationReport& report) {
  std::map<std::string, std::string> origins;
  for (const auto& object : store.objects()) origins.emplace(object.name, object.origin);
  for (const auto& refusal : plan::build(store.specs(), {}, 0).refusals) {
    if (refusal.reason != Reason::kAddressConflict) continue;
    report.problems.push_back(
        {origins[refusal.virtual_ip], refusal.virtual_ip, "spec.addresses", refusal.reason, refusal.message});
  }
}

}  // namespace

ValidationReport validate_files(const std::vector<std::filesystem::path>& paths) {
  std::vector<InputFilePtr> files;
  for (const auto& path : paths) {
    const auto found = read_path(path);
    files.insert(files.end(), found.begin(), found.end());
  }
  definitions::DefinitionStore store;
  store.replace(files);
  ValidationReport report{files.size(), {}, store.problems()};
  add_conflicts(store, report);
  for (const auto& file : files) {
    for (const auto& object : file->objects) {
      const auto bad = std::find_if(report.problems.begin(), report.problems.end(),
                                    [&](const auto& problem) { return problem.origin == object.origin; });
      const auto parsed = definitions::parse_virtual_ip(object.json);
      report.objects.push_back({object.origin, parsed.name, bad == report.problems.end()});
    }
  }
  return report;
}

}  // namespace vipra::source
