#include "lab/spawner.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace vipra::lab {
namespace {

constexpr int kExitUnprepared = 126;

void close_all_but(const std::vector<int>& sorted_keep) {
  unsigned from = 3;
  for (const int fd : sorted_keep) {
    const auto kept = static_cast<unsigned>(fd);
    if (kept < from) continue;
    if (kept > from) ::close_range(from, kept - 1, 0);
    from = kept + 1;
  }
  ::close_range(from, UINT_MAX, 0);
}

// In the child: system calls only.
void prepare_child(pid_t parent, int net, int output, const std::vector<int>& sorted_keep) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kExitUnprepared);  // it died before the line above
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();  // the terminal's Ctrl-C is for the lab alone
  if (::setns(net, CLONE_NEWNET) < 0) ::_exit(kExitUnprepared);
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, 0);
  ::dup2(output >= 0 ? output : null, 1);
  ::dup2(output >= 0 ? output : null, 2);
  close_all_but(sorted_keep);
}

}  // namespace

Spawner::Spawner() : thread_{[this] { serve(); }} {}

Spawner::~Spawner() {
  {
    const std::lock_guard lock{mutex_};
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Spawner::serve() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [&] { return stop_ || (order_ != nullptr && !done_); });
    if (stop_) return;
    const auto* order = order_;
    lock.unlock();
    const pid_t pid = ::fork();
    if (pid == 0) {
      (*order)();
      ::_exit(kExitUnprepared);
    }
    const int error = errno;
    lock.lock();
    result_ = pid > 0 ? pid : -error;
    done_ = true;
    changed_.notify_all();
  }
}

pid_t Spawner::fork_here(const std::function<void()>& in_child) {
  const std::lock_guard one{callers_};
  std::unique_lock lock{mutex_};
  order_ = &in_child;
  done_ = false;
  changed_.notify_all();
  changed_.wait(lock, [&] { return done_; });
  order_ = nullptr;
  return result_;
}

Result<Child> Spawner::fork_into(const NetNamespace& net, const std::string& process_name,
                                 const std::function<int()>& body, const std::vector<int>& keep) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("make a pipe", errno);
  const UniqueFd told{ends[0]};
  UniqueFd tell{ends[1]};
  std::vector<int> sorted = keep;
  sorted.push_back(tell.get());
  std::sort(sorted.begin(), sorted.end());
  const pid_t parent = ::getpid();
  const pid_t pid = fork_here([&] {
    prepare_child(parent, net.fd(), -1, sorted);
    ::prctl(PR_SET_NAME, process_name.c_str());
    const char inside = 1;
    if (::write(tell.get(), &inside, 1) != 1) ::_exit(kExitUnprepared);
    ::close(tell.get());
    ::_exit(body());
  });
  if (pid < 0) return fail_errno("fork " + process_name, -pid);
  Child child{pid};
  tell.reset();
  char inside = 0;
  if (::read(told.get(), &inside, 1) != 1)
    return fail(Errc::kIo, process_name + " did not get into its namespace");
  return child;
}

Result<Child> Spawner::execute(const NetNamespace& net, const std::vector<std::string>& argv,
                               const std::vector<std::string>& environment,
                               const std::filesystem::path& log) {
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  variables.reserve(environment.size() + 1);
  for (const auto& variable : environment) variables.push_back(const_cast<char*>(variable.c_str()));
  variables.push_back(nullptr);

  const UniqueFd output{::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (!output) return fail_errno("open " + log.string(), errno);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("make a pipe", errno);
  const UniqueFd told{ends[0]};
  UniqueFd tell{ends[1]};
  const std::vector<int> keep{tell.get()};
  const pid_t parent = ::getpid();
  const pid_t pid = fork_here([&] {
    prepare_child(parent, net.fd(), output.get(), keep);
    ::execve(arguments.front(), arguments.data(), variables.data());
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(tell.get(), &error, sizeof error);
    ::_exit(kExitUnprepared);
  });
  if (pid < 0) return fail_errno("fork for " + argv.front(), -pid);
  Child child{pid};
  tell.reset();
  int error = 0;
  // The end of the pipe without a word means that the program runs.
  if (::read(told.get(), &error, sizeof error) > 0) return fail_errno("execute " + argv.front(), error);
  return child;
}

}  // namespace vipra::lab
