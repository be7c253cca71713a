// What is told of one transition of a virtual router: to a FIFO or a socket as a JSON line, to a hook as the
// same line and as variables of its environment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/reason.hpp"

namespace vipra::notify {

struct Transition {
  std::int64_t unix_ns = 0;  // when it happened
  std::uint64_t sequence =
      0;  // grows by one with each transition of one life of the speaker: a gap was not told
  std::string node;
  std::string router;                    // "web/ipv4"
  std::vector<std::string> virtual_ips;  // that it carries
  std::string family;                    // "IPv4" or "IPv6"; empty if the router is gone already
  std::uint32_t virtual_router_id = 0;
  std::string interface;
  State from = State::kInit;
  State to = State::kInit;
  Reason reason = Reason::kNone;
  std::string detail;  // one sentence for people
};

// With the final newline; in the form of the log, so that one reader reads both. Never longer than PIPE_BUF:
// a FIFO takes it whole or not at all.
[[nodiscard]] std::string to_line(const Transition& transition);

// "VIPRA_NODE=...", and so on: nothing else is in the environment of a hook but PATH.
[[nodiscard]] std::vector<std::string> to_environment(const Transition& transition);

}  // namespace vipra::notify
