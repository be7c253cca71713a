// One epoll, one timerfd, one thread. Descriptors that became readable are served before a due deadline is
// judged, because queued input may be what the deadline was waiting for.
//
// All calls on the thread that runs run_once(). Steady state allocates nothing.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::runtime {

class EventLoop {
 public:
  using Handler = std::function<void(std::uint32_t epoll_events)>;

  [[nodiscard]] static Result<EventLoop> make();

  // `events` as EPOLLIN, EPOLLOUT. The descriptor stays the caller's; unwatch before closing it.
  [[nodiscard]] Status watch(int fd, std::uint32_t events, Handler handler);
  [[nodiscard]] Status modify(int fd, std::uint32_t events);
  void unwatch(int fd);

  // Called at every wake-up, before any handler of a descriptor.
  void on_wake(std::function<void()> handler) { on_wake_ = std::move(handler); }

  // Waits until a descriptor is ready or `deadline` has come, runs the handlers, returns. The timer is armed
  // anew only when the deadline differs from the armed one.
  [[nodiscard]] Status run_once(std::optional<TimePoint> deadline);

 private:
  EventLoop(sys::UniqueFd epoll, sys::UniqueFd timer) : epoll_{std::move(epoll)}, timer_{std::move(timer)} {}
  Status arm(std::optional<TimePoint> deadline);

  struct Watch {
    Handler handler;
    std::uint64_t serial;
  };
  sys::UniqueFd epoll_;
  sys::UniqueFd timer_;
  std::optional<TimePoint> armed_;
  bool rang_ = false;  // and stays readable until it is set anew, or to nothing
  std::unordered_map<int, Watch> watches_;
  std::uint64_t next_serial_ = 1;
  std::function<void()> on_wake_;
};

}  // namespace vipra::runtime
