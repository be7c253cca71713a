// What was done to the lab and who owned the VIP meanwhile, as one readable table.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "lab/probe_report.hpp"

namespace vipra::lab {

struct TimelineEvent {
  TimePoint at{};
  std::string what;  // "crash of node-a"
};

// Thread-safe.
class Timeline {
 public:
  explicit Timeline(TimePoint origin) : origin_{origin} {}

  TimePoint note(std::string what);  // now; returns the time noted
  void note(TimePoint at, std::string what);
  [[nodiscard]] std::vector<TimelineEvent> events() const;
  // Events and the report's ownership and outages, sorted by time, in seconds since the origin.
  [[nodiscard]] std::string table(const ProbeReport& report) const;

 private:
  TimePoint origin_;
  mutable std::mutex mutex_;
  std::vector<TimelineEvent> events_;
};

}  // namespace vipra::lab
