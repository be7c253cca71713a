// Control as a child on bare metal.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "runtime/clock.hpp"
#include "tests/agent/supervisor/world.hpp"

namespace vipra::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct ChildrenTest : World {
  // Starts an agent whose control is this shell script. It runs as another user, in the state folder.
  void start_with_control(const std::string& script) {
    const auto path = folder() + "/control";
    std::ofstream{path} << "#!/bin/sh\ncd " << folder() << "/state || exit 9\necho $$ >> starts\n"
                        << script << "\n";
    ::chmod(path.c_str(), 0755);
    start_agent({.arguments = {"--control-binary", path, "--label", "zone=a"}});
  }
  std::string state_file(const char* name) {
    std::ostringstream text;
    text << std::ifstream{folder() + "/state/" + name}.rdbuf();
    return text.str();
  }
  int starts() {
    const auto text = state_file("starts");
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }
  pid_t control_pid() {
    const auto text = state_file("starts");
    return text.size() < 2 ? 0 : std::atoi(text.c_str() + text.rfind('\n', text.size() - 2) + 1);
  }
};

TEST_F(ChildrenTest, control_runs_as_its_own_user_without_privileges_and_can_write_its_state) {
  start_with_control("cat /proc/self/status > status; echo \"$@\" > arguments; exec sleep 60");
  ASSERT_TRUE(eventually([&] { return state_file("arguments").find('\n') != std::string::npos; }));
  const auto status = state_file("status");
  EXPECT_NE(status.find("Uid:\t65532\t65532\t65532\t65532\n"), std::string::npos) << status;
  EXPECT_NE(status.find("CapEff:\t0000000000000000\n"), std::string::npos);
  EXPECT_NE(status.find("CapBnd:\t0000000000000000\n"), std::string::npos);
  EXPECT_NE(status.find("NoNewPrivs:\t1\n"), std::string::npos);
  const auto arguments = state_file("arguments");
  EXPECT_NE(arguments.find("--agent-socket " + agent_socket()), std::string::npos) << arguments;
  EXPECT_NE(arguments.find("--label zone=a"), std::string::npos);
}

TEST_F(ChildrenTest, control_is_the_first_to_go_when_memory_is_short) {
  start_with_control("exec sleep 60");
  ASSERT_TRUE(eventually([&] { return control_pid() != 0; }));
  const auto score = "/proc/" + std::to_string(control_pid()) + "/oom_score_adj";
  EXPECT_TRUE(eventually([&] {
    int value = 0;
    std::ifstream{score} >> value;
    return value == 500;
  }));
}

TEST_F(ChildrenTest, control_that_ends_is_started_again_with_growing_pauses_and_the_speaker_does_not_notice) {
  start_with_control("exit 1");
  ASSERT_TRUE(eventually([&] { return starts() >= 4; }));
  EXPECT_GE(agent().logged("control.paused"), 3);
  EXPECT_EQ(journal_lines("start"), 1);
}

TEST_F(ChildrenTest, control_that_cannot_be_started_costs_nothing_but_log_lines) {
  start_agent({.arguments = {"--control-binary", "/nonexistent"}});
  ASSERT_TRUE(speakers_ready(1));
  EXPECT_TRUE(eventually([&] { return agent().log().find("could not be executed") != std::string::npos; }));
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
}

TEST_F(ChildrenTest, control_ends_after_the_speaker) {
  start_with_control("trap 'echo bye > bye; exit 0' TERM; echo > trapped; while :; do sleep 0.05; done");
  ASSERT_TRUE(speakers_ready(1));
  ASSERT_TRUE(eventually([&] { return !state_file("trapped").empty(); }));
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
  EXPECT_EQ(state_file("bye"), "bye\n");
  const auto log = agent().log();
  EXPECT_LT(log.find("\"child\":\"speaker\",\"pid\":" + std::to_string(speaker_pid()) + ",\"reason\""),
            log.rfind("\"child\":\"control\""));
}

TEST_F(ChildrenTest, control_that_does_not_end_is_killed) {
  start_with_control("trap '' TERM; echo > trapped; while :; do sleep 1; done");
  ASSERT_TRUE(speakers_ready(1));
  ASSERT_TRUE(eventually([&] { return !state_file("trapped").empty(); }));
  const auto pid = control_pid();
  const auto begin = runtime::now().mono;
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
  EXPECT_LT(runtime::now().mono - begin, seconds{6});
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(ChildrenTest, control_that_does_not_end_is_killed_at_once_when_asked_twice) {
  start_with_control("trap '' TERM; echo > trapped; while :; do sleep 1; done");
  ASSERT_TRUE(speakers_ready(1));
  ASSERT_TRUE(eventually([&] { return !state_file("trapped").empty(); }));
  const auto begin = runtime::now().mono;
  agent().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return agent().logged("child.exited") == 1; })) << "the speaker";
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
  EXPECT_LT(runtime::now().mono - begin, seconds{3});
}

TEST_F(ChildrenTest, control_that_is_stopped_changes_nothing_and_ends_with_the_agent) {
  start_with_control("exec sleep 60");
  ASSERT_TRUE(speakers_ready(1));
  ASSERT_TRUE(eventually([&] { return starts() == 1; }));
  ::kill(control_pid(), SIGSTOP);
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(speakers_ready(2));
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
}

TEST_F(ChildrenTest, control_does_not_outlive_a_killed_agent) {
  start_with_control("exec sleep 60");
  ASSERT_TRUE(eventually([&] { return starts() == 1; }));
  const auto pid = control_pid();
  agent().signal(SIGKILL);
  ASSERT_TRUE(agent().wait());
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
}

}  // namespace
}  // namespace vipra::supervisor
