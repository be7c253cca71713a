#include "lab/cgroup.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

#include "lab/clock.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {
namespace {

namespace fs = std::filesystem;
constexpr const char* kTop = "/sys/fs/cgroup";

bool is_v2() {
  struct statfs info{};
  return ::statfs(kTop, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

std::vector<std::string> words_of(const fs::path& path) {
  std::ifstream file{path};
  return {std::istream_iterator<std::string>{file}, {}};
}

Status prepare_v2(const std::string& name) {
  const auto there = words_of(fs::path{kTop} / "cgroup.controllers");
  std::string wanted;
  for (const char* controller : {"cpu", "memory", "pids"}) {
    if (std::find(there.begin(), there.end(), controller) == there.end())
      return fail(Errc::kUnsupported, "containers need the controller " + std::string{controller} +
                                          ", which this machine's cgroup v2 does not offer in " + kTop);
    wanted += std::string{wanted.empty() ? "+" : " +"} + controller;
  }
  const auto group = fs::path{kTop} / name;
  std::error_code error;
  fs::create_directory(group, error);
  if (error) return fail_errno("make " + group.string(), error.value());
  for (const auto& folder : {fs::path{kTop}, group}) {
    const auto path = folder / "cgroup.subtree_control";
    const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (file && ::write(file.get(), wanted.data(), wanted.size()) >= 0) continue;
    // In a container the top group has processes, and the kernel then gives no controllers to groups below.
    const int why = errno;
    remove_cgroups(name);
    return fail(Errc::kUnsupported,
                "containers can not have controllers (" + wanted + " in " + path.string() +
                    "): run this on the machine itself, or in a container with its cgroup top empty",
                why);
  }
  return {};
}

Status prepare_v1() {
  for (const char* controller : {"cpu", "memory", "pids", "devices", "freezer"}) {
    if (!fs::is_directory(fs::path{kTop} / controller))
      return fail(Errc::kUnsupported, "containers need the cgroup v1 controller " + std::string{controller} +
                                          " mounted in " + kTop);
  }
  return {};
}

void remove_tree(const fs::path& group) {
  std::error_code ignored;
  std::vector<fs::path> below;
  for (const auto& entry : fs::directory_iterator{group, ignored})
    if (entry.is_directory(ignored)) below.push_back(entry.path());
  for (const auto& folder : below) remove_tree(folder);
  ::rmdir(group.c_str());
}

}  // namespace

Status prepare_cgroups(const std::string& name) {
  return is_v2() ? prepare_v2(name) : prepare_v1();
}

void remove_cgroups(const std::string& name) {
  std::vector<fs::path> groups{fs::path{kTop} / name};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{kTop, ignored}) groups.push_back(entry.path() / name);
  [[maybe_unused]] const bool gone = wait_until(
      [&] {
        std::erase_if(groups, [](const fs::path& group) {
          std::error_code error;
          if (fs::exists(group, error)) remove_tree(group);
          return !fs::exists(group, error);
        });
        return groups.empty();
      },
      std::chrono::seconds{2}, std::chrono::milliseconds{20});
}

}  // namespace vipra::lab
