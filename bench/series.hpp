// A series of runs of one thing: how long each took, against a bound. Runs into which the host stalled are
// repeated and counted, never judged and never hidden.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace vipra::bench {

struct Run {
  Duration outage{};     // the longest
  std::size_t lost = 0;  // probes
  bool stalled = false;  // the host, not the agent
};

struct Series {
  std::string name;
  std::optional<Duration> bound;  // of the outage; without one: no probe may be lost
  std::vector<Run> runs;
  std::size_t repeated = 0;
  std::string error;  // why it ended early

  [[nodiscard]] bool kept() const;
  [[nodiscard]] std::string row() const;
};

[[nodiscard]] std::string table_head();

// `once` until `count` runs without a stall are there (at most three times as many in all).
template <class Once>
Series collect(std::string name, std::optional<Duration> bound, std::size_t count, Once&& once) {
  Series series{std::move(name), bound, {}, 0, {}};
  for (std::size_t tries = 0; series.runs.size() < count && tries < 3 * count; ++tries) {
    const Result<Run> run = once();
    if (!run) {
      series.error = run.error().what;
      break;
    }
    if (run->stalled) {
      ++series.repeated;
    } else {
      series.runs.push_back(*run);
    }
  }
  return series;
}

}  // namespace vipra::bench
