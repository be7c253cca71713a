#include "lab/processes.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace vipra::lab {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

std::string folder_of(pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

}  // namespace

ProcessInfo read_process(pid_t pid) {
  ProcessInfo info;
  const std::string stat = slurp(folder_of(pid) + "/stat");
  const auto open = stat.find('(');
  const auto close = stat.rfind(')');  // the name may contain anything, also ')'
  if (open == std::string::npos || close == std::string::npos || close + 4 > stat.size()) return info;
  info.pid = pid;
  info.name = stat.substr(open + 1, close - open - 1);
  info.state = stat[close + 2];
  info.parent = static_cast<pid_t>(std::strtol(stat.c_str() + close + 4, nullptr, 10));
  const std::string line = slurp(folder_of(pid) + "/cmdline");
  for (std::size_t at = 0; at < line.size();) {
    const auto end = std::min(line.find('\0', at), line.size());
    info.argv.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return info;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return pids;
  while (const dirent* entry = ::readdir(proc)) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0)
      pids.push_back(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
  }
  ::closedir(proc);
  return pids;
}

std::vector<pid_t> processes_in(ino_t net_namespace) {
  auto pids = all_processes();
  std::erase_if(pids, [&](pid_t pid) {
    struct stat info{};
    // A zombie has no namespace any more.
    return pid == ::getpid() || ::stat((folder_of(pid) + "/ns/net").c_str(), &info) < 0 ||
           info.st_ino != net_namespace;
  });
  return pids;
}

std::vector<ProcessInfo> process_tree(pid_t root) {
  std::vector<ProcessInfo> all;
  for (const pid_t pid : all_processes()) {
    if (auto info = read_process(pid); info.pid != 0 && info.state != 'Z') all.push_back(std::move(info));
  }
  std::vector<ProcessInfo> tree;
  const auto take = [&](auto wanted) {
    for (const auto& info : all)
      if (wanted(info)) tree.push_back(info);
  };
  take([&](const ProcessInfo& info) { return info.pid == root; });
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const pid_t parent = tree[i].pid;
    take([&](const ProcessInfo& info) { return info.parent == parent; });
  }
  return tree;
}

}  // namespace vipra::lab
