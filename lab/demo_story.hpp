// What the demonstration says while it runs, and the table in the end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "lab/probe_report.hpp"

namespace vipra::lab {

// One line of the closing table.
struct Finding {
  std::string what;  // "crash of node-a"
  Duration outage{};
  std::uint64_t lost = 0;
  std::optional<Duration> bound;  // nullopt: no probe may be lost
  bool host_stalled = false;

  [[nodiscard]] bool good() const;
};

[[nodiscard]] Finding finding_of(std::string what, const ProbeReport& report, std::optional<Duration> bound);

[[nodiscard]] std::string seconds_text(Duration d);  // "0.29 s"

// The last line of a demonstration.
void tell_end(bool good, Duration took, bool files_kept);

// Prints as it is told, flushing each line.
class Story {
 public:
  void step(const std::string& title);  // "2. ..." with a rule above
  void say(const std::string& text);    // indented
  void add(const Finding& finding);     // says it, and keeps it for the table
  [[nodiscard]] std::string table() const;
  [[nodiscard]] bool all_good() const;

 private:
  int steps_ = 0;
  std::vector<Finding> findings_;
};

}  // namespace vipra::lab
