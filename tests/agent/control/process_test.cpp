// The program itself: how it starts, ends, and what it is when the supervisor has given it a user of its own.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "tests/agent/control/fake_agent.hpp"
#include "tests/source/temporary_folder.hpp"

namespace vipra::control {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
constexpr uid_t kControlUid = 65532;

std::string read(const fs::path& path) {
  std::ifstream in{path};
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

class Program {
 public:
  Program(const test::TemporaryFolder& folder, int stdout_fd) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::dup2(stdout_fd, STDOUT_FILENO);
    if (::geteuid() == 0) {
      (void)::setgroups(0, nullptr);
      if (::setgid(kControlUid) != 0 || ::setuid(kControlUid) != 0) ::_exit(120);
    }
    ::execl(VIPRA_BINARY_DIR "/bin/vipra-control", "vipra-control", "--node", "node-a", "--listen",
            "127.0.0.1:0", "--agent-socket", (folder / "agent.sock").c_str(), "--vipctl-socket",
            (folder / "vipctl.sock").c_str(), "--definitions", (folder / "definitions").c_str(),
            "--state-dir", (folder / "state").c_str(), nullptr);
    ::_exit(121);
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  // The exit status; -1 when it did not end by itself within the limit.
  int wait(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    int status = 0;
    while (std::chrono::steady_clock::now() < end) {
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
      }
      std::this_thread::sleep_for(2ms);
    }
    return -1;
  }

 private:
  pid_t pid_ = -1;
};

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() {
    fs::create_directory(folder / "definitions");
    fs::create_directory(folder / "state");
    fs::permissions(folder.path(), fs::perms{0777});
    fs::permissions(folder / "state", fs::perms{0777});
    if (::geteuid() == 0) (void)::chown((folder / "agent.sock").c_str(), 0, kControlUid);
    test::write(folder / "definitions" / "web.yaml", test::definition("web", 51));
    out = sys::UniqueFd{::open((folder / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)};
  }
  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end) {
      agent.poll();
      if (condition()) return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }
  std::string log() const { return read(folder / "log"); }

  test::TemporaryFolder folder;
  test::FakeAgent agent{(folder / "agent.sock").string()};
  sys::UniqueFd out;
};

TEST_F(ProcessTest, WithoutAnyPrivilegeItServesItsAgentAndEndsQuicklyOnSigterm) {
  Program program{folder, out.get()};
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); })) << log();
  const auto status = read("/proc/" + std::to_string(program.pid()) + "/status");
  if (::geteuid() == 0) {
    EXPECT_NE(status.find("CapEff:\t0000000000000000"), std::string::npos);
  }
  ASSERT_TRUE(until([&] { return fs::exists(folder / "vipctl.sock"); }));
  ASSERT_TRUE(until([&] { return fs::exists(folder / "state" / "last-good"); }));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(5s), 0) << log();
  EXPECT_FALSE(fs::exists(folder / "vipctl.sock"));
  EXPECT_EQ(agent.desired.size(), 1u) << "it took something away when it left";
}

TEST_F(ProcessTest, AStopOfAWhileBreaksNothing) {
  Program program{folder, out.get()};
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); })) << log();
  program.signal(SIGSTOP);
  test::write(folder / "definitions" / "web.yaml", test::definition("web", 52));
  agent.disconnect();
  std::this_thread::sleep_for(1s);  // the stop
  program.signal(SIGCONT);
  ASSERT_TRUE(until([&] { return agent.accepted == 2 && agent.last().routers[0].vrid.value() == 52; }))
      << log();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(5s), 0);
}

TEST_F(ProcessTest, ALogThatNobodyReadsStopsNothing) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const sys::UniqueFd reader{pipe[0]};
  sys::UniqueFd writer{pipe[1]};
  const std::string filling(65536, '\n');
  ::fcntl(writer.get(), F_SETFL, O_NONBLOCK);
  while (::write(writer.get(), filling.data(), filling.size()) > 0) {
  }
  ::fcntl(writer.get(), F_SETFL, 0);
  Program program{folder, writer.get()};
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  test::write(folder / "definitions" / "web.yaml", test::definition("web", 52));
  ASSERT_TRUE(until([&] { return agent.desired.size() == 2; }));
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(5s), 0);
}

TEST(Program, WrongFlagsEndWithAUsageError) {
  EXPECT_EQ(WEXITSTATUS(std::system(VIPRA_BINARY_DIR "/bin/vipra-control --listen nonsense 2>/dev/null")), 2);
  EXPECT_EQ(WEXITSTATUS(std::system(VIPRA_BINARY_DIR "/bin/vipra-control --help >/dev/null")), 0);
}

}  // namespace
}  // namespace vipra::control
