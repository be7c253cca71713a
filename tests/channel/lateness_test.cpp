#include "channel/lateness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace vipra::channel {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(Lateness, bounds_grow) {
  EXPECT_TRUE(std::is_sorted(kLatenessBounds.begin(), kLatenessBounds.end()));
}

TEST(Takeover, bounds_grow) {
  EXPECT_TRUE(std::is_sorted(kTakeoverBounds.begin(), kTakeoverBounds.end()));
}

TEST(Lateness, a_bound_belongs_to_its_bucket) {
  LatenessHistogram histogram;
  for (const auto bound : kLatenessBounds) histogram.observe(bound);
  for (std::size_t i = 0; i < kLatenessBounds.size(); ++i) EXPECT_EQ(histogram.counts()[i], 1U) << i;
  EXPECT_EQ(histogram.counts().back(), 0U);
}

TEST(Lateness, what_is_beyond_the_last_bound_is_counted_too) {
  LatenessHistogram histogram;
  histogram.observe(kLatenessBounds.back() + Duration{1});
  histogram.observe(seconds{100});
  EXPECT_EQ(histogram.counts().back(), 2U);
}

TEST(Lateness, an_early_deadline_is_in_time_and_adds_nothing) {
  LatenessHistogram histogram;
  histogram.observe(Duration{-5});
  histogram.observe(Duration{0});
  EXPECT_EQ(histogram.counts()[0], 2U);
  EXPECT_EQ(histogram.sum_ns(), 0U);
}

TEST(Lateness, sums_what_it_saw) {
  LatenessHistogram histogram;
  histogram.observe(microseconds{60});
  histogram.observe(microseconds{40});
  EXPECT_EQ(histogram.sum_ns(), 100'000U);
  EXPECT_EQ(std::accumulate(histogram.counts().begin(), histogram.counts().end(), 0U), 2U);
}

}  // namespace
}  // namespace vipra::channel
