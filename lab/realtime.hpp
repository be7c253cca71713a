// The instruments of the lab run before ordinary work, so that a busy host is measured as little as possible.
#pragma once

#include <sched.h>
#include <sys/prctl.h>

namespace vipra::lab {

// For the calling thread (of a thread group or of its own process). False where it is not permitted.
inline bool ask_for_realtime() noexcept {
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // for when it is not
  sched_param wanted{};
  wanted.sched_priority = 10;
  return ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &wanted) == 0;
}

}  // namespace vipra::lab
