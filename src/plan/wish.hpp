// Somebody's wish that this node owns nothing of a VirtualIP for a while (a switchover), or of none at all
// (maintenance). Data; what follows from it is decided where contributions are made.
#pragma once

#include <cstdint>
#include <string>

#include "base/reason.hpp"

namespace vipra::plan {

struct Wish {
  std::string virtual_ip;  // empty: every one of this node
  // By the wall clock, because it must outlive a reboot. 0: until somebody ends it.
  std::int64_t until_unix_ns = 0;
  [[nodiscard]] Reason reason() const noexcept {
    return virtual_ip.empty() ? Reason::kMaintenance : Reason::kSwitchover;
  }
  bool operator==(const Wish&) const = default;
};

}  // namespace vipra::plan
