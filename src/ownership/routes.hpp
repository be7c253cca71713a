// Routes of the kernel's main table to destinations that somebody asked for, as plain values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip_address.hpp"
#include "base/ip_prefix.hpp"

namespace vipra::ownership {

struct NextHop {
  int index = 0;                     // of the interface; 0: the kernel names none
  std::optional<IpAddress> gateway;  // none: the destination is on the link
  bool dead = false;                 // the kernel itself does not use it (dead, or no carrier)

  bool operator==(const NextHop&) const = default;
};

struct Route {
  IpPrefix destination;
  std::uint32_t metric = 0;
  bool forwards = false;  // unicast: no blackhole, unreachable or prohibit
  std::vector<NextHop> next_hops;

  bool operator==(const Route&) const = default;
};

// What was read, and what for: a destination that was not asked for is unknown, not missing.
struct RouteView {
  std::vector<IpPrefix> asked;  // sorted
  std::vector<Route> routes;
  bool current = false;  // nothing happened since that may have changed them

  [[nodiscard]] bool knows(const IpPrefix& destination) const {
    return std::binary_search(asked.begin(), asked.end(), destination);
  }
};

}  // namespace vipra::ownership
