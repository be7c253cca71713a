// One agent in a network namespace: the lock is an abstract Unix socket, which the kernel scopes to the
// namespace and frees with the process. Whoever comes second connects to it, so that the kernel tells who
// holds it and wakes the waiter the moment the holder ends.
//
// Anybody may bind an abstract name. A holder that is not root is therefore no agent: it is reported and
// ignored, and the next name of the list is the lock. Every agent takes every name that it can get, in the
// same order, so two agents always meet at one of them. When strangers hold all names the agent goes on
// without a lock and says so.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::supervisor {

inline constexpr std::array<std::string_view, 3> kLockNames{"vipra-agent", "vipra-agent.2", "vipra-agent.3"};

class InstanceLock {
 public:
  // Waits as long as another agent lives; nullopt as soon as `stop_fd` is readable. `waiting` is called, with
  // who holds the lock, each time that a wait begins.
  [[nodiscard]] static Result<std::optional<InstanceLock>> acquire(
      int stop_fd, const log::Logger& log, const std::function<void(const std::string& holder)>& waiting);

  [[nodiscard]] std::size_t names_held() const noexcept { return sockets_.size(); }

 private:
  std::vector<sys::UniqueFd> sockets_;
};

}  // namespace vipra::supervisor
