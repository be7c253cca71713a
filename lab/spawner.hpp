// All long-lived children of a lab are forked by this one thread: a child asks the kernel to be killed when
// its parent dies (PR_SET_PDEATHSIG), and for the kernel the parent is the thread, not the process. So a test
// may start an agent from a thread of its own without losing it when that thread ends.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "lab/child.hpp"
#include "lab/net_namespace.hpp"

namespace vipra::lab {

class Spawner {
 public:
  Spawner();
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  // Forks, enters the namespace, calls body in the child, which ends with its return value; returns once the
  // child is inside. The body must not allocate or lock: the child is a copy of a process with threads. It
  // has only the file descriptors of `keep` beside 0, 1, 2 (/dev/null), default signal handlers, nothing
  // blocked.
  [[nodiscard]] Result<Child> fork_into(const NetNamespace& net, const std::string& process_name,
                                        const std::function<int()>& body, const std::vector<int>& keep = {});

  // Executes a program in the namespace, in a session of its own; stdout and stderr are appended to `log`.
  [[nodiscard]] Result<Child> execute(const NetNamespace& net, const std::vector<std::string>& argv,
                                      const std::vector<std::string>& environment,
                                      const std::filesystem::path& log);

 private:
  [[nodiscard]] pid_t fork_here(const std::function<void()>& in_child);
  void serve();

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* order_ = nullptr;  // what the child is to do; null when idle
  pid_t result_ = 0;
  bool done_ = false;
  bool stop_ = false;
  std::mutex callers_;  // one order at a time
  std::thread thread_;
};

}  // namespace vipra::lab
