#include "cli/segment_table.hpp"

#include <vector>

#include "cli/query.hpp"
#include "cli/text.hpp"

namespace vipra::cli {
namespace {

namespace v1 = vipra::report::v1;

constexpr std::size_t kAddressWidth = 33;

std::string addresses_cell(const v1::ForeignRouterReport& router) {
  std::string out;
  std::uint32_t shown = 0;
  for (const auto& raw : router.addresses()) {
    const auto address = printable(raw);
    if (shown > 0 && out.size() + address.size() + 1 > kAddressWidth) break;
    if (shown++ > 0) out += ',';
    out += address;
  }
  const auto more = router.address_count() > shown ? router.address_count() - shown : 0;
  return more > 0 ? out + ",+" + std::to_string(more) : out;
}

std::vector<std::string> row(const v1::SegmentReport& segment, const v1::ForeignRouterReport& router,
                             std::int64_t now) {
  return {printable(segment.interface()),
          printable(segment.family()),
          std::to_string(router.virtual_router_id()),
          std::to_string(router.version()),
          printable(router.source()),
          std::to_string(router.priority()),
          interval_text(router.interval_ns()),
          addresses_cell(router),
          std::to_string(router.packets()),
          age(router.last_seen_unix_ns(), now)};
}

}  // namespace

std::string segment_table(const v1::NodeReport& report, std::int64_t now, Headers headers) {
  std::vector<std::vector<std::string>> rows;
  if (headers == Headers::kYes) {
    rows.push_back({"INTERFACE", "FAMILY", "VRID", "VERSION", "SOURCE", "PRIORITY", "INTERVAL", "ADDRESSES",
                    "PACKETS", "LAST-SEEN"});
  }
  std::string watched;
  std::string crowded;
  for (const auto& segment : report.segments()) {
    const auto name = printable(segment.interface()) + " (" + printable(segment.family()) + ")";
    watched += (watched.empty() ? "" : ", ") + name;
    for (const auto& router : segment.foreign_routers()) rows.push_back(row(segment, router, now));
    if (segment.foreign_advertisements_untracked() > 0) {
      crowded += "  " + name + ": more than the table holds; " +
                 std::to_string(segment.foreign_advertisements_untracked()) +
                 " advertisements belong to none of these\n";
    }
  }
  if (headers == Headers::kNo) return table_text(rows);
  if (report.segments().empty()) return "This node runs no virtual router, so it listens nowhere.\n";
  std::string out = rows.size() == 1 ? "No other virtual router is heard on " + watched + ".\n" : table_text(rows);
  if (!crowded.empty()) out += "\nAttention:\n" + crowded;
  return out;
}

}  // namespace vipra::cli
