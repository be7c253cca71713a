#include "agent/supervisor/spawn.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>

namespace vipra::supervisor {
namespace {

Exit wait_for(const Process& process) {
  pollfd ended{process.pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 10'000), 1);
  const auto exit = reap(process);
  EXPECT_TRUE(exit);
  return exit.value_or(Exit{});
}

// What a shell script says on its link, descriptor 3.
struct Script {
  explicit Script(
      const std::string& text, const std::function<void(SpawnPlan&)>& change = [](SpawnPlan&) {}) {
    int pipe[2];
    EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    sys::UniqueFd out{pipe[0]};
    sys::UniqueFd in{pipe[1]};
    SpawnPlan plan;
    plan.path = "/bin/sh";
    plan.argv = {"sh", "-c", text};
    plan.link_fd = in.get();
    plan.capabilities = ~0ULL;
    change(plan);
    const auto process = spawn(plan);
    EXPECT_TRUE(process);
    in.reset();
    char buffer[4096];
    for (ssize_t size = 0; (size = ::read(out.get(), buffer, sizeof buffer)) > 0;) {
      said.append(buffer, static_cast<std::size_t>(size));
    }
    exit = wait_for(*process);
  }
  // The value of a line "Name: value" of /proc/PID/status.
  std::string field(const std::string& name) const {
    const auto at = said.find(name + ":\t");
    if (at == std::string::npos) return "missing";
    const auto begin = at + name.size() + 2;
    return said.substr(begin, said.find('\n', begin) - begin);
  }
  std::string said;
  Exit exit;
};

TEST(Spawn, gives_the_child_its_link_as_descriptor_3_and_no_other) {
  const sys::UniqueFd stray{::open("/dev/null", O_RDONLY)};  // inheritable, on purpose
  const Script script{"exec ls /proc/self/fd >&3"};
  std::istringstream words{script.said};
  std::set<int> numbers;
  for (int number = 0; words >> number;) numbers.insert(number);
  numbers.erase(4);  // of the folder that it lists
  for (const int number : numbers) EXPECT_LE(number, 3) << script.said;
  EXPECT_TRUE(numbers.contains(3));
  EXPECT_TRUE(script.exit.clean());
}

TEST(Spawn, unblocks_and_resets_signals) {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  ::signal(SIGHUP, SIG_IGN);
  const Script script{"cat /proc/self/status >&3"};
  ::signal(SIGHUP, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(script.field("SigBlk"), "0000000000000000");
  EXPECT_EQ(script.field("SigIgn"), "0000000000000000");
}

TEST(Spawn, cuts_the_speakers_capabilities_to_what_it_may_need) {
  const Script script{"cat /proc/self/status >&3",
                      [](SpawnPlan& plan) { plan.capabilities = 1ULL << CAP_NET_RAW; }};
  EXPECT_EQ(script.field("CapEff"), "0000000000002000");
  EXPECT_EQ(script.field("CapBnd"), "0000000000002000");
  EXPECT_EQ(script.field("NoNewPrivs"), "1");
}

TEST(Spawn, makes_control_another_user_without_any_privilege) {
  const Script script{"cat /proc/self/status >&3; ulimit -d >&3; ulimit -c >&3", [](SpawnPlan& plan) {
                        plan.user = 65532;
                        plan.data_limit = 512ULL << 20;
                      }};
  EXPECT_EQ(script.field("Uid"), "65532\t65532\t65532\t65532");
  EXPECT_EQ(script.field("Gid"), "65532\t65532\t65532\t65532");
  EXPECT_EQ(script.field("Groups"), " ");
  for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(script.field(set), "0000000000000000") << set;
  }
  EXPECT_EQ(script.field("NoNewPrivs"), "1");
  EXPECT_NE(script.said.find("\n524288\n0\n"), std::string::npos) << "RLIMIT_DATA in KiB, RLIMIT_CORE";
}

TEST(Spawn, tells_how_a_child_ended) {
  EXPECT_EQ(describe_exit(Script{"exit 3"}.exit), "exit status 3");
  EXPECT_EQ(describe_exit(Script{"kill -9 $$"}.exit), "signal 9 (Killed)");
  EXPECT_EQ(describe_exit(Script{"", [](SpawnPlan& plan) { plan.path = "/nonexistent"; }}.exit),
            "its program could not be executed");
}

TEST(Spawn, does_not_reap_what_still_runs) {
  SpawnPlan plan;
  plan.path = "/bin/sleep";
  plan.argv = {"sleep", "60"};
  const auto process = spawn(plan);
  ASSERT_TRUE(process);
  EXPECT_FALSE(reap(*process));
  ::kill(process->pid, SIGKILL);
  EXPECT_TRUE(wait_for(*process).signalled);
}

TEST(Spawn, takes_the_child_along_when_the_parent_is_killed) {
  for (const bool unprivileged : {false, true}) {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    sys::UniqueFd out{pipe[0]};
    sys::UniqueFd in{pipe[1]};
    const pid_t parent = ::fork();
    if (parent == 0) {
      SpawnPlan plan;
      plan.path = "/bin/sleep";
      plan.argv = {"sleep", "60"};
      plan.link_fd = in.get();  // held open by the child as long as it lives
      if (unprivileged) plan.user = 65532;
      const auto process = spawn(plan);
      // Killed only once the child is its program: before that it would notice by itself.
      std::string exe;
      while (process && exe.find("sleep") == std::string::npos) {
        std::error_code error;
        exe = std::filesystem::read_symlink("/proc/" + std::to_string(process->pid) + "/exe", error);
        if (error) break;
      }
      ::kill(::getpid(), SIGKILL);
    }
    in.reset();
    pollfd ended{out.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 10'000), 1) << "the child lives on; unprivileged: " << unprivileged;
    ::waitpid(parent, nullptr, 0);
  }
}

}  // namespace
}  // namespace vipra::supervisor
