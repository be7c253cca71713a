// What /proc says about processes.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace vipra::lab {

struct ProcessInfo {
  pid_t pid = 0;
  pid_t parent = 0;
  std::string name;               // comm
  std::vector<std::string> argv;  // empty for a zombie
  char state = '?';               // R S D T Z ...
};

// Empty name and pid 0 if there is no such process.
[[nodiscard]] ProcessInfo read_process(pid_t pid);
[[nodiscard]] std::vector<pid_t> all_processes();
// Live ones whose network namespace this is; never the caller's own process.
[[nodiscard]] std::vector<pid_t> processes_in(ino_t net_namespace);
// The process and all below it that live now, parents first.
[[nodiscard]] std::vector<ProcessInfo> process_tree(pid_t root);

}  // namespace vipra::lab
