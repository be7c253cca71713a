#include "agent/supervisor/restart_policy.hpp"

#include <gtest/gtest.h>

namespace vipra::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds{1000}};

RestartPolicy::Death death(Duration started, Duration died, bool worked = true, bool hung = false) {
  return {kStart + started, kStart + died, worked, hung};
}

TEST(RestartPolicy, one_death_costs_neither_addresses_nor_time) {
  RestartPolicy policy;
  const auto verdict = policy.judge(death(seconds{0}, seconds{60}), 0.5);
  EXPECT_FALSE(verdict.give_up);
  EXPECT_EQ(verdict.pause, Duration::zero());
}

TEST(RestartPolicy, the_third_death_within_ten_seconds_does) {
  RestartPolicy policy;
  EXPECT_FALSE(policy.judge(death(seconds{0}, seconds{1}), 0.5).give_up);
  EXPECT_FALSE(policy.judge(death(seconds{1}, seconds{5}), 0.5).give_up);
  EXPECT_TRUE(policy.judge(death(seconds{5}, seconds{11}), 0.5).give_up);
}

TEST(RestartPolicy, deaths_further_apart_do_not) {
  RestartPolicy policy;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(policy.judge(death(seconds{6 * i}, seconds{6 * i + 6}), 0.5).give_up) << i;
  }
}

TEST(RestartPolicy, one_that_never_worked_is_given_a_second_try_only) {
  RestartPolicy policy;
  EXPECT_FALSE(policy.judge(death(milliseconds{0}, milliseconds{5}, false), 0.5).give_up);
  EXPECT_TRUE(policy.judge(death(milliseconds{5}, milliseconds{10}, false), 0.5).give_up);
}

TEST(RestartPolicy, a_speaker_that_dies_before_it_worked_after_one_that_did_is_given_up) {
  RestartPolicy policy;
  EXPECT_FALSE(policy.judge(death(seconds{0}, seconds{100}), 0.5).give_up);
  EXPECT_TRUE(policy.judge(death(seconds{100}, seconds{101}, false), 0.5).give_up);
}

TEST(RestartPolicy, a_hang_is_never_forgiven) {
  RestartPolicy policy;
  EXPECT_TRUE(policy.judge(death(seconds{0}, seconds{100}, true, true), 0.5).give_up);
}

TEST(RestartPolicy, pauses_grow_from_a_tenth_of_a_second_to_five) {
  RestartPolicy policy;
  Duration last{};
  auto at = Duration::zero();
  for (int i = 0; i < 20; ++i) {
    const auto verdict = policy.judge(death(at, at + milliseconds{5}, false), 0.999);
    at += milliseconds{5} + verdict.pause;
    if (i == 0) continue;
    EXPECT_TRUE(verdict.give_up);
    EXPECT_GE(verdict.pause, last);
    EXPECT_GE(verdict.pause, RestartPolicy::kFirstPause / 2);
    EXPECT_LE(verdict.pause, RestartPolicy::kLongestPause);
    last = verdict.pause;
  }
  EXPECT_GT(last, milliseconds{4900});
}

TEST(RestartPolicy, a_long_life_forgets_the_pauses) {
  RestartPolicy policy;
  auto at = Duration::zero();
  for (int i = 0; i < 20; ++i) {
    (void)policy.judge(death(at, at, true, true), 0.999);
    at += seconds{1};
  }
  const auto verdict = policy.judge(death(at, at + seconds{10}, true, true), 0.999);
  EXPECT_LE(verdict.pause, RestartPolicy::kFirstPause);
}

}  // namespace
}  // namespace vipra::supervisor
