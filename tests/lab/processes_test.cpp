// What the death, the silence or the doubling of a process costs: nothing.
#include <csignal>
#include <fstream>
#include <thread>

#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

struct Processes : AgentLab {};

TEST_F(Processes, AKilledSpeakerOfTheOwnerCostsNothing) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(3));
  const auto report = probed(
      [&] {
        const auto old = node("node-a").process(Role::kSpeaker);
        ASSERT_OK(old);
        ASSERT_OK(node("node-a").signal(Role::kSpeaker, SIGKILL));
        ASSERT_TRUE(respawned(node("node-a"), *old));
        ASSERT_TRUE(logged(node("node-a"), "\"reason\":\"Adopted\""));
      },
      [&] { return owns("node-a"); }, [] {});
  EXPECT_EQ(report.lost, 0u) << report.summary();
  EXPECT_EQ(report.owner_names(), std::vector<std::string>{"node-a"});
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), 0u) << "no move";
}

TEST_F(Processes, AKilledSpeakerOfABackupGoesOnListening) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  const auto old = node("node-b").process(Role::kSpeaker);
  ASSERT_OK(old);
  ASSERT_OK(node("node-b").signal(Role::kSpeaker, SIGKILL));
  ASSERT_TRUE(respawned(node("node-b"), *old));
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(owns("node-b"));
}

TEST_F(Processes, ASpeakerKilledWhileReleasingLeavesNothingBehind) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_OK(node("node-b").stop_agent());  // nobody takes over: Releasing lasts its whole bound
  const auto pid = node("node-a").process(Role::kSpeaker);
  ASSERT_OK(pid);
  ASSERT_OK(node("node-a").remove_definition("web.yaml"));
  ASSERT_TRUE(logged(node("node-a"), "\"to\":\"Releasing\""));
  ASSERT_OK(node("node-a").signal(Role::kSpeaker, SIGKILL));
  ASSERT_TRUE(respawned(node("node-a"), *pid));
  EXPECT_TRUE(wait_until([&] { return !node("node-a").owns(vip_); }, s{5}));
}

TEST_F(Processes, AHungSpeakerIsReplacedAndItsAddressesGo) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  const auto old = node("node-a").process(Role::kSpeaker);
  ASSERT_OK(old);
  ASSERT_OK(node("node-a").signal(Role::kSpeaker, SIGSTOP));
  ASSERT_TRUE(wait_until([&] { return node("node-b").owns(vip_); }, s{5}));
  ASSERT_TRUE(respawned(node("node-a"), *old));
  EXPECT_TRUE(owns("node-b"));
}

TEST_F(Processes, ASpeakerThatKeepsCrashingIsResignedForThenTriedAgain) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  for (int i = 0; i < 20 && !node("node-b").owns(vip_); ++i) {
    static_cast<void>(node("node-a").signal(Role::kSpeaker, SIGKILL));
    static_cast<void>(wait_until([&] { return node("node-b").owns(vip_); }, ms{100}));
  }
  EXPECT_TRUE(owns("node-b", s{10}));
  EXPECT_TRUE(wait_until([&] { return node("node-a").process(Role::kSpeaker).has_value(); }, s{10}));
}

TEST_F(Processes, ADeadControlChangesNothingAndComesBack) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  const auto report = probed(
      [&] {
        const auto old = node("node-a").process(Role::kControl);
        ASSERT_OK(old);
        ASSERT_OK(node("node-a").signal(Role::kControl, SIGKILL));
        ASSERT_TRUE(wait_until(
            [&] {
              const auto pid = node("node-a").process(Role::kControl);
              return pid && *pid != *old;
            },
            s{10}));
      },
      [&] { return owns("node-a"); }, [] {});
  EXPECT_EQ(report.lost, 0u) << report.summary();
  EXPECT_TRUE(
      wait_until([&] { return vipctl(node("node-a"), {"get"}).find("Master") != std::string::npos; }, s{10}));
}

TEST_F(Processes, AStoppedControlDelaysNoTakeover) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_OK(node("node-b").signal(Role::kControl, SIGSTOP));
  const auto report = probed([&] { ASSERT_OK(node("node-a").crash()); }, [&] { return owns("node-b"); });
  if (!report.host_stalled()) {
    EXPECT_LT(report.longest_outage(), ms{1000});
  }
  ASSERT_OK(node("node-b").signal(Role::kControl, SIGCONT));
  EXPECT_TRUE(
      wait_until([&] { return vipctl(node("node-b"), {"get"}).find("Master") != std::string::npos; }, s{10}));
}

// VIPRA_STOPPED_SECONDS makes it as long as one likes.
TEST_F(Processes, VerdictsOfAStoppedControlAreKeptMarkedAndConfirmedLater) {
  auto definition = web();
  definition.extra_spec =
      "  checks:\n  - name: port\n    tcp: {port: 9}\n    interval: 100ms\n    timeout: 90ms\n"
      "    onFailure: {priorityDelta: -10}\n";
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, definition));
  ASSERT_TRUE(logged(node("node-b"), "check.failing"));
  const auto explained = [&](const char* text) {
    return
        [this, text] { return vipctl(node("node-b"), {"explain", "web"}).find(text) != std::string::npos; };
  };
  ASSERT_TRUE(wait_until(explained("140"), s{5}));
  const auto stopped_at = now();
  ASSERT_OK(node("node-b").signal(Role::kControl, SIGSTOP));
  EXPECT_TRUE(logged(node("node-b"), "contributions.stale", s{10}));
  if (const char* seconds = std::getenv("VIPRA_STOPPED_SECONDS")) {
    const s length{std::atoi(seconds)};
    EXPECT_FALSE(wait_until([&] { return node("node-b").owns(vip_); }, length)) << "it waits for a crash";
    EXPECT_GE(now() - stopped_at, length);
  }
  const auto report = probed([&] { ASSERT_OK(node("node-a").crash()); }, [&] { return owns("node-b"); });
  if (!report.host_stalled()) {
    EXPECT_LT(report.longest_outage(), election_time(ms{100}, 140) + ms{200});
  }
  ASSERT_OK(node("node-b").signal(Role::kControl, SIGCONT));
  EXPECT_TRUE(logged(node("node-b"), "contributions.confirmed"));
  EXPECT_TRUE(wait_until(explained("140"), s{5})) << "the verdict was kept";
}

TEST_F(Processes, ASecondAgentOnANodeWaitsAndSaysSo) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  const auto& first = node("node-a");
  const auto directory = first.directory() / "second";
  const auto second =
      first.run({"timeout", "2", VIPRA_BINARY_DIR "/bin/vipra-agent", "--node", "node-a", "--run-dir",
                 (directory / "run").string(), "--state-dir", (directory / "state").string(), "--definitions",
                 first.definitions_dir().string()});
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_NE(second->out.find("wait"), std::string::npos) << second->out;
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "\"to\":\"Backup\""), 1u) << "the first one was not disturbed";
}

TEST_F(Processes, SigkillOfTheWholeAgentLeavesTheAddressAndTheNextStartRemovesIt) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_OK(node("node-a").kill_agent());
  ASSERT_TRUE(wait_until([&] { return node("node-b").owns(vip_); }, s{5}));
  EXPECT_TRUE(node("node-a").owns(vip_)) << "fence None: the README says so";
  ASSERT_OK(node("node-a").start_agent(agent()));
  EXPECT_TRUE(owns("node-b")) << "the leftover is gone, the owner stayed";
}

TEST_F(Processes, TheSpeakerMapsNoTlsHttpOrRpcLibrary) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  const auto pid = node("node-a").process(Role::kSpeaker);
  ASSERT_OK(pid);
  std::ifstream maps{"/proc/" + std::to_string(*pid) + "/maps"};
  std::size_t lines = 0;
  for (std::string line; std::getline(maps, line); ++lines) {
    for (const auto* forbidden : {"grpc", "cpprest", "ssl"}) {
      EXPECT_EQ(line.find(forbidden), std::string::npos) << line;
    }
  }
  EXPECT_GT(lines, 10u);
}

TEST_F(Processes, ControlRunsWithoutAnyCapability) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  const auto pid = node("node-a").process(Role::kControl);
  ASSERT_OK(pid);
  std::ifstream status{"/proc/" + std::to_string(*pid) + "/status"};
  int judged = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Uid:")) {
      EXPECT_NE(line.find("65532"), std::string::npos) << line;
      ++judged;
    }
    if (line.starts_with("CapEff:") || line.starts_with("CapPrm:") || line.starts_with("CapBnd:")) {
      EXPECT_NE(line.find("0000000000000000"), std::string::npos) << line;
      ++judged;
    }
    if (line.starts_with("NoNewPrivs:")) {
      EXPECT_NE(line.find('1'), std::string::npos) << line;
      ++judged;
    }
  }
  EXPECT_EQ(judged, 5);
}

TEST_F(Processes, ABlockedStdoutStallsNobody) {
  ASSERT_NO_FATAL_FAILURE(build(2));
  ASSERT_OK(lab_->write_definition("web.yaml", web().yaml()));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(owns("node-a", s{10}));
  // node-b writes its log into a pipe that nobody reads, at debug level.
  const auto& b = node("node-b");
  const std::string command = "exec " VIPRA_BINARY_DIR
                              "/bin/vipra-agent --node node-b --log-level debug --run-dir " +
                              b.run_dir().string() + " --state-dir " + b.state_dir().string() +
                              " --definitions " + b.definitions_dir().string();
  const std::jthread runner{[&] {
    const auto done = b.run({"bash", "-c", "(" + command + ") > >(sleep 60) 2>&1"}, {}, s{60});
    static_cast<void>(done);
  }};
  EXPECT_TRUE(
      wait_until([&] { return vipctl(node("node-b"), {"get"}).find("Backup") != std::string::npos; }, s{10}));
  // Fill the pipe: a storm of changes, each of which is logged.
  for (int i = 0; i < 200; ++i) {
    auto definition = web();
    definition.priorities[1].second = 100 + i % 2;
    EXPECT_TRUE(b.write_definition("web.yaml", definition.yaml()).has_value());
    EXPECT_TRUE(wait_until([] { return true; }, ms{1}));
  }
  EXPECT_TRUE(node("node-a").crash().has_value());
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(node("node-b").crash().has_value());
}

}  // namespace
}  // namespace vipra::lab
