// How fast one interface may announce: a burst, then a steady rate. Switches with a fixed ARP throttle drop
// what comes faster. Integer nanoseconds, so that the bound burst + rate * t is exact.
#pragma once

#include <chrono>

#include "base/check.hpp"
#include "base/time.hpp"

namespace vipra::announce {

class TokenBucket {
 public:
  // Full from the start. Both are at least 1; per_second at most 1e9.
  constexpr TokenBucket(int burst, int per_second)
      : TokenBucket{burst, std::chrono::nanoseconds{std::chrono::seconds{1}} / checked(per_second)} {}
  // One token each `period`, which is longer than zero.
  constexpr TokenBucket(int burst, Duration period)
      : period_{period}, capacity_{period_ * checked(burst)}, empty_at_{TimePoint{} - capacity_} {
    VIPRA_CHECK(period > Duration::zero());
  }

  // Takes one token if there is one. A `now` that goes back takes nothing it could not have taken before.
  [[nodiscard]] constexpr bool try_take(TimePoint now) noexcept {
    if (now - empty_at_ > capacity_) empty_at_ = now - capacity_;
    if (now - empty_at_ < period_) return false;
    empty_at_ += period_;
    return true;
  }
  // When try_take() will succeed: `now` if it does already.
  [[nodiscard]] constexpr TimePoint next_token_at(TimePoint now) const noexcept {
    const auto at = empty_at_ + period_;
    return at > now ? at : now;
  }

 private:
  static constexpr int checked(int value) {
    VIPRA_CHECK(value >= 1 && value <= 1'000'000'000);
    return value;
  }

  Duration period_;     // of one token
  Duration capacity_;   // the time in which an empty bucket fills
  TimePoint empty_at_;  // when the bucket held, or would have held, nothing
};

}  // namespace vipra::announce
