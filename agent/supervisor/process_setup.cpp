#include "agent/supervisor/process_setup.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "sys/unique_fd.hpp"

namespace vipra::supervisor {
namespace {

Result<sys::UniqueFd> open_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);  // fails below if it really did
  sys::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return fail_errno("cannot use the folder " + path, errno);
  return fd;
}

Status own_folder(const std::string& path, uid_t user, gid_t group, mode_t mode) {
  const auto folder = open_folder(path);
  if (!folder) return tl::unexpected{folder.error()};
  struct stat info{};
  if (::fstat(folder->get(), &info) < 0) return fail_errno("cannot look at " + path, errno);
  constexpr mode_t kEverybodys = S_ISVTX | S_IWOTH;
  if ((info.st_mode & kEverybodys) == kEverybodys) {
    return fail(Errc::kPermission, path + " is everybody's folder: name one of the agent's own");
  }
  if (info.st_uid != user || info.st_gid != group) {
    if (::fchown(folder->get(), user, group) < 0)
      return fail_errno("cannot give away the folder " + path, errno);
  }
  if ((info.st_mode & 07777U) != mode && ::fchmod(folder->get(), mode) < 0) {
    return fail_errno("cannot set the mode of the folder " + path, errno);
  }
  return {};
}

Status write_oom_score(const std::string& process, int score) {
  const std::string path = "/proc/" + process + "/oom_score_adj";
  const sys::UniqueFd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  const auto text = std::to_string(score);
  if (!fd || ::write(fd.get(), text.data(), text.size()) < 0)
    return fail_errno("cannot write " + path, errno);
  return {};
}

bool may_lock_memory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) return true;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  return (data[CAP_IPC_LOCK / 32].effective >> CAP_IPC_LOCK % 32 & 1U) != 0;
}

}  // namespace

Status prepare_run_dir(const Options& options) {
  return own_folder(options.run_dir, 0, static_cast<gid_t>(options.control_uid), S_ISVTX | 0770);
}

Status prepare_state_dir(const Options& options) {
  return own_folder(options.state_dir, options.control_uid, static_cast<gid_t>(options.control_uid), 0750);
}

Status lock_memory() {
  if (!may_lock_memory()) {
    return fail(Errc::kPermission, "the limit of locked memory is finite and CAP_IPC_LOCK is missing");
  }
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0) return fail_errno("cannot lock memory", errno);
  return {};
}

Status lower_oom_score() {
  return write_oom_score("self", -900);
}
Status raise_oom_score(pid_t pid, int score) {
  return write_oom_score(std::to_string(pid), score);
}

Status raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return fail_errno("cannot read the limit of open files", errno);
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) < 0)
    return fail_errno("cannot raise the limit of open files", errno);
  return {};
}

double unit_random() noexcept {
  std::uint32_t bits = 0;
  (void)!::getrandom(&bits, sizeof bits, GRND_NONBLOCK);
  return static_cast<double>(bits) / 4294967296.0;
}

std::string beside_this_program(const std::string& name) {
  std::array<char, 4096> path{};
  const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string_view self{path.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
  return std::string{self.substr(0, self.rfind('/') + 1)} + name;
}

std::optional<std::uint64_t> control_data_limit() noexcept {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  if constexpr (VIPRA_CONTROL_DATA_LIMIT_MIB == 0) return std::nullopt;
  return VIPRA_CONTROL_DATA_LIMIT_MIB * kMiB;
}

}  // namespace vipra::supervisor
