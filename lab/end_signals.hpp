// Ctrl-C and its like, for a program that keeps something up until then.
#pragma once

#include <signal.h>

#include <initializer_list>

namespace vipra::lab {

// Make one before any thread is made: the threads inherit that these signals wait for wait().
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, number);
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  void wait() const {
    int number = 0;
    ::sigwait(&signals_, &number);
  }

 private:
  sigset_t signals_{};
};

}  // namespace vipra::lab
