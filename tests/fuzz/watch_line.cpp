// Input: a seed byte for where the transport cuts, then the stream of a watch. The lines are the same
// wherever the cut is, none is longer than the limit, and what is taken for an object has an identity and can
// be written.
#include "kube_core/watch_line.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.hpp"

namespace {

constexpr std::size_t kMaxLine = 4096;

std::vector<std::string> lines_of(std::string_view text, std::size_t piece) {
  vipra::kube::LineSplitter splitter{kMaxLine};
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto now = text.substr(0, std::min(piece, text.size()));
    if (!splitter.feed(now, [&](std::string_view line) { out.emplace_back(line); })) break;
    text.remove_prefix(now.size());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  const auto lines = lines_of(text, text.size() + 1);
  VIPRA_CHECK(lines == lines_of(text, 1 + data[0]));
  for (const auto& line : lines) {
    VIPRA_CHECK(!line.empty() && line.size() <= kMaxLine);
    const auto event = vipra::kube::parse_watch_line(line, nullptr);
    if (!event || !event->object) continue;
    VIPRA_CHECK(!event->object->name.empty() && !event->object->resource_version.empty());
    (void)event->object->json.dump();
  }
  (void)vipra::kube::parse_page(text, nullptr);
  (void)vipra::kube::status_message(text);
  return 0;
}
