// The lab's folder under the temporary directory, and the promise that nothing outlives the lab: a watchman
// process waits for the lab's end (also by SIGKILL), then kills what is left in the lab's namespaces and
// removes the folder. The namespaces themselves need no cleaning: they have no names, and go with their last
// process.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "lab/net_namespace.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {

class Workspace {
 public:
  // Also removes what dead labs have left (folders whose lock nobody holds, processes that carry their id).
  [[nodiscard]] static Result<std::unique_ptr<Workspace>> make(bool keep_files);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  // The watchman kills whatever is inside these when the lab ends. Call once, with all of them.
  [[nodiscard]] Status guard(const std::vector<const NetNamespace*>& namespaces);

 private:
  Workspace() = default;

  std::filesystem::path directory_;
  std::string id_;
  bool keep_files_ = false;
  UniqueFd lock_;      // flock held while the lab lives
  UniqueFd lifeline_;  // the watchman sees its end
  pid_t watchman_ = -1;
};

// Folders of labs that are dead; for tests. Never those of a live lab.
[[nodiscard]] std::vector<std::filesystem::path> dead_workspaces();
// Removes them and kills their processes. Returns how many were removed.
std::size_t sweep_dead_workspaces();

}  // namespace vipra::lab
