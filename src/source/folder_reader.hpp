// One look at a folder of definitions: what is there, with what has not changed taken from the look before.
// All the rules about single files are here; when to look is FolderSource's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "source/folder_source.hpp"

namespace vipra::source {

// Whether a file of this name is a definition: by its ending, and not what an editor leaves behind.
[[nodiscard]] bool is_definition_name(std::string_view name) noexcept;

// One file by its path, whatever its name, under the rules for files of a folder.
[[nodiscard]] definitions::InputFile read_single_file(const std::filesystem::path& path);

struct FolderLook {
  Health health;
  std::vector<definitions::InputFilePtr> files;  // sorted by name; meaningless while not readable
  std::vector<std::string> links;                // names that are symbolic links
  bool removals_pending = false;                 // look again after the grace
};

class FolderReader {
 public:
  explicit FolderReader(FolderOptions options) : options_{std::move(options)} {}

  struct Hints {
    std::set<std::string, std::less<>> changed;        // read these even if they look the same
    std::set<std::string, std::less<>> being_written;  // and these not yet
    bool trust_nothing = false;                        // events were lost: read everything
    bool another_folder = false;                       // the path leads elsewhere than before
  };
  [[nodiscard]] FolderLook look(TimePoint now, const Hints& hints);

 private:
  // What tells one content of a file from another without reading it.
  struct Stamp {
    dev_t device{};
    ino_t inode{};
    off_t size{};
    std::int64_t modified_ns{};
    std::int64_t changed_ns{};
    bool operator==(const Stamp&) const = default;
  };
  struct Known {
    definitions::InputFilePtr file;
    std::optional<Stamp> stamp;  // none: it was not read, but refused
    std::size_t content_hash = 0;
    bool fresh = false;  // changed so recently that the stamp may miss the next change
    std::optional<TimePoint> missing_since;
  };
  struct Listing;

  Health list(Listing& listing) const;
  void look_at(int folder, const std::string& name, const Hints& hints);
  void read(int folder, const std::string& name, Known& known);
  void refuse(const std::string& name, Known& known, Reason reason, std::string message) const;
  void forget_missing(TimePoint now, const Listing& listing, FolderLook& out);

  FolderOptions options_;
  std::map<std::string, Known, std::less<>> known_;  // by the bytes of the name
  bool lost_ =
      false;  // the folder went away since files were last seen in it; an inode number proves nothing
  std::size_t total_bytes_ = 0;  // of the current look
};

}  // namespace vipra::source
