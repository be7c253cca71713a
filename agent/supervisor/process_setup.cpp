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

// As a path only: the folder may be another user's, and root without CAP_DAC_OVERRIDE cannot read it.
Result<sys::UniqueFd> open_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);  // fails below if it really did
  sys::UniqueFd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
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
  // The mode first: it is the owner's to set.
  const auto itself = "/proc/self/fd/" + std::to_string(folder->get());
  if ((info.st_mode & 07777U) != mode && ::chmod(itself.c_str(), mode) < 0) {
    return fail_errno("cannot set the mode of the folder " + path, errno);
  }
  if (info.st_uid == user && info.st_gid == group) return {};
  if (::fchownat(folder->get(), "", user, group, AT_EMPTY_PATH) < 0) {
    return fail_errno("cannot give away the folder " + path, errno);
  }
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
  constexpr std::string_view kPath = "/proc/self/oom_score_adj";
  constexpr std::string_view kScore = "-900";
  const sys::UniqueFd fd{::open(kPath.data(), O_WRONLY | O_CLOEXEC)};
  if (!fd || ::write(fd.get(), kScore.data(), kScore.size()) < 0) {
    return fail_errno("cannot lower the agent's score for the out-of-memory killer", errno);
  }
  return {};
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
