#include "lab/workspace.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <system_error>

#include "lab/cgroup.hpp"
#include "lab/processes.hpp"

namespace vipra::lab {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "vipra-lab-";
constexpr fs::perms kReadable = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                fs::perms::others_read | fs::perms::others_exec;
constexpr const char* kLockName = "alive";

// Reads one line with the namespaces ("net:[4026532008] ...") and one with where to open them, so as to hold
// them: their numbers must not pass to somebody else's while it kills by number. Then waits for the end of
// the lab: the end of its standard input. A shell, because it needs nothing of the process that started it.
constexpr const char* kWatchman = R"(
trap '' INT TERM HUP
read -r namespaces || namespaces=
read -r handles || handles=
for handle in $handles; do exec {held}< "$handle"; done
cat > /dev/null
round=0
while [ -n "$namespaces" ] && [ $round -lt 100 ]; do
  round=$((round + 1))
  left=
  for process in /proc/[0-9]*; do
    net=$(readlink "$process/ns/net" 2> /dev/null) || continue
    case " $namespaces " in *" $net "*) kill -9 "${process#/proc/}" 2> /dev/null; left=1 ;; esac
  done
  [ -z "$left" ] && break
  sleep 0.02
done
# Control groups of its containers, of either version.
for group in /sys/fs/cgroup/"${1##*/}" /sys/fs/cgroup/*/"${1##*/}"; do
  round=0
  while [ -d "$group" ] && [ $round -lt 50 ]; do
    round=$((round + 1))
    find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || sleep 0.02
  done
done
if [ "$2" = keep ]; then rm -f "$1/alive"; exit; fi
# A program that dies right now may still make a file in the folder.
for round in 1 2 3 4 5; do rm -rf "$1" && break; sleep 0.1; done
)";

std::string random_suffix() {
  std::random_device device;
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string text;
  for (int i = 0; i < 8; ++i) text += kDigits[device() % kDigits.size()];
  return text;
}

fs::path temporary_root() {
  std::error_code ignored;
  const auto root = fs::temp_directory_path(ignored);
  return root.empty() ? fs::path{"/tmp"} : root;
}

// The lock's file, locked; nothing if there is none or somebody holds it.
UniqueFd try_lock(const fs::path& folder) {
  UniqueFd fd{::open((folder / kLockName).c_str(), O_RDWR | O_CLOEXEC)};
  if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) return {};
  return fd;
}

bool mentions(pid_t pid, const char* file, const std::string& id) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/" + file, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  return text.find(id) != std::string::npos;
}

void kill_processes_of(const std::string& id) {
  for (const pid_t pid : all_processes())
    if (pid != ::getpid() && mentions(pid, "environ", "VIPRA_LAB=" + id)) ::kill(pid, SIGKILL);
}

// The watchman holds the lock too (descriptor 3): the folder is not dead before he is done.
Result<pid_t> start_watchman(const fs::path& folder, bool keep, int lifeline, int lock) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, lifeline, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, lock, 3);
  posix_spawn_file_actions_addclosefrom_np(&files, 4);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  const std::string path = folder.string();
  const char* argv[] = {
      "/bin/bash", "-c", kWatchman, "vipra-lab-watchman", path.c_str(), keep ? "keep" : "remove", nullptr};
  const char* environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &files, &attributes, const_cast<char**>(argv),
                                  const_cast<char**>(environment));
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno("start the watchman", error);
  return pid;
}

}  // namespace

std::vector<fs::path> dead_workspaces() {
  std::vector<fs::path> dead;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{temporary_root(), error}) {
    const std::string name = entry.path().filename().string();
    const bool hidden = name.starts_with('.');
    if (!std::string_view{name}.substr(hidden ? 1 : 0).starts_with(kPrefix)) continue;
    // A hidden one is being made right now, unless its maker died in the middle.
    std::error_code gone;
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(gone);
    if (gone || (hidden && age < std::chrono::minutes{1})) continue;
    if (try_lock(entry.path())) dead.push_back(entry.path());
  }
  return dead;
}

std::size_t sweep_dead_workspaces() {
  std::size_t removed = 0;
  for (const auto& folder : dead_workspaces()) {
    const UniqueFd lock = try_lock(folder);  // of two sweepers one does it
    if (!lock) continue;
    kill_processes_of(folder.filename().string());
    remove_cgroups(folder.filename().string());
    std::error_code error;
    fs::remove_all(folder, error);
    if (!error) ++removed;
  }
  return removed;
}

Result<std::unique_ptr<Workspace>> Workspace::make(bool keep_files) {
  sweep_dead_workspaces();
  std::unique_ptr<Workspace> made{new Workspace};
  made->keep_files_ = keep_files;
  made->id_ = std::string{kPrefix} + std::to_string(::getpid()) + "-" + random_suffix();
  const auto root = temporary_root();
  // Under another name until it is locked: a sweeper must never meet it without its lock.
  const auto hidden = root / ("." + made->id_);
  std::error_code error;
  fs::create_directory(hidden, error);
  if (error) return fail_errno("make " + hidden.string(), error.value());
  // Control runs without privileges and must be able to look into its folders.
  fs::permissions(hidden, kReadable, error);
  made->lock_ = UniqueFd{::open((hidden / kLockName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!made->lock_ || ::flock(made->lock_.get(), LOCK_EX | LOCK_NB) < 0)
    return fail_errno("lock the folder", errno);
  made->directory_ = root / made->id_;
  fs::rename(hidden, made->directory_, error);
  if (error) return fail_errno("rename " + hidden.string(), error.value());

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("make a pipe", errno);
  const UniqueFd reader{ends[0]};
  made->lifeline_ = UniqueFd{ends[1]};
  const auto watchman = start_watchman(made->directory_, keep_files, reader.get(), made->lock_.get());
  if (!watchman) return tl::unexpected{watchman.error()};
  made->watchman_ = *watchman;
  return made;
}

Status Workspace::guard(const std::vector<const NetNamespace*>& namespaces) {
  std::string line;
  for (const auto* net : namespaces) line += "net:[" + std::to_string(net->inode()) + "] ";
  line += "\n";
  for (const auto* net : namespaces) line += net->path() + " ";
  line += "\n";
  if (::write(lifeline_.get(), line.data(), line.size()) < 0) return fail_errno("tell the watchman", errno);
  return {};
}

Workspace::~Workspace() {
  lifeline_.reset();
  if (watchman_ > 0) ::waitpid(watchman_, nullptr, 0);
}

}  // namespace vipra::lab
