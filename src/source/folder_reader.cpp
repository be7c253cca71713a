#include "source/folder_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "source/split.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::source {
namespace {

using definitions::InputFile;

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
// Longer than a tick of the kernel's file time stamps.
constexpr std::int64_t kStampDoubtNs = 50'000'000;

std::int64_t to_ns(const timespec& time) {
  return std::int64_t{time.tv_sec} * kNsPerSecond + time.tv_nsec;
}

std::int64_t wall_clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return to_ns(now);
}

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](auto ending) { return name.ends_with(ending); });
}

InputFile unreadable(const std::string& name, Reason reason, std::string message) {
  return unreadable_file(printable(name), reason, std::move(message));
}

std::string message_for(int error) {
  return std::string{"cannot be read: "} + std::strerror(error);
}

// Up to one byte more than `limit`; nullopt and errno if reading failed.
std::optional<std::string> read_up_to(int fd, std::size_t expected, std::size_t limit) {
  std::string text(std::min(expected, limit) + 1, '\0');
  std::size_t used = 0;
  while (used <= limit) {
    if (used == text.size()) text.resize(std::min(text.size() * 2, limit + 1));
    const auto count = ::read(fd, text.data() + used, text.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  text.resize(used);
  return text;
}

bool is_link(int folder, const std::string& name) {
  struct stat status{};
  return ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

}  // namespace

bool is_definition_name(std::string_view name) noexcept {
  if (name.empty() || name.front() == '.' || name.front() == '#' || name.back() == '~') return false;
  return ends_with_any(name, {".yaml", ".yml", ".json"});
}

struct FolderReader::Listing {
  sys::UniqueFd folder;
  std::map<std::string, bool, std::less<>> names;  // and whether it may be a symbolic link
  bool truncated = false;
};

FolderLook FolderReader::look(TimePoint now, const Hints& hints) {
  FolderLook out;
  Listing listing;
  out.health = list(listing);
  lost_ = lost_ || hints.another_folder || !out.health.readable;
  if (!out.health.readable) return out;
  const bool had_files =
      std::any_of(known_.begin(), known_.end(), [](const auto& entry) { return !!entry.second.file; });
  if (lost_ && had_files && listing.names.empty()) {
    out.health = {
        false, Reason::kNotReadable,
        options_.folder.string() + ": is another folder now, an empty one; what the former defined is kept"};
    return out;
  }
  lost_ = false;
  total_bytes_ = 0;
  for (const auto& [name, maybe_link] : listing.names) {
    if (maybe_link && is_link(listing.folder.get(), name)) out.links.push_back(name);
    look_at(listing.folder.get(), name, hints);
  }
  forget_missing(now, listing, out);
  if (listing.truncated) {
    out.health.reason = Reason::kTooMany;
    out.health.message =
        "the folder holds more than " + std::to_string(options_.max_files) + " definition files";
  }
  for (const auto& [name, known] : known_) {
    if (known.file) out.files.push_back(known.file);
  }
  return out;
}

Health FolderReader::list(Listing& listing) const {
  const auto trouble = [&](Reason reason, const std::string& what) {
    return Health{false, reason, options_.folder.string() + ": " + what};
  };
  listing.folder = sys::UniqueFd{::open(options_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!listing.folder) return trouble(Reason::kNotReadable, std::strerror(errno));
  DIR* stream = ::fdopendir(::fcntl(listing.folder.get(), F_DUPFD_CLOEXEC, 0));
  if (stream == nullptr) return trouble(Reason::kNotReadable, std::strerror(errno));
  errno = 0;
  while (const auto* entry = ::readdir(stream)) {
    if (!is_definition_name(entry->d_name)) continue;
    if (listing.names.size() == options_.max_files) {
      listing.truncated = true;
      break;
    }
    listing.names.emplace(entry->d_name, entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
    errno = 0;
  }
  const int error = listing.truncated ? 0 : errno;
  ::closedir(stream);
  if (error != 0) return trouble(Reason::kNotReadable, std::strerror(error));
  return {};
}

void FolderReader::look_at(int folder, const std::string& name, const Hints& hints) {
  auto& known = known_[name];
  known.missing_since.reset();
  struct stat status{};
  if (::fstatat(folder, name.c_str(), &status, 0) != 0) {
    return refuse(name, known, Reason::kNotReadable, message_for(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return refuse(name, known, Reason::kNotReadable, "is not a regular file; it is not opened");
  }
  const Stamp stamp{status.st_dev, status.st_ino, status.st_size, to_ns(status.st_mtim),
                    to_ns(status.st_ctim)};
  const bool same =
      known.stamp == stamp && !known.fresh && !hints.trust_nothing && !hints.changed.contains(name);
  // A hard link is made of a finished file; no event says that it is closed.
  const bool unfinished = hints.being_written.contains(name) && status.st_nlink == 1;
  if (!same && !unfinished) return read(folder, name, known);
  total_bytes_ += static_cast<std::size_t>(status.st_size);
}

void FolderReader::read(int folder, const std::string& name, Known& known) {
  const sys::UniqueFd file{::openat(folder, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0)
    return refuse(name, known, Reason::kNotReadable, message_for(errno));
  if (!S_ISREG(status.st_mode)) return refuse(name, known, Reason::kNotReadable, "is not a regular file");
  const auto limit = options_.file_limits.max_bytes;
  const auto size = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  const auto too_large = [&] {
    refuse(name, known, Reason::kTooLarge, "is larger than " + std::to_string(limit) + " bytes");
  };
  if (size > limit) return too_large();
  if (total_bytes_ + size > options_.max_total_bytes) {
    const auto total = std::to_string(options_.max_total_bytes);
    return refuse(name, known, Reason::kTooLarge,
                  "all definition files together are larger than " + total + " bytes");
  }
  const auto before_ns = wall_clock_ns();
  const auto text = read_up_to(file.get(), size, limit);
  if (!text) return refuse(name, known, Reason::kNotReadable, message_for(errno));
  if (text->size() > limit) return too_large();
  total_bytes_ += text->size();
  const auto hash = std::hash<std::string_view>{}(*text);
  if (!known.file || !known.stamp || known.content_hash != hash) {
    known.file = std::make_shared<const InputFile>(split(printable(name), *text, options_.file_limits));
  }
  known.content_hash = hash;
  known.stamp =
      Stamp{status.st_dev, status.st_ino, status.st_size, to_ns(status.st_mtim), to_ns(status.st_ctim)};
  known.fresh = before_ns - known.stamp->changed_ns < kStampDoubtNs;
}

void FolderReader::refuse(const std::string& name, Known& known, Reason reason, std::string message) const {
  auto file = unreadable(name, reason, std::move(message));
  known.stamp.reset();
  if (known.file && known.file->objects.empty() && known.file->problems == file.problems) return;
  known.file = std::make_shared<const InputFile>(std::move(file));
}

void FolderReader::forget_missing(TimePoint now, const Listing& listing, FolderLook& out) {
  for (auto entry = known_.begin(); entry != known_.end();) {
    auto& known = entry->second;
    if (listing.names.contains(entry->first) || listing.truncated) {
      ++entry;
      continue;
    }
    if (!known.missing_since) known.missing_since = now;
    if (known.file && now - *known.missing_since < options_.removal_grace) {
      out.removals_pending = true;
      ++entry;
    } else {
      entry = known_.erase(entry);
    }
  }
}

InputFile read_single_file(const std::filesystem::path& path) {
  const auto name = path.string();
  const DocumentLimits limits;
  struct stat status{};
  if (::stat(name.c_str(), &status) != 0) return unreadable(name, Reason::kNotReadable, message_for(errno));
  if (!S_ISREG(status.st_mode)) return unreadable(name, Reason::kNotReadable, "is not a regular file");
  const sys::UniqueFd file{::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!file) return unreadable(name, Reason::kNotReadable, message_for(errno));
  const auto text = read_up_to(file.get(), 0, limits.max_bytes);
  if (!text) return unreadable(name, Reason::kNotReadable, message_for(errno));
  return split(printable(name), *text, limits);  // refuses what is too large
}

}  // namespace vipra::source
