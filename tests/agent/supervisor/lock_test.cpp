// One agent in a network namespace.
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstring>

#include "tests/agent/supervisor/world.hpp"

namespace vipra::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct LockTest : World {
  // A process of this user that binds the lock's name, and listens on it or not.
  pid_t squat(uid_t uid, bool listens, const std::string& name = "vipra-agent") {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::setresuid(uid, uid, uid) != 0) ::_exit(1);
      const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      std::memcpy(address.sun_path + 1, name.data(), name.size());
      const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
      if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) ::_exit(1);
      if (listens && ::listen(fd, 8) != 0) ::_exit(1);
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
    squatters_.push_back(pid);
    return pid;
  }
  ~LockTest() override {
    for (const pid_t pid : squatters_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

 private:
  std::vector<pid_t> squatters_;
};

TEST_F(LockTest, a_second_agent_waits_says_for_whom_and_takes_over_the_moment_the_first_ends) {
  auto& first = start_agent();
  ASSERT_TRUE(speakers_ready(1));
  auto& second = start_agent();
  ASSERT_TRUE(eventually([&] { return second.logged("supervisor.waiting_for_lock") == 1; }));
  EXPECT_NE(second.log().find("\"holder_pid\":" + std::to_string(first.pid())), std::string::npos);
  EXPECT_FALSE(eventually([&] { return journal_lines("start") > 1; }, milliseconds{300}));
  first.signal(SIGKILL);
  ASSERT_TRUE(first.wait());
  EXPECT_TRUE(speakers_ready(2));
  EXPECT_TRUE(second.logs("supervisor.waiting_for_lock", 1));
}

TEST_F(LockTest, of_many_that_wait_one_goes_on) {
  auto& first = start_agent();
  ASSERT_TRUE(speakers_ready(1));
  for (int i = 0; i < 3; ++i) start_agent();
  auto& last = agent();
  ASSERT_TRUE(eventually([&] { return last.logged("supervisor.waiting_for_lock") == 1; }));
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 0);
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_FALSE(eventually([&] { return journal_lines("start") > 2; }, milliseconds{300}));
}

TEST_F(LockTest, one_that_waits_ends_when_asked) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  auto& second = start_agent();
  ASSERT_TRUE(eventually([&] { return second.logged("supervisor.waiting_for_lock") == 1; }));
  second.signal(SIGTERM);
  EXPECT_EQ(second.wait(), 0);
}

TEST_F(LockTest, an_agent_in_another_namespace_is_no_matter) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  Agent::Plan plan;
  plan.elsewhere = true;
  start_agent(plan);
  EXPECT_TRUE(speakers_ready(2));
}

TEST_F(LockTest, a_holder_that_is_not_root_is_reported_and_ignored) {
  const auto pid = squat(1234, true);
  auto& first = start_agent();
  ASSERT_TRUE(speakers_ready(1));
  EXPECT_TRUE(first.logs("supervisor.lock_ignored", 1));
  EXPECT_NE(first.log().find("\"holder_pid\":" + std::to_string(pid)), std::string::npos);
  EXPECT_NE(first.log().find("\"holder_uid\":1234"), std::string::npos);

  auto& second = start_agent();
  EXPECT_TRUE(eventually([&] { return second.logged("supervisor.waiting_for_lock") == 1; }))
      << "two agents still meet";
  EXPECT_EQ(journal_lines("start"), 1);
}

TEST_F(LockTest, two_agents_meet_even_when_the_stranger_left_between_them) {
  const auto pid = squat(1234, true);
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  auto& second = start_agent();
  EXPECT_TRUE(eventually([&] { return second.logged("supervisor.waiting_for_lock") == 1; }));
  EXPECT_EQ(journal_lines("start"), 1);
}

TEST_F(LockTest, a_holder_that_does_not_listen_is_no_agent) {
  squat(1234, false);
  auto& first = start_agent();
  ASSERT_TRUE(speakers_ready(1));
  EXPECT_TRUE(first.logs("supervisor.lock_ignored", 1));
}

TEST_F(LockTest, goes_on_without_a_lock_when_strangers_hold_every_name) {
  for (const auto* name : {"vipra-agent", "vipra-agent.2", "vipra-agent.3"}) squat(1234, true, name);
  auto& first = start_agent();
  ASSERT_TRUE(speakers_ready(1));
  EXPECT_TRUE(first.logs("supervisor.no_lock", 1));
}

}  // namespace
}  // namespace vipra::supervisor
