#include "agent/supervisor/hang_detector.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include "agent/hang_alarm.hpp"
#include "runtime/clock.hpp"

namespace vipra::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds{1000}};

class Watched {
 public:
  Watched() { detector_.started(kStart); }

  void beat(Duration at, Duration next) {
    pulse_.said_hello = true;
    pulse_.heartbeat_ns = (kStart + at).time_since_epoch().count();
    pulse_.next_deadline_ns = (kStart + next).time_since_epoch().count();
  }
  void beat_without_deadline(Duration at) {
    beat(at, {});
    pulse_.next_deadline_ns = INT64_MAX;
  }
  // Looks whenever it is due until `end`; when it was found to hang, if it was.
  std::optional<Duration> look_until(Duration end, Duration lateness = milliseconds{1}) {
    while (detector_.next_look() + lateness <= kStart + end) {
      const auto now = detector_.next_look() + lateness;
      if (detector_.look(now, pulse_)) return now - kStart;
    }
    return std::nullopt;
  }
  HangDetector& detector() { return detector_; }
  HangDetector::Pulse& pulse() { return pulse_; }

 private:
  HangDetector detector_;
  HangDetector::Pulse pulse_;
};

TEST(HangDetector, finds_a_loop_that_stopped_within_two_seconds) {
  Watched speaker;
  speaker.beat(milliseconds{100}, milliseconds{150});
  const auto found = speaker.look_until(seconds{10});
  ASSERT_TRUE(found);
  EXPECT_GT(*found, milliseconds{1100});
  EXPECT_LT(*found, milliseconds{2100});
}

TEST(HangDetector, leaves_a_loop_alone_that_turns) {
  Watched speaker;
  for (int i = 0; i < 100; ++i) {
    const auto at = milliseconds{100 * i};
    speaker.beat(at, at + milliseconds{100});
    EXPECT_FALSE(speaker.look_until(at + milliseconds{100})) << i;
  }
}

TEST(HangDetector, leaves_a_loop_alone_that_has_nothing_to_do) {
  Watched speaker;
  speaker.beat(milliseconds{1}, seconds{40});
  EXPECT_FALSE(speaker.look_until(seconds{39}));
  speaker.beat_without_deadline(seconds{39});
  EXPECT_FALSE(speaker.look_until(seconds{1000}));
}

TEST(HangDetector, gives_a_new_speaker_five_seconds) {
  Watched speaker;
  EXPECT_FALSE(speaker.look_until(milliseconds{4900}));
  const auto found = speaker.look_until(seconds{10});
  ASSERT_TRUE(found);
  EXPECT_LT(*found, seconds{6});
}

TEST(HangDetector, wants_a_hello_too) {
  Watched speaker;
  speaker.beat(milliseconds{10}, seconds{100});
  speaker.pulse().said_hello = false;
  EXPECT_TRUE(speaker.look_until(seconds{10}));
}

TEST(HangDetector, a_stall_of_the_whole_host_condemns_nobody) {
  Watched speaker;
  speaker.beat(milliseconds{100}, milliseconds{200});
  // Both wake after 8 s; the supervisor looks before the speaker had a chance to turn its loop.
  const auto woken = kStart + seconds{8};
  EXPECT_FALSE(speaker.detector().look(woken, speaker.pulse()));
  speaker.beat(seconds{8} + milliseconds{20}, seconds{8} + milliseconds{120});
  EXPECT_FALSE(speaker.look_until(seconds{8} + milliseconds{900}));
}

TEST(HangDetector, a_second_stall_at_the_second_look_condemns_nobody_either) {
  Watched speaker;
  speaker.beat(milliseconds{100}, milliseconds{200});
  EXPECT_FALSE(speaker.detector().look(kStart + seconds{2}, speaker.pulse()));
  EXPECT_FALSE(speaker.detector().look(kStart + seconds{4}, speaker.pulse()));
  EXPECT_TRUE(speaker.look_until(seconds{6})) << "in the end it does hang";
}

TEST(HangDetector, does_not_look_while_the_alarm_is_set) {
  Watched speaker;
  speaker.beat(milliseconds{100}, milliseconds{200});
  speaker.pulse().alarm_set = true;
  EXPECT_FALSE(speaker.look_until(milliseconds{1000}));
  EXPECT_GE(speaker.detector().next_look(), kStart + seconds{30});
}

TEST(HangDetector, the_alarm_finds_a_loop_that_stopped_within_two_seconds) {
  Watched speaker;
  speaker.beat(milliseconds{100}, milliseconds{150});
  speaker.pulse().alarm_set = true;
  EXPECT_FALSE(speaker.look_until(milliseconds{600}));
  speaker.pulse().alarm_set = false;  // it rings once
  speaker.detector().alarm(kStart + milliseconds{150} + agent::HangAlarm::kMost);
  const auto found = speaker.look_until(seconds{10});
  ASSERT_TRUE(found);
  EXPECT_LT(*found, milliseconds{2100});
}

TEST(HangDetector, looks_from_time_to_time_although_the_alarm_is_set) {
  Watched speaker;
  speaker.beat(milliseconds{100}, milliseconds{150});
  speaker.pulse().alarm_set = true;
  EXPECT_TRUE(speaker.look_until(seconds{40})) << "an alarm that never rings hides nothing for ever";
}

Duration left(const agent::HangAlarm& alarm) {
  itimerspec value{};
  EXPECT_EQ(::timerfd_gettime(alarm.fd(), &value), 0);
  return seconds{value.it_value.tv_sec} + std::chrono::nanoseconds{value.it_value.tv_nsec};
}

TEST(HangAlarm, rings_when_it_is_not_pushed) {
  auto fd = agent::HangAlarm::make();
  ASSERT_TRUE(fd);
  agent::HangAlarm alarm{std::move(*fd)};
  EXPECT_FALSE(alarm.is_set());
  const auto now = runtime::now().mono;
  alarm.push(now, now + milliseconds{10});
  EXPECT_TRUE(alarm.is_set());
  EXPECT_FALSE(alarm.take());
  // Nothing but time can make it ring: one that was due long ago.
  alarm.push(now, now + seconds{100});
  alarm.clear();
  EXPECT_FALSE(alarm.is_set());
  alarm.push(TimePoint{}, TimePoint{});
  pollfd ring{.fd = alarm.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ring, 1, 10'000), 1);
  EXPECT_TRUE(alarm.take());
  EXPECT_FALSE(alarm.is_set()) << "once";
}

TEST(HangAlarm, follows_a_deadline_that_comes_nearer) {
  auto fd = agent::HangAlarm::make();
  ASSERT_TRUE(fd);
  agent::HangAlarm alarm{std::move(*fd)};
  const auto now = runtime::now().mono;
  alarm.push(now, now + std::chrono::hours{2});
  EXPECT_GT(left(alarm), std::chrono::hours{1});
  alarm.push(now, now + milliseconds{10});
  EXPECT_LT(left(alarm), seconds{3});
  alarm.push(now, now + std::chrono::hours{2});
  alarm.shorten(now);
  EXPECT_LT(left(alarm), seconds{3}) << "it woke before its deadline";
}

TEST(HangDetector, starts_anew_with_every_speaker) {
  Watched speaker;
  speaker.beat(milliseconds{100}, milliseconds{200});
  EXPECT_FALSE(speaker.look_until(milliseconds{1150})) << "suspected, not yet confirmed";
  speaker.detector().started(kStart + seconds{2});
  speaker.pulse() = {};
  EXPECT_FALSE(speaker.look_until(seconds{6}));
}

}  // namespace
}  // namespace vipra::supervisor
