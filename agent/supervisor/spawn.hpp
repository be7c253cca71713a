// Starts a child process that ends with us: fork and exec, with everything that must be right before the
// program runs (signals, descriptors, limits, user, capabilities).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::supervisor {

inline constexpr int kLinkFd = 3;

struct SpawnPlan {
  std::string path;               // executed; may be /proc/self/exe
  std::vector<std::string> argv;  // argv[0] first
  int link_fd = -1;               // becomes descriptor 3 of the child; not closed here
  std::optional<uid_t> user;      // run as this user and the group of the same number, without any capability
  std::uint64_t capabilities = 0;  // without `user`: the bounding set is cut to these (bits of CAP_*)
  std::optional<std::uint64_t> data_limit;  // RLIMIT_DATA, bytes
  const char* oom_score_adj = nullptr;      // as text; best effort (raising it needs no privilege)
};

struct Process {
  pid_t pid = -1;
  sys::UniqueFd pidfd;  // readable when the process has ended
};

// The child has this process's stdin, stdout, stderr and environment, the link, and nothing else; all signals
// are unblocked and at their defaults; a process group of its own; no core dumps; SIGKILL when the calling
// thread ends; no_new_privs. What goes wrong after the fork is the child's exit status (see describe_exit).
[[nodiscard]] Result<Process> spawn(const SpawnPlan& plan);

// How a child ended.
struct Exit {
  bool signalled = false;
  int code = 0;  // exit status, or the signal
  [[nodiscard]] bool clean() const noexcept { return !signalled && code == 0; }
};
// Reaps the child; nullopt while it still runs.
[[nodiscard]] std::optional<Exit> reap(const Process& process);
// For the log: "exit status 1", "signal 9 (Killed)", "its program could not be executed".
[[nodiscard]] std::string describe_exit(const Exit& exit);

}  // namespace vipra::supervisor
