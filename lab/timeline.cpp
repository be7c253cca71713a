#include "lab/timeline.hpp"

#include <algorithm>
#include <cstdio>

#include "lab/clock.hpp"

namespace vipra::lab {
namespace {

struct Row {
  TimePoint at;
  std::string owner;
  std::string what;
};

std::string ms(Duration d) {
  char text[48];
  std::snprintf(text, sizeof text, "%.1f ms", to_ms(d));
  return text;
}

std::vector<Row> rows_of(const ProbeReport& report) {
  std::vector<Row> rows;
  rows.reserve(report.owners.size() + report.outages.size());
  for (const auto& owner : report.owners) {
    rows.push_back(
        {owner.from, owner.node,
         "answers for " + ms(owner.to - owner.from) + ", " + std::to_string(owner.answers) + " probes"});
  }
  for (const auto& outage : report.outages) {
    rows.push_back({outage.first_lost, "nobody",
                    "no answer for " + ms(outage.length) + ", " + std::to_string(outage.lost) +
                        " probes lost" + (outage.host_stalled ? " (the host stalled)" : "")});
  }
  return rows;
}

}  // namespace

TimePoint Timeline::note(std::string what) {
  const TimePoint at = now();
  note(at, std::move(what));
  return at;
}

void Timeline::note(TimePoint at, std::string what) {
  const std::lock_guard lock{mutex_};
  events_.push_back({at, std::move(what)});
}

std::vector<TimelineEvent> Timeline::events() const {
  const std::lock_guard lock{mutex_};
  return events_;
}

std::string Timeline::table(const ProbeReport& report) const {
  auto rows = rows_of(report);
  for (auto& event : events()) rows.push_back({event.at, "", "-- " + event.what});
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.at < b.at; });
  std::string text = "      time  " + report.target + " at\n";
  for (const auto& row : rows) {
    char line[320];
    const double seconds = std::chrono::duration<double>{row.at - origin_}.count();
    std::snprintf(line, sizeof line, "%9.3f s  %-10s %s\n", seconds, row.owner.c_str(), row.what.c_str());
    text += line;
  }
  return text;
}

}  // namespace vipra::lab
