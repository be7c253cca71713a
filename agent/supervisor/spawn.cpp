#include "agent/supervisor/spawn.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace vipra::supervisor {
namespace {

// Exit statuses of a child that never became its program. Beyond what programs use for themselves.
constexpr int kExitParentGone = 120;
constexpr int kExitDescriptors = 121;
constexpr int kExitUser = 122;
constexpr int kExitNotExecuted = 127;

constexpr int kLastCapability = 63;

// ---- in the child, between fork and exec: system calls only, no allocation, no lock ----

void reset_signals() {
  struct sigaction by_default{};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &by_default, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool arrange_descriptors(int link_fd) {
  unsigned first_closed = kLinkFd;
  if (link_fd >= 0) {
    if (link_fd == kLinkFd) {
      if (::fcntl(kLinkFd, F_SETFD, 0) < 0) return false;
    } else if (::dup2(link_fd, kLinkFd) < 0) {
      return false;
    }
    ++first_closed;
  }
  return ::syscall(SYS_close_range, first_closed, ~0U, 0) == 0;
}

void drop_bounding_set(std::uint64_t keep) {
  for (int capability = 0; capability <= kLastCapability; ++capability) {
    if ((keep >> capability & 1U) == 0) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
}

bool clear_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return ::syscall(SYS_capset, &header, none) == 0;
}

bool become(uid_t user) {
  const auto group = static_cast<gid_t>(user);
  return ::setgroups(0, nullptr) == 0 && ::setresgid(group, group, group) == 0 &&
         ::setresuid(user, user, user) == 0 && clear_capabilities();
}

void limit(int resource, std::uint64_t value) {
  const rlimit both{value, value};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
}

// While the file is still root's, as this process is.
void set_oom_score(const char* score) {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) (void)!::write(fd, score, std::strlen(score));
}

[[noreturn]] void run_child(const SpawnPlan& plan, char* const* argv, pid_t parent) {
  reset_signals();
  // The terminal's Ctrl-C is the parent's to act on: it ends its children in order.
  ::setpgid(0, 0);
  if (!arrange_descriptors(plan.link_fd)) ::_exit(kExitDescriptors);
  limit(RLIMIT_CORE, 0);
  if (plan.data_limit) limit(RLIMIT_DATA, *plan.data_limit);
  if (plan.oom_score_adj != nullptr) set_oom_score(plan.oom_score_adj);
  // Needs SETPCAP; where that is missing the bounding set is whatever we were given ourselves.
  drop_bounding_set(plan.user ? 0 : plan.capabilities);
  if (plan.user && !become(*plan.user)) ::_exit(kExitUser);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // After the change of user, which clears it. A parent that is gone already sends no signal.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) ::_exit(kExitParentGone);
  ::execv(plan.path.c_str(), argv);
  ::_exit(kExitNotExecuted);
}

}  // namespace

Result<Process> spawn(const SpawnPlan& plan) {
  std::vector<char*> argv;
  argv.reserve(plan.argv.size() + 1);
  for (const auto& argument : plan.argv) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("cannot fork", errno);
  if (pid == 0) run_child(plan, argv.data(), parent);
  Process out;
  out.pid = pid;
  out.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!out.pidfd) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno("cannot watch the new process", error);
  }
  return out;
}

std::optional<Exit> reap(const Process& process) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED | WNOHANG) < 0) {
    if (errno != EINTR) return Exit{true, SIGKILL};  // reaped by somebody else: it is gone in any case
  }
  if (info.si_pid == 0) return std::nullopt;
  return Exit{info.si_code != CLD_EXITED, info.si_status};
}

std::string describe_exit(const Exit& exit) {
  if (exit.signalled) {
    const char* const name = ::sigdescr_np(exit.code);
    return "signal " + std::to_string(exit.code) + " (" + (name == nullptr ? "unknown" : name) + ")";
  }
  switch (exit.code) {
    case kExitNotExecuted:
      return "its program could not be executed";
    case kExitUser:
      return "its user could not be set";
    case kExitDescriptors:
      return "its descriptors could not be arranged";
    case kExitParentGone:
      return "its parent was gone";
    default:
      return "exit status " + std::to_string(exit.code);
  }
}

}  // namespace vipra::supervisor
