#include "lab/child.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include "lab/clock.hpp"

namespace vipra::lab {

bool ExitStatus::exited_with(int code) const noexcept {
  return WIFEXITED(raw) && WEXITSTATUS(raw) == code;
}
bool ExitStatus::killed_by(int signal) const noexcept {
  return WIFSIGNALED(raw) && WTERMSIG(raw) == signal;
}

Child::Child(pid_t pid) : pid_{pid}, pidfd_{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))} {}

Child::Child(Child&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)}, pidfd_{std::move(other.pidfd_)}, status_{other.status_} {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  kill_and_reap();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  status_ = std::exchange(other.status_, std::nullopt);
  return *this;
}

Child::~Child() {
  kill_and_reap();
}

bool Child::running() {
  return pid_ > 0 && !wait(Duration::zero());
}

std::optional<ExitStatus> Child::wait(Duration within) {
  if (status_ || pid_ <= 0) return status_;
  const TimePoint deadline = now() + within;
  for (;;) {
    int raw = 0;
    const pid_t reaped = ::waitpid(pid_, &raw, WNOHANG);
    if (reaped == pid_) return status_ = ExitStatus{raw};
    if (reaped < 0 && errno == ECHILD) return status_ = ExitStatus{};  // someone else reaped it
    const auto left = deadline - now();
    if (left <= Duration::zero()) return std::nullopt;
    // Without a pidfd (none left) this is a poll of one millisecond.
    const auto step = pidfd_ ? left : std::min<Duration>(left, std::chrono::milliseconds{1});
    pollfd readable{pidfd_.get(), POLLIN, 0};
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(step).count();
    ::poll(&readable, 1, static_cast<int>(std::min<long>(timeout, 60'000)));
  }
}

void Child::signal(int number) const noexcept {
  if (pid_ > 0 && !status_) ::kill(pid_, number);
}

void Child::kill_and_reap() noexcept {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  while (!status_ && !wait(std::chrono::seconds{1})) signal(SIGKILL);
}

}  // namespace vipra::lab
