// deploy/systemd/vipra-agent.service: systemd understands it, and what it leaves to the agent is enough.
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/agent/supervisor/world.hpp"

namespace vipra::supervisor {
namespace {

std::string unit_text() {
  std::ostringstream text;
  text << std::ifstream{VIPRA_SOURCE_DIR "/deploy/systemd/vipra-agent.service"}.rdbuf();
  return text.str();
}

std::string setting(const std::string& name) {
  const auto text = unit_text();
  const auto at = text.find("\n" + name + "=");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::uint64_t capabilities() {
  static const std::map<std::string, int> kNumbers{
      {"CAP_CHOWN", CAP_CHOWN},     {"CAP_KILL", CAP_KILL},         {"CAP_SETGID", CAP_SETGID},
      {"CAP_SETUID", CAP_SETUID},   {"CAP_SETPCAP", CAP_SETPCAP},   {"CAP_NET_ADMIN", CAP_NET_ADMIN},
      {"CAP_NET_RAW", CAP_NET_RAW}, {"CAP_IPC_LOCK", CAP_IPC_LOCK}, {"CAP_SYS_NICE", CAP_SYS_NICE},
  };
  std::uint64_t out = 0;
  std::istringstream words{setting("CapabilityBoundingSet")};
  for (std::string word; words >> word;) out |= 1ULL << kNumbers.at(word);
  return out;
}

using UnitTest = World;

TEST_F(UnitTest, is_understood_by_systemd) {
  if (std::system("command -v systemd-analyze >/dev/null") != 0)
    GTEST_SKIP() << "systemd-analyze is not installed";
  auto text = unit_text();
  const std::string program = "/usr/local/sbin/vipra-agent";
  text.replace(text.find(program), program.size(), "/bin/true");
  const auto path = folder() + "/vipra-agent.service";
  std::ofstream{path} << text;
  const auto output = folder() + "/verify";
  EXPECT_EQ(std::system(("systemd-analyze verify --man=no " + path + " > " + output + " 2>&1").c_str()), 0);
  std::ostringstream said;
  said << std::ifstream{output}.rdbuf();
  EXPECT_EQ(said.str().find(path), std::string::npos) << said.str();
}

TEST_F(UnitTest, the_watchdog_and_the_end_leave_the_agent_its_time) {
  EXPECT_EQ(setting("Type"), "notify");
  EXPECT_EQ(setting("KillMode"), "mixed") << "the speaker must be released, not killed";
  EXPECT_GE(std::atoi(setting("TimeoutStopSec").c_str()), 45 + 3 + 5);
  EXPECT_GE(std::atoi(setting("WatchdogSec").c_str()), 10) << "a hang is found and healed before";
  EXPECT_EQ(setting("OOMPolicy"), "continue");
}

TEST_F(UnitTest, its_capabilities_are_enough_for_every_process) {
  const auto state = folder() + "/state";
  const auto path = folder() + "/control";
  std::ofstream{path} << "#!/bin/sh\ncd " << state
                      << " && grep ^Cap /proc/self/status > status && exec sleep 60\n";
  ::chmod(path.c_str(), 0755);
  for (int start = 1; start <= 2; ++start) {  // the second finds folders that are not root's any more
    Agent::Plan plan{.arguments = {"--control-binary", path}, .capabilities = capabilities()};
    start_agent(plan);
    ASSERT_TRUE(speakers_ready(start));
    order("open 1 " + std::to_string(near_index()));
    order("open 3 " + std::to_string(near_index()));
    EXPECT_TRUE(eventually([&] { return journal_lines("fds 1 \n") == 2 * start; })) << journal();
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(state + "/status"); }));
    EXPECT_EQ(agent().logged("supervisor.state_dir_not_prepared"), 0);
    EXPECT_EQ(agent().logged("supervisor.run_dir_not_prepared"), 0);
    agent().signal(SIGTERM);
    EXPECT_EQ(agent().wait(), 0);
    EXPECT_EQ(agent().logged("control.killed"), 0) << "CAP_KILL reaches control";
    std::filesystem::remove(state + "/status");
  }
}

TEST_F(UnitTest, its_capabilities_are_enough_to_clean_up_behind_a_speaker) {
  Agent::Plan plan;
  plan.capabilities = capabilities();
  start_agent(plan);
  ASSERT_TRUE(speakers_ready(1));
  order("open 1 " + std::to_string(near_index()));
  add_marked("10.99.0.100");
  order("own 3 " + std::to_string(near_index()) + " 10.99.0.1 51");
  ::kill(speaker_pid(), SIGSTOP);
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_FALSE(has_marked());
  EXPECT_EQ(heard().size(), 3U);
}

}  // namespace
}  // namespace vipra::supervisor
