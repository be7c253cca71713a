// Real-time scheduling and locked memory, where the system allows them: tried once, told, never a reason to
// fail.
#pragma once

#include <string>

namespace vipra::agent {

struct Scheduling {
  bool realtime = false;
  bool memory_locked = false;
  std::string detail;  // what was refused, and what would allow it
};

// For the calling thread and those it starts afterwards. Memory is locked only where locking can never make
// an allocation fail: an unlimited RLIMIT_MEMLOCK, or CAP_IPC_LOCK.
[[nodiscard]] Scheduling take_scheduling(bool want_realtime, bool want_locked_memory);

// mlockall() under the same condition.
[[nodiscard]] bool lock_memory();

}  // namespace vipra::agent
