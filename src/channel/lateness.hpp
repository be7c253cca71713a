// How late deadlines were served: a histogram of fixed bounds, the same in the speaker, on the channel and in
// the metrics. Observing allocates nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace vipra::channel {

// Upper bounds, both ends of each bucket as Prometheus has them: (previous, bound]. Beyond the last: +Inf.
inline constexpr std::array<Duration, 13> kLatenessBounds{
    std::chrono::microseconds{50},  std::chrono::microseconds{100}, std::chrono::microseconds{250},
    std::chrono::microseconds{500}, std::chrono::milliseconds{1},   std::chrono::microseconds{2500},
    std::chrono::milliseconds{5},   std::chrono::milliseconds{10},  std::chrono::milliseconds{25},
    std::chrono::milliseconds{50},  std::chrono::milliseconds{100}, std::chrono::milliseconds{250},
    std::chrono::seconds{1},
};
inline constexpr std::size_t kLatenessBuckets = kLatenessBounds.size() + 1;

class LatenessHistogram {
 public:
  // A deadline served early counts as served in time.
  void observe(Duration late) noexcept {
    std::size_t bucket = 0;
    while (bucket < kLatenessBounds.size() && late > kLatenessBounds[bucket]) ++bucket;
    ++counts_[bucket];
    if (late > Duration::zero()) sum_ns_ += static_cast<std::uint64_t>(late.count());
  }
  // Not cumulative: one count a bucket.
  [[nodiscard]] const std::array<std::uint64_t, kLatenessBuckets>& counts() const noexcept { return counts_; }
  [[nodiscard]] std::uint64_t sum_ns() const noexcept { return sum_ns_; }

 private:
  std::array<std::uint64_t, kLatenessBuckets> counts_{};
  std::uint64_t sum_ns_ = 0;
};

}  // namespace vipra::channel
