#include "kube_core/watch_line.hpp"

#include <algorithm>
#include <utility>

namespace vipra::kube {
namespace {

using Json = nlohmann::json;

constexpr const char* kInitialEventsEnd = "k8s.io/initial-events-end";

// A member of a member, or null.
const Json* member(const Json& json, const char* key) {
  if (!json.is_object()) return nullptr;
  const auto it = json.find(key);
  return it == json.end() ? nullptr : &*it;
}

std::string text(const Json* json, std::size_t max) {
  if (json == nullptr || !json->is_string()) return {};
  auto out = json->get_ref<const std::string&>().substr(0, max);
  std::replace_if(out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

Result<WatchEvent> bookmark(const Json& object) {
  WatchEvent out;
  out.type = WatchEvent::Type::kBookmark;
  const auto* metadata = member(object, "metadata");
  if (metadata == nullptr) return fail(Errc::kInvalid, "a bookmark without metadata");
  out.resource_version = text(member(*metadata, "resourceVersion"), 128);
  if (out.resource_version.empty()) return fail(Errc::kInvalid, "a bookmark without a resourceVersion");
  if (const auto* annotations = member(*metadata, "annotations"))
    out.initial_events_end = text(member(*annotations, kInitialEventsEnd), 8) == "true";
  return out;
}

WatchEvent error(const Json& object) {
  WatchEvent out;
  out.type = WatchEvent::Type::kError;
  const auto* code = member(object, "code");
  if (code != nullptr && code->is_number_integer()) {
    const auto value = code->get<std::int64_t>();
    out.code = value >= 100 && value <= 999 ? static_cast<int>(value) : 0;
  }
  out.message = text(member(object, "message"), 300);
  return out;
}

}  // namespace

bool LineSplitter::feed(std::string_view bytes, const std::function<void(std::string_view)>& on_line) {
  while (!overflowed_ && !bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto piece = bytes.substr(0, end);
    if (rest_.size() + piece.size() > max_line_) {
      overflowed_ = true;
      rest_.clear();
      rest_.shrink_to_fit();
      break;
    }
    if (end == std::string_view::npos) {
      rest_ += piece;
      break;
    }
    bytes.remove_prefix(end + 1);
    if (rest_.empty()) {
      if (!piece.empty()) on_line(piece);
    } else {
      rest_ += piece;
      const auto line = std::exchange(rest_, {});
      on_line(line);
    }
  }
  return !overflowed_;
}

Result<WatchEvent> parse_watch_line(std::string_view line, const Reduce& reduce) {
  auto json = parse_json(line);
  if (!json) return tl::unexpected{std::move(json.error())};
  const auto type = text(member(*json, "type"), 16);
  if (!json->is_object() || !json->contains("object") || !(*json)["object"].is_object())
    return fail(Errc::kInvalid, "a line of a watch that is no event");
  auto& object = (*json)["object"];
  if (type == "BOOKMARK") return bookmark(object);
  if (type == "ERROR") return error(object);
  WatchEvent out;
  if (type == "ADDED") {
    out.type = WatchEvent::Type::kAdded;
  } else if (type == "MODIFIED") {
    out.type = WatchEvent::Type::kModified;
  } else if (type == "DELETED") {
    out.type = WatchEvent::Type::kDeleted;
  } else {
    return fail(Errc::kInvalid, "an event of an unknown type");
  }
  auto made = make_object(std::move(object), reduce);
  if (!made) return tl::unexpected{std::move(made.error())};
  out.object = std::move(*made);
  out.resource_version = out.object->resource_version;
  return out;
}

}  // namespace vipra::kube
