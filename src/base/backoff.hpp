// Exponential back-off with jitter, as a value: the random number is handed in, so that tests need no seed.
#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace vipra {

class Backoff {
 public:
  constexpr Backoff(Duration initial, Duration maximum)
      : initial_{initial}, maximum_{maximum}, next_{initial} {}

  // The wait before the next try: between half and the whole of the current step; then the step doubles.
  // unit_random is in [0, 1).
  [[nodiscard]] constexpr Duration next(double unit_random) {
    const auto half = next_ / 2;
    const auto jitter = Duration{static_cast<Duration::rep>(static_cast<double>(half.count()) * unit_random)};
    const auto wait = half + jitter;
    next_ = std::min(next_ * 2, maximum_);
    return wait;
  }
  constexpr void reset() { next_ = initial_; }

 private:
  Duration initial_;
  Duration maximum_;
  Duration next_;
};

}  // namespace vipra
