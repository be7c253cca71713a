// When a dead speaker is started again, and whether its addresses are given up first. Pure.
//
// One death costs nothing: the next speaker adopts before the peers notice. A speaker that dies again and
// again, or hangs, cannot be trusted with addresses: a peer shall have them while we try on with growing
// pauses.
#pragma once

#include <chrono>
#include <deque>

#include "base/backoff.hpp"
#include "base/time.hpp"

namespace vipra::supervisor {

class RestartPolicy {
 public:
  static constexpr Duration kWindow = std::chrono::seconds{10};
  static constexpr std::size_t kDeathsInWindow = 3;
  static constexpr Duration kFirstPause = std::chrono::milliseconds{100};
  static constexpr Duration kLongestPause = std::chrono::seconds{5};

  struct Death {
    TimePoint started;
    TimePoint died;
    bool worked = false;  // said Hello and turned its loop at least once
    bool hung = false;
  };
  struct Verdict {
    bool give_up = false;  // resign and remove the addresses before the next start
    Duration pause{};      // before the next start
  };
  // unit_random is in [0, 1).
  [[nodiscard]] Verdict judge(const Death& death, double unit_random) {
    while (!deaths_.empty() && death.died - deaths_.front() > kWindow) deaths_.pop_front();
    const bool again = !deaths_.empty();
    deaths_.push_back(death.died);
    if (death.worked && death.died - death.started >= kWindow) backoff_.reset();
    const bool give_up = death.hung || deaths_.size() >= kDeathsInWindow || (again && !death.worked);
    if (deaths_.size() > kDeathsInWindow) deaths_.pop_front();
    if (!give_up) return {};
    return {true, backoff_.next(unit_random)};
  }

 private:
  std::deque<TimePoint> deaths_;
  Backoff backoff_{kFirstPause, kLongestPause};
};

}  // namespace vipra::supervisor
