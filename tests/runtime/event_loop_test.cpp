#include "runtime/event_loop.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "runtime/clock.hpp"

namespace vipra::runtime {
namespace {

using std::chrono::milliseconds;

sys::UniqueFd event(unsigned value = 0) {
  return sys::UniqueFd{::eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC)};
}
void raise_event(const sys::UniqueFd& fd) {
  const std::uint64_t one = 1;
  ASSERT_EQ(::write(fd.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
}
EventLoop make_loop() {
  return EventLoop::make().value();
}

TEST(EventLoop, returns_at_the_deadline_and_not_before) {
  auto loop = make_loop();
  const auto deadline = now().mono + milliseconds{20};
  while (now().mono < deadline) ASSERT_TRUE(loop.run_once(deadline));
  EXPECT_GE(now().mono, deadline);
}

TEST(EventLoop, fires_at_once_for_a_deadline_that_has_passed_every_time) {
  auto loop = make_loop();
  const auto deadline = now().mono - milliseconds{1};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop.run_once(deadline));
}

TEST(EventLoop, serves_a_ready_descriptor_before_it_returns_for_a_due_deadline) {
  auto loop = make_loop();
  const auto fd = event(1);
  int served = 0;
  ASSERT_TRUE(loop.watch(fd.get(), EPOLLIN, [&](std::uint32_t) { ++served; }));
  ASSERT_TRUE(loop.run_once(now().mono - milliseconds{1}));
  EXPECT_EQ(served, 1);
}

TEST(EventLoop, forgets_a_deadline_that_was_taken_back) {
  auto loop = make_loop();
  const auto fd = event(1);
  int served = 0;
  ASSERT_TRUE(loop.watch(fd.get(), EPOLLIN, [&](std::uint32_t) { ++served; }));
  ASSERT_TRUE(loop.run_once(now().mono + milliseconds{5}));
  std::uint64_t value = 0;
  ASSERT_EQ(::read(fd.get(), &value, sizeof value), static_cast<ssize_t>(sizeof value));
  const auto later = now().mono + milliseconds{50};
  ASSERT_TRUE(loop.run_once(later));
  EXPECT_GE(now().mono, later) << "woke for the old deadline";
}

TEST(EventLoop, a_deadline_that_came_does_not_wake_it_again) {
  auto loop = make_loop();
  ASSERT_TRUE(loop.run_once(now().mono - milliseconds{1}));
  const sys::UniqueFd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  const itimerspec soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = 20'000'000}};
  ASSERT_EQ(::timerfd_settime(timer.get(), 0, &soon, nullptr), 0);
  int served = 0;
  ASSERT_TRUE(loop.watch(timer.get(), EPOLLIN, [&](std::uint32_t) { ++served; }));
  ASSERT_TRUE(loop.run_once(std::nullopt));
  EXPECT_EQ(served, 1) << "woke for nothing";
}

TEST(EventLoop, says_that_it_woke_before_it_serves) {
  auto loop = make_loop();
  const auto fd = event(1);
  std::string order;
  loop.on_wake([&] { order += "woke "; });
  ASSERT_TRUE(loop.watch(fd.get(), EPOLLIN, [&](std::uint32_t) { order += "served "; }));
  ASSERT_TRUE(loop.run_once(std::nullopt));
  EXPECT_EQ(order, "woke served ");
}

TEST(EventLoop, a_handler_may_unwatch_itself_and_its_neighbours) {
  auto loop = make_loop();
  const auto a = event(1);
  const auto b = event(1);
  int served = 0;
  const auto both_gone = [&](std::uint32_t) {
    ++served;
    loop.unwatch(a.get());
    loop.unwatch(b.get());
  };
  ASSERT_TRUE(loop.watch(a.get(), EPOLLIN, both_gone));
  ASSERT_TRUE(loop.watch(b.get(), EPOLLIN, both_gone));
  ASSERT_TRUE(loop.run_once(now().mono + milliseconds{10}));
  EXPECT_EQ(served, 1);
  ASSERT_TRUE(loop.run_once(now().mono));
  EXPECT_EQ(served, 1);
}

TEST(EventLoop, does_not_hand_an_old_event_to_a_new_owner_of_the_number) {
  auto loop = make_loop();
  auto a = event(1);
  auto b = event(1);
  const auto spare = event(1);
  int stranger = 0;
  sys::UniqueFd successor;
  const auto replace = [&](sys::UniqueFd& other) {
    const int number = other.get();
    if (number < 0) return;
    loop.unwatch(number);
    other.reset();
    successor.reset(::fcntl(spare.get(), F_DUPFD_CLOEXEC, number));
    ASSERT_EQ(successor.get(), number);
    ASSERT_TRUE(loop.watch(number, EPOLLIN, [&](std::uint32_t) { ++stranger; }));
  };
  int first = 0;
  ASSERT_TRUE(loop.watch(a.get(), EPOLLIN, [&](std::uint32_t) {
    if (++first == 1) replace(b);
  }));
  ASSERT_TRUE(loop.watch(b.get(), EPOLLIN, [&](std::uint32_t) {
    if (++first == 1) replace(a);
  }));
  ASSERT_TRUE(loop.run_once(std::nullopt));
  EXPECT_EQ(first, 1);
  EXPECT_EQ(stranger, 0);
}

TEST(EventLoop, reports_what_a_watched_descriptor_became_ready_for) {
  auto loop = make_loop();
  const auto fd = event();
  std::uint32_t seen = 0;
  ASSERT_TRUE(loop.watch(fd.get(), EPOLLIN, [&](std::uint32_t events) { seen = events; }));
  ASSERT_TRUE(loop.modify(fd.get(), EPOLLIN | EPOLLOUT));
  ASSERT_TRUE(loop.run_once(std::nullopt));
  EXPECT_EQ(seen, static_cast<std::uint32_t>(EPOLLOUT));
  raise_event(fd);
  ASSERT_TRUE(loop.run_once(std::nullopt));
  EXPECT_EQ(seen, static_cast<std::uint32_t>(EPOLLIN | EPOLLOUT));
}

TEST(EventLoop, refuses_a_descriptor_that_is_none) {
  auto loop = make_loop();
  EXPECT_FALSE(loop.watch(-1, EPOLLIN, [](std::uint32_t) {}));
  EXPECT_FALSE(loop.modify(-1, EPOLLIN));
}

}  // namespace
}  // namespace vipra::runtime
