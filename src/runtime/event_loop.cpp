#include "runtime/event_loop.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace vipra::runtime {

Result<EventLoop> EventLoop::make() {
  sys::UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) return fail_errno("cannot create an epoll", errno);
  sys::UniqueFd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  if (!timer) return fail_errno("cannot create a timerfd", errno);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = timer.get();
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &event) < 0) {
    return fail_errno("cannot watch the timer", errno);
  }
  return EventLoop{std::move(epoll), std::move(timer)};
}

Status EventLoop::watch(int fd, std::uint32_t events, Handler handler) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0)
    return fail_errno("cannot watch a descriptor", errno);
  watches_.insert_or_assign(fd, Watch{std::move(handler), next_serial_++});
  return {};
}

Status EventLoop::modify(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) < 0)
    return fail_errno("cannot watch a descriptor", errno);
  return {};
}

void EventLoop::unwatch(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  watches_.erase(fd);
}

Status EventLoop::arm(std::optional<TimePoint> deadline) {
  if (deadline == armed_ && !rang_) return {};
  itimerspec spec{};
  if (deadline) {
    // A time of zero would disarm; a deadline in the past fires at once.
    const auto ns = std::max<std::int64_t>(deadline->time_since_epoch().count(), 1);
    spec.it_value.tv_sec = ns / 1'000'000'000;
    spec.it_value.tv_nsec = ns % 1'000'000'000;
  }
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) < 0) {
    return fail_errno("cannot arm the timer", errno);
  }
  armed_ = deadline;
  rang_ = false;
  return {};
}

Status EventLoop::run_once(std::optional<TimePoint> deadline) {
  if (auto status = arm(deadline); !status) return status;
  std::array<epoll_event, 64> ready{};
  const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), -1);
  if (count < 0) {
    if (errno == EINTR) return {};
    return fail_errno("cannot wait for events", errno);
  }
  if (on_wake_) on_wake_();
  const auto serial_limit = next_serial_;
  for (int i = 0; i < count; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    if (event.data.fd == timer_.get()) {
      rang_ = true;
      continue;
    }
    // A handler before this one may have closed the descriptor, and its number may have been given out again.
    const auto found = watches_.find(event.data.fd);
    if (found == watches_.end() || found->second.serial >= serial_limit) continue;
    // A copy would allocate; a handler that unwatches itself must not run on freed memory.
    auto handler = std::move(found->second.handler);
    const auto serial = found->second.serial;
    handler(event.events);
    const auto again = watches_.find(event.data.fd);
    if (again != watches_.end() && again->second.serial == serial) again->second.handler = std::move(handler);
  }
  return {};
}

}  // namespace vipra::runtime
