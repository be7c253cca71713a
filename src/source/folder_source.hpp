// A folder of definitions (*.yaml, *.yml, *.json; no subfolders) as a source. inotify tells when to look;
// what is there is always read anew, file by file, so that a lost event costs at most `rescan`.
//
// What it promises:
// - Files are never opened unless they are regular, never read while somebody writes them (until they are
// closed,
//   or quiet for `write_patience`), and read again only if they have changed. Editors' temporary files are
//   ignored.
// - Symbolic links are followed (a folder that is one, files that are, Kubernetes' ..data swap).
// - A file that cannot be read, or parsed to its end, is handed over with complete = false: what it defined
// before
//   stays. A file that is gone is reported gone after `removal_grace`, if the folder still stands then: `rm
//   -r`, or an unmounted volume, is no deletion of its files.
// - A folder that is missing, unreadable, or replaced by an empty one takes nothing away: Health says so.
// Runs on the given loop and its thread; blocks only as long as local files take to read.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/time.hpp"
#include "definitions/raw_object.hpp"
#include "source/document.hpp"
#include "source_port/change.hpp"

namespace boost::asio {
class io_context;
}

namespace vipra::source {

struct FolderOptions {
  std::filesystem::path folder;
  DocumentLimits file_limits;
  std::size_t max_total_bytes = 64u << 20;
  std::size_t max_files = 4096;
  Duration settle = std::chrono::milliseconds{2};  // from an event to the look, so that bursts are one
  Duration removal_grace = std::chrono::milliseconds{100};
  Duration write_patience = std::chrono::seconds{1};
  Duration rescan = std::chrono::seconds{10};       // where inotify does not see (network file systems)
  Duration retry = std::chrono::milliseconds{500};  // while the folder cannot be read
};

// Always yields Replaced: the whole folder. Unchanged files stay the same pointers.
class FolderSource final : public Source<definitions::InputFilePtr> {
 public:
  FolderSource(boost::asio::io_context& loop, FolderOptions options);
  ~FolderSource() override;
  FolderSource(const FolderSource&) = delete;
  FolderSource& operator=(const FolderSource&) = delete;

  // The first Health comes after the first look, before the first change.
  void start(OnChange on_change, OnHealth on_health) override;
  void stop() override;

 private:
  class Watcher;
  std::shared_ptr<Watcher> watcher_;
};

}  // namespace vipra::source
