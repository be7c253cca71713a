#include "lab/command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "lab/child.hpp"

namespace vipra::lab {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{1} << 20U;

// Debian's PATH of a plain user lacks the sbin folders where ip and nft live.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::istringstream folders{std::string{path != nullptr ? path : ""} + ":/usr/sbin:/usr/bin:/sbin:/bin"};
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (folder.empty()) continue;
    std::string candidate = folder;
    candidate.append("/").append(name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return name;
}

Result<UniqueFd> memory_file(const char* name, std::string_view content) {
  UniqueFd fd{::memfd_create(name, MFD_CLOEXEC)};
  if (!fd) return fail_errno("make a memory file", errno);
  while (!content.empty()) {
    const ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n < 0) return fail_errno("fill a memory file", errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::string read_back(int fd) {
  struct stat info{};
  ::fstat(fd, &info);
  std::string text(std::min(static_cast<std::size_t>(info.st_size), kMaxOutput), '\0');
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

Result<Child> spawn(const NetNamespace& net, const std::vector<std::string>& argv, int in, int out) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in, 0);
  posix_spawn_file_actions_adddup2(&files, out, 1);
  posix_spawn_file_actions_adddup2(&files, out, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  const std::string program = find_program(argv.front());
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  int error = 0;
  {
    const Entered inside{net};  // the child inherits the namespace of the thread that spawns it
    error = ::posix_spawn(&pid, program.c_str(), &files, &attributes, arguments.data(), environ);
  }
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno("start " + argv.front(), error);
  return Child{pid};
}

}  // namespace

Result<CommandOutput> run_command(const NetNamespace& net, const std::vector<std::string>& argv,
                                  std::string_view input, Duration within) {
  if (argv.empty()) return fail(Errc::kInvalid, "no program to run");
  const auto in = memory_file("stdin", input);
  if (!in) return tl::unexpected{in.error()};
  const auto out = memory_file("stdout", {});
  if (!out) return tl::unexpected{out.error()};
  auto child = spawn(net, argv, in->get(), out->get());
  if (!child) return tl::unexpected{child.error()};
  const auto status = child->wait(within);
  if (!status) {
    child->kill_and_reap();
    return fail(Errc::kTimeout, argv.front() + " was not done in time: " + read_back(out->get()));
  }
  const int raw = status->raw;
  return CommandOutput{WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw), read_back(out->get())};
}

Status must_run(const NetNamespace& net, const std::vector<std::string>& argv, std::string_view input,
                Duration within) {
  const auto output = run_command(net, argv, input, within);
  if (!output) return tl::unexpected{output.error()};
  if (output->exit_status == 0) return {};
  std::string line;
  for (const auto& argument : argv) line += argument + " ";
  return fail(Errc::kIo, line + "ended with " + std::to_string(output->exit_status) + ": " + output->out);
}

}  // namespace vipra::lab
