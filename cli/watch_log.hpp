// `vipctl watch`: what changed from one report to the next, one line each. Pure; keeps the last report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

struct WatchEvent {
  enum class Kind : std::uint8_t {
    kCurrent,     // how things are when the watch begins
    kTransition,  // the speaker said so
    kState,       // the state is another one, but the transition itself was not seen
    kRemoved,     // the router is gone
    kMissed,      // transitions that the agent no longer remembers
    kAgentLost,   // control has lost the agent
    kAgentBack,
    kDisconnected,  // vipctl has lost control
    kConnected,
  };
  Kind kind = Kind::kCurrent;
  std::int64_t unix_ns = 0;
  std::string virtual_ip;  // "a,b" where the router carries more than one
  std::string family;
  std::string from;
  std::string to;
  std::string reason;
  std::string detail;
};

class WatchLog {
 public:
  // `now` dates what carries no time of its own.
  [[nodiscard]] std::vector<WatchEvent> take(const report::v1::NodeReport& report, std::int64_t now_unix_ns);

 private:
  [[nodiscard]] std::vector<WatchEvent> first(std::int64_t now_unix_ns) const;
  void keep(const report::v1::NodeReport& report);

  bool begun_ = false;
  report::v1::NodeReport last_;
};

// One line with the newline, for people and for machines (one JSON object).
[[nodiscard]] std::string watch_line(const WatchEvent& event);
[[nodiscard]] std::string watch_json_line(const WatchEvent& event);

}  // namespace vipra::cli
