// What a probe saw, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace vipra::lab {

struct Outage {
  TimePoint first_lost{};             // when the first lost probe was sent
  std::optional<TimePoint> answered;  // when the next answer arrived; nullopt: not within the report
  Duration length{};                  // between the two, or up to the last lost probe
  std::uint64_t lost = 0;
  bool host_stalled = false;  // a stall of the host falls into it: do not judge, repeat
};

// The node answered every answered probe between from and to (send times of its first and last one).
struct Ownership {
  std::string node;
  TimePoint from{};
  TimePoint to{};
  std::uint64_t answers = 0;
};

// The host, not the network, was late: the probe's own tick, or the control stream's answers.
struct Stall {
  TimePoint from{};
  TimePoint to{};
  [[nodiscard]] Duration length() const { return to - from; }
};

struct ProbeReport {
  std::string target;
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t lost = 0;
  std::vector<Outage> outages;    // in order of time; empty means nothing was lost
  std::vector<Ownership> owners;  // in order of time
  std::vector<Stall> stalls;      // of the host, in order of time
  Duration longest_round_trip{};  // of answered probes

  [[nodiscard]] Duration longest_outage() const;  // zero without any
  [[nodiscard]] Duration longest_stall() const;
  [[nodiscard]] bool host_stalled() const { return !stalls.empty(); }
  [[nodiscard]] std::vector<std::string> owner_names() const;  // in order, e.g. {"node-a", "node-b"}
  [[nodiscard]] std::string summary() const;                   // one line for people and failing tests
};

}  // namespace vipra::lab
