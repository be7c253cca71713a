// A long-lived program of a lab that can be stopped, frozen and started again as it was. Dies with the
// object, and with the process that made it (see Spawner).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "lab/child.hpp"
#include "lab/net_namespace.hpp"
#include "lab/spawner.hpp"

namespace vipra::lab::kube {

// Where programs run and where their files go. What is referred to outlives them.
struct Place {
  Spawner& spawner;
  const NetNamespace& net;
  std::filesystem::path directory;
  std::string lab_id;  // of the Workspace: by it what a dead lab left is found
};

// One thread at a time.
class Daemon {
 public:
  Daemon(const Place& place, std::string name, std::vector<std::string> argv);

  [[nodiscard]] Status start();
  // SIGTERM (a frozen one is woken for it), and SIGKILL when it is not gone in time. Nothing to do if it does
  // not run.
  void stop(Duration within = std::chrono::seconds{10});
  // SIGKILL. Reaped when this returns.
  void kill();
  void signal(int number) const { child_.signal(number); }
  [[nodiscard]] bool running() { return child_.running(); }
  [[nodiscard]] pid_t pid() const noexcept { return child_.pid(); }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::filesystem::path log_path() const { return place_.directory / (name_ + ".log"); }
  // "name: the end of its log", for messages.
  [[nodiscard]] std::string last_words() const;

 private:
  Place place_;
  std::string name_;
  std::vector<std::string> argv_;
  Child child_;
};

}  // namespace vipra::lab::kube
