// A long-lived child process of the lab. Killed and reaped by the destructor.
#pragma once

#include <sys/types.h>

#include <optional>

#include "base/time.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {

// What waitpid said.
struct ExitStatus {
  int raw = 0;
  [[nodiscard]] bool exited_with(int code) const noexcept;
  [[nodiscard]] bool killed_by(int signal) const noexcept;
};

// One thread at a time.
class Child {
 public:
  Child() = default;
  explicit Child(pid_t pid);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running();
  // Sleeps on the child's pidfd. nullopt if it still runs after `within`.
  [[nodiscard]] std::optional<ExitStatus> wait(Duration within);
  void signal(int number) const noexcept;
  void kill_and_reap() noexcept;

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  std::optional<ExitStatus> status_;
};

}  // namespace vipra::lab
