// The last good definitions, node labels, peers and wishes on disk, for a start while the sources cannot be
// read.
//
// One file, "last-good", with a first line that names format, version, length and SHA-256 of what follows
// (JSON). Written to a temporary file beside it, synced, renamed, and the folder synced: after a crash or a
// power cut it holds the old content or the new one. A file that is damaged, or of another version, is
// refused, never half used.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "definitions/raw_object.hpp"
#include "plan/desired_state.hpp"
#include "plan/wish.hpp"

namespace vipra::source {

struct LastGood {
  std::vector<definitions::RawObject> objects;  // DefinitionStore::accepted()
  std::map<std::string, std::string> labels;
  std::vector<plan::Peer> peers;
  std::vector<plan::Wish> wishes;
};

// One thread. Blocks for as long as the disk takes to sync.
class LastGoodFile {
 public:
  explicit LastGoodFile(const std::filesystem::path& state_folder) : folder_{state_folder} {}

  // kNotFound: never saved. kInvalid: damaged or of another version. kIo, kPermission: could not be read.
  [[nodiscard]] Result<LastGood> load();

  // Does nothing if this is what was saved or loaded last.
  [[nodiscard]] Status save(const LastGood& content);

 private:
  std::filesystem::path folder_;
  std::string on_disk_;  // SHA-256 of the payload that is known to be there
};

}  // namespace vipra::source
