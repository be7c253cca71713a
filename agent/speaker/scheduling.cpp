#include "agent/speaker/scheduling.hpp"

#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vipra::agent {
namespace {

// Above ordinary work, below the kernel's own threads (50) and watchdogs.
constexpr int kFifoPriority = 10;

bool has_ipc_lock() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  return (data[0].effective & (1U << CAP_IPC_LOCK)) != 0;
}

}  // namespace

bool lock_memory() {
  rlimit limit{};
  const bool unlimited = ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
  if (!unlimited && !has_ipc_lock()) return false;
  // On fault: what is touched stays; the untouched part of a stack or arena costs nothing.
  return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

Scheduling take_scheduling(bool want_realtime, bool want_locked_memory) {
  Scheduling out;
  if (want_locked_memory) {
    out.memory_locked = lock_memory();
    if (!out.memory_locked)
      out.detail = "memory is not locked (needs CAP_IPC_LOCK or an unlimited memlock limit)";
  }
  if (want_realtime) {
    sched_param parameters{};
    parameters.sched_priority = kFifoPriority;
    if (::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0) {
      out.realtime = true;
    } else {
      if (!out.detail.empty()) out.detail += "; ";
      out.detail += std::string{"no real-time scheduling: "} + std::strerror(errno) +
                    " (needs CAP_SYS_NICE, and a real-time budget in the cgroup)";
    }
  }
  return out;
}

}  // namespace vipra::agent
