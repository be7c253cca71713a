#include "cli/interrupt.hpp"

#include <pthread.h>

#include <csignal>

namespace vipra::cli {
namespace {

sigset_t interrupting_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = interrupting_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::thread{[source = source_]() mutable {
    const sigset_t awaited = interrupting_signals();
    int signal = 0;
    (void)sigwait(&awaited, &signal);
    source.request_stop();
  }};
}

Interrupt::~Interrupt() {
  if (!source_.stop_requested()) pthread_kill(waiter_.native_handle(), SIGTERM);
  waiter_.join();
}

}  // namespace vipra::cli
