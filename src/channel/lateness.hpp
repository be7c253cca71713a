// How late deadlines were served, and how long takeovers took: histograms of fixed bounds, the same in the
// speaker, on the channel and in the metrics. Observing allocates nothing.
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

// Of a takeover: how long after the last advertisement of the former master. Around what the profiles
// promise.
inline constexpr std::array<Duration, 14> kTakeoverBounds{
    std::chrono::milliseconds{10},   std::chrono::milliseconds{25},  std::chrono::milliseconds{50},
    std::chrono::milliseconds{100},  std::chrono::milliseconds{200}, std::chrono::milliseconds{300},
    std::chrono::milliseconds{400},  std::chrono::milliseconds{500}, std::chrono::seconds{1},
    std::chrono::milliseconds{2500}, std::chrono::seconds{4},        std::chrono::seconds{10},
    std::chrono::seconds{30},        std::chrono::seconds{60},
};
inline constexpr std::size_t kTakeoverBuckets = kTakeoverBounds.size() + 1;

template <std::size_t kBounds>
class DurationHistogram {
 public:
  explicit DurationHistogram(const std::array<Duration, kBounds>& bounds) noexcept : bounds_{&bounds} {}

  // What is negative, a deadline served early for instance, counts as zero.
  void observe(Duration took) noexcept {
    std::size_t bucket = 0;
    while (bucket < kBounds && took > (*bounds_)[bucket]) ++bucket;
    ++counts_[bucket];
    if (took > Duration::zero()) sum_ns_ += static_cast<std::uint64_t>(took.count());
  }
  // Not cumulative: one count a bucket.
  [[nodiscard]] const std::array<std::uint64_t, kBounds + 1>& counts() const noexcept { return counts_; }
  [[nodiscard]] std::uint64_t sum_ns() const noexcept { return sum_ns_; }

 private:
  const std::array<Duration, kBounds>* bounds_;
  std::array<std::uint64_t, kBounds + 1> counts_{};
  std::uint64_t sum_ns_ = 0;
};

class LatenessHistogram : public DurationHistogram<kLatenessBounds.size()> {
 public:
  LatenessHistogram() noexcept : DurationHistogram{kLatenessBounds} {}
};
class TakeoverHistogram : public DurationHistogram<kTakeoverBounds.size()> {
 public:
  TakeoverHistogram() noexcept : DurationHistogram{kTakeoverBounds} {}
};

}  // namespace vipra::channel
