// What a watch sends: one JSON object a line, of any length, cut anywhere by the transport.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "kube_core/object.hpp"

namespace vipra::kube {

inline constexpr std::size_t kMaxWatchLine = 1u << 20;

// Joins what arrives into lines. Not thread-safe.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t max_line = kMaxWatchLine) : max_line_{max_line} {}

  // Hands over each line completed by `bytes`, without its end; empty lines are left out. False once a line
  // was too long: everything after that is ignored.
  bool feed(std::string_view bytes, const std::function<void(std::string_view)>& on_line);
  // What came after the last line end.
  [[nodiscard]] const std::string& rest() const noexcept { return rest_; }

 private:
  std::size_t max_line_;
  std::string rest_;
  bool overflowed_ = false;
};

struct WatchEvent {
  enum class Type { kAdded, kModified, kDeleted, kBookmark, kError };
  Type type = Type::kError;
  ObjectPtr object;                 // added, modified, deleted
  std::string resource_version;     // all but kError
  bool initial_events_end = false;  // a bookmark: all that existed has been sent
  int code = 0;                     // kError: the Status' code (410: the resourceVersion is too old)
  std::string message;              // kError
};
// Errors (kInvalid): no JSON, no event, an object that is none, an unknown type.
[[nodiscard]] Result<WatchEvent> parse_watch_line(std::string_view line, const Reduce& reduce);

}  // namespace vipra::kube
