// Waiting for a condition with a deadline, never for a time.
#pragma once

#include <poll.h>

#include <chrono>
#include <thread>

namespace vipra::net {

inline constexpr std::chrono::seconds kPatience{10};

inline bool wait_readable(int fd, std::chrono::milliseconds timeout) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, static_cast<int>(timeout.count())) > 0;
}

// Calls `condition` until it holds; false when it does not within kPatience.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace vipra::net
