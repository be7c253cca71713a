// How often the loop looks at its sockets when many packets come: a wake-up costs more than ten packets do.
// Where they come quickly, they are read together, a few milliseconds late at most. No decision is later for
// it: each counts from when it reached its socket, a deadline ends the pause, and before one is judged the
// sockets are read. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/time.hpp"

namespace vipra::agent {

class ReadPace {
 public:
  static constexpr Duration kLongest = std::chrono::milliseconds{5};

  // The shortest interval of all routers: what they hear must stay a small part of it late.
  void set_interval(Duration shortest) { pause_ = std::min(kLongest, shortest / 16); }
  // Packets were read.
  void read(TimePoint now) {
    crowded_ = last_ && now - *last_ < 2 * pause_;
    last_ = now;
  }
  // Until when nothing needs to be read, if packets come so quickly that it is worth it.
  [[nodiscard]] std::optional<TimePoint> pause(TimePoint now) {
    if (!std::exchange(crowded_, false)) return std::nullopt;
    return now + pause_;
  }

 private:
  Duration pause_{};
  std::optional<TimePoint> last_;
  bool crowded_ = false;
};

}  // namespace vipra::agent
