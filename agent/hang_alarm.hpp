// A timer that the speaker pushes ahead of itself for as long as its loop turns, and that wakes the
// supervisor when it no longer does: so that nobody has to look at regular times. Both have the descriptor.
#pragma once

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::agent {

class HangAlarm {
 public:
  // It rings so long after the moment at which the speaker meant to wake, and is left as it is while it stays
  // between the two: one system call in a while, not one a turn.
  static constexpr Duration kLeast = std::chrono::seconds{1};
  static constexpr Duration kMost = std::chrono::milliseconds{1750};

  [[nodiscard]] static Result<sys::UniqueFd> make() {
    sys::UniqueFd fd{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
    if (!fd) return fail_errno("cannot create a timerfd", errno);
    return fd;
  }

  HangAlarm() = default;  // nobody is woken
  explicit HangAlarm(sys::UniqueFd fd) : fd_{std::move(fd)} {}

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  // By the speaker, before it sleeps until `deadline`.
  void push(TimePoint now, TimePoint deadline) noexcept {
    const auto awake = std::max(now, deadline);
    if (fd_ && (set_to_ < awake + kLeast || set_to_ > awake + kMost)) set(awake + kMost);
  }

  // When it woke: sooner than it had meant to, perhaps.
  void shorten(TimePoint now) noexcept {
    if (fd_ && set_to_ > now + kMost) set(now + kMost);
  }

  // By the supervisor.
  void clear() noexcept {
    if (fd_) set(TimePoint{});
  }
  // It rings no more; false if it did not.
  bool take() noexcept {
    std::uint64_t rings = 0;
    return ::read(fd_.get(), &rings, sizeof(rings)) > 0;
  }
  [[nodiscard]] bool is_set() const noexcept {
    itimerspec left{};
    if (!fd_ || ::timerfd_gettime(fd_.get(), &left) < 0) return false;
    return left.it_value.tv_sec != 0 || left.it_value.tv_nsec != 0;
  }

 private:
  void set(TimePoint at) noexcept {
    const auto ns = at.time_since_epoch().count();
    itimerspec spec{};
    spec.it_value.tv_sec = ns / 1'000'000'000;
    spec.it_value.tv_nsec = ns % 1'000'000'000;
    static_cast<void>(::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr));
    set_to_ = at;
  }

  sys::UniqueFd fd_;
  TimePoint set_to_{};  // zero: not
};

}  // namespace vipra::agent
