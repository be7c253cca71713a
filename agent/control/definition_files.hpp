// All files of definitions together, from the folder and from the API server, as far as they have been read.
// Pure.
//
// A source that has not been read yet stands there with files that are not complete, so that the store keeps
// what an earlier run had from it (definitions/store.hpp).
#pragma once

#include <optional>
#include <vector>

#include "definitions/raw_object.hpp"

namespace vipra::control {

class DefinitionFiles {
 public:
  // Which sources there are.
  DefinitionFiles(bool folder, bool cluster);

  void seed(const std::vector<definitions::RawObject>& last_good);
  void set_folder(std::vector<definitions::InputFilePtr> files);
  void set_cluster(definitions::InputFilePtr file);

  [[nodiscard]] std::vector<definitions::InputFilePtr> all() const;
  // Also true where there is no such source.
  [[nodiscard]] bool folder_read() const noexcept { return folder_read_; }
  [[nodiscard]] bool cluster_read() const noexcept { return cluster_read_; }

 private:
  bool folder_read_;
  bool cluster_read_;
  std::vector<definitions::InputFilePtr> folder_;
  definitions::InputFilePtr cluster_;  // null where there is no cluster
};

}  // namespace vipra::control
