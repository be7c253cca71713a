// Writes VirtualIP definitions, so that no test has a page of YAML in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vipra::lab {

struct VipDefinition {
  std::string name = "web";
  std::vector<std::string> addresses{"10.99.0.100"};
  int virtual_router_id = 51;
  std::chrono::milliseconds interval{100};                // 0: not given
  std::string preemption{};                               // "", Never, Immediate, Delayed
  std::vector<std::pair<std::string, int>> priorities{};  // node name, priority
  std::string extra_vrrp{};  // YAML lines, indented by four, appended to spec.vrrp
  std::string extra_spec{};  // YAML lines, indented by two, appended to spec

  [[nodiscard]] std::string yaml() const;
};

// 3 x interval + skew of `priority`: the longest that a VRRP election may take (RFC 9568 section 6.1).
[[nodiscard]] std::chrono::nanoseconds election_time(std::chrono::nanoseconds interval, int priority,
                                                     int misses = 3);

}  // namespace vipra::lab
