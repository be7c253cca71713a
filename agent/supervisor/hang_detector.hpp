// Does the speaker still turn its loop? Judged from the two numbers that it leaves in the shared page, when
// the alarm rings that it pushes ahead of itself (agent/hang_alarm.hpp), or from time to time. Pure.
//
// A suspicion is confirmed by a second look, and a look that came late itself confirms nothing: a stalled
// host stops the supervisor as it stops the speaker, and must not cost a healthy speaker its life.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.hpp"

namespace vipra::supervisor {

class HangDetector {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds{500};
  static constexpr Duration kSecondLook = std::chrono::milliseconds{100};
  static constexpr Duration kLateLook = std::chrono::milliseconds{250};
  static constexpr Duration kSilence = std::chrono::seconds{1};
  // While the alarm is set, which would ring first.
  static constexpr Duration kBesideAlarm = std::chrono::seconds{30};
  static constexpr Duration kStartGrace = std::chrono::seconds{5};

  struct Pulse {
    std::int64_t heartbeat_ns = 0;      // CLOCK_MONOTONIC; 0: none yet
    std::int64_t next_deadline_ns = 0;  // when it means to wake next
    bool said_hello = false;
    bool alarm_set = false;
  };

  void started(TimePoint now) {
    started_ = now;
    suspected_ = kNone;
    next_look_ = now + kPeriod;
  }
  void alarm(TimePoint now) noexcept { next_look_ = now; }
  // True if the pulse is older than it should be: perhaps only for a moment.
  [[nodiscard]] bool overdue(TimePoint now, const Pulse& pulse) const {
    if (pulse.heartbeat_ns == 0 || !pulse.said_hello) return now - started_ > kStartGrace;
    const TimePoint heartbeat{Duration{pulse.heartbeat_ns}};
    const TimePoint deadline{Duration{pulse.next_deadline_ns}};
    return now - heartbeat > kSilence && deadline < now;
  }
  // To be called at next_look(). True: it hangs.
  [[nodiscard]] bool look(TimePoint now, const Pulse& pulse) {
    const bool late = now - next_look_ > kLateLook;
    if (!overdue(now, pulse)) {
      suspected_ = kNone;
      next_look_ = now + next_period(now, pulse);
      return false;
    }
    const bool confirmed = !late && pulse.heartbeat_ns == suspected_;
    suspected_ = pulse.heartbeat_ns;
    next_look_ = now + kSecondLook;
    return confirmed;
  }
  [[nodiscard]] TimePoint next_look() const noexcept { return next_look_; }

 private:
  // Nothing can be overdue before: a look costs a wake-up.
  static Duration next_period(TimePoint now, const Pulse& pulse) {
    if (pulse.heartbeat_ns == 0 || !pulse.said_hello) return kPeriod;
    if (pulse.alarm_set) return kBesideAlarm;
    const TimePoint silent{Duration{pulse.heartbeat_ns} + kSilence};
    const TimePoint deadline{Duration{pulse.next_deadline_ns}};
    return std::clamp(std::max(silent, deadline) - now, Duration{kPeriod}, Duration{kSilence});
  }

  TimePoint started_{};
  TimePoint next_look_{};
  static constexpr std::int64_t kNone = -1;
  std::int64_t suspected_ = kNone;  // the heartbeat that was overdue at the last look
};

}  // namespace vipra::supervisor
