// The agent's side of a node, with a shell script in the agent's place; and the web responder.
#include <fstream>
#include <thread>

#include "lab/processes.hpp"
#include "tests/lab/lab_selftest.hpp"

namespace vipra::lab {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class LabAgent : public LabSelftest {
 protected:
  void SetUp() override {
    options_.nodes = 1;
    LabSelftest::SetUp();
    script_ = lab_->directory() / "agent";
    std::ofstream{script_} << R"(#!/bin/bash
echo "arguments: $*"
bash -c 'exec -a vipra-agent bash -c "while :; do sleep 0.1; done" speaker' &
bash -c 'exec -a vipra-control bash -c "while :; do sleep 0.1; done"' &
trap 'kill $(jobs -p); exit 0' TERM
while :; do wait; sleep 0.1; done
)";
    std::filesystem::permissions(script_, std::filesystem::perms{0755});
  }
  Node& node() { return lab_->node(0); }
  Status start() { return node().start_agent({.binary = script_, .labels = {{"zone", "a"}}, .extra = {}}); }
  bool complete() {
    return wait_until([&] { return node().process(Role::kSpeaker) && node().process(Role::kControl); },
                      ms{3000});
  }
  std::filesystem::path script_;
};

TEST_F(LabAgent, StartsWithItsOwnFoldersInsideTheNode) {
  ASSERT_OK(start());
  ASSERT_TRUE(complete());
  const auto log = node().log_text();
  EXPECT_THAT(log, HasSubstr("--node node-a --run-dir " + node().run_dir().string()));
  EXPECT_THAT(log, HasSubstr("--label zone=a"));
  const auto inside = processes_in(node().net().inode());
  EXPECT_THAT(inside, testing::Contains(*node().process(Role::kSpeaker)));
  EXPECT_FALSE(start().has_value()) << "one agent a node";
}

TEST_F(LabAgent, ItsPartsAreKnownApartAndSignalledAlone) {
  ASSERT_OK(start());
  ASSERT_TRUE(complete());
  const auto supervisor = *node().process(Role::kSupervisor);
  const auto speaker = *node().process(Role::kSpeaker);
  const auto control = *node().process(Role::kControl);
  EXPECT_NE(supervisor, speaker);
  EXPECT_NE(speaker, control);
  EXPECT_EQ(read_process(control).argv.at(0), "vipra-control");
  ASSERT_OK(node().signal(Role::kControl, SIGSTOP));
  EXPECT_TRUE(wait_until([&] { return read_process(control).state == 'T'; }, ms{1000}));
  ASSERT_OK(node().signal(Role::kControl, SIGCONT));
  EXPECT_TRUE(wait_until([&] { return read_process(control).state != 'T'; }, ms{1000}));
  ASSERT_OK(node().signal(Role::kSpeaker, SIGKILL));
  EXPECT_TRUE(wait_until([&] { return !node().process(Role::kSpeaker); }, ms{1000}));
  EXPECT_TRUE(node().process(Role::kControl).has_value());
  EXPECT_TRUE(node().agent_running());
}

TEST_F(LabAgent, StopsOnSigtermAndSaysHow) {
  ASSERT_OK(start());
  ASSERT_TRUE(complete());
  const auto ended = node().stop_agent();
  ASSERT_OK(ended);
  EXPECT_TRUE(ended->exited_with(0));
  EXPECT_FALSE(node().agent_running());
  ASSERT_OK(start());
  EXPECT_TRUE(complete());
}

TEST_F(LabAgent, KillTakesAllItsPartsAndNothingElse) {
  ASSERT_OK(start());
  ASSERT_TRUE(complete());
  const auto speaker = *node().process(Role::kSpeaker);
  ASSERT_OK(node().kill_agent());
  EXPECT_TRUE(wait_until([&] { return read_process(speaker).argv.empty(); }, ms{2000}));
  EXPECT_FALSE(node().agent_running());
  EXPECT_TRUE(reaches(lab_->client(), node().facts().v4)) << "the responder lives";
}

TEST_F(LabAgent, OutlivesTheThreadThatStartedIt) {
  std::thread{[&] { EXPECT_OK(start()); }}.join();
  ASSERT_TRUE(complete());
  EXPECT_FALSE(wait_until([&] { return !node().agent_running(); }, ms{200}));
}

TEST_F(LabAgent, MissingProgramIsSaidAtOnce) {
  const auto started = node().start_agent({.binary = "/nonexistent/agent"});
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().sys_errno, ENOENT);
}

TEST_F(LabAgent, CrashedNodeStartsAgainAfterPowerOn) {
  ASSERT_OK(start());
  ASSERT_TRUE(complete());
  ASSERT_OK(node().crash());
  EXPECT_FALSE(node().agent_running());
  EXPECT_THAT(processes_in(node().net().inode()), IsEmpty());
  EXPECT_FALSE(start().has_value()) << "no power, no agent";
  ASSERT_OK(node().power_on());
  ASSERT_OK(start());
  EXPECT_TRUE(complete());
}

TEST_F(LabAgent, DefinitionsAppearWholeOrNotAtAll) {
  ASSERT_OK(node().write_definition("web.yaml", VipDefinition{}.yaml()));
  ASSERT_OK(node().write_definition("web.yaml", "kind: VirtualIP\n"));
  std::ifstream file{node().definitions_dir() / "web.yaml"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(text, "kind: VirtualIP\n");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{node().definitions_dir()}, {}), 1);
  ASSERT_OK(node().remove_definition("web.yaml"));
  EXPECT_FALSE(node().remove_definition("web.yaml").has_value());
}

class LabWeb : public LabAgent {
 protected:
  // What a client gets: "" if the connection was refused or nothing came within a second.
  std::string ask(const IpAddress& address) {
    const std::string host = address.to_string();
    const auto output = lab_->client().run(
        {"timeout", "1", "bash", "-c",
         "exec 3<>/dev/tcp/" + host +
             "/8080 && printf 'GET /healthz HTTP/1.1\\r\\nHost: shop\\r\\n\\r\\n' >&3 && cat <&3"});
    return output && output->exit_status == 0 ? output->out : "";
  }
};

TEST_F(LabWeb, ServesRefusesAndHangsAsTold) {
  auto& web = node().web();
  EXPECT_EQ(ask(node().facts().v4), "") << "refuses at first";
  ASSERT_OK(web.serve(200));
  EXPECT_THAT(ask(node().facts().v4), testing::AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("node-a")));
  EXPECT_THAT(ask(node().facts().v6), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(web.last_request(), HasSubstr("Host: shop"));
  EXPECT_EQ(web.requests(), 2U);
  ASSERT_OK(web.serve(503));
  EXPECT_THAT(ask(node().facts().v4), HasSubstr("HTTP/1.1 503"));
  ASSERT_OK(web.hang());
  const TimePoint begin = now();
  EXPECT_EQ(ask(node().facts().v4), "");
  EXPECT_GE(now() - begin, ms{900}) << "it was refused instead";
  ASSERT_OK(web.refuse());
  const TimePoint again = now();
  EXPECT_EQ(ask(node().facts().v4), "");
  EXPECT_LT(now() - again, ms{900}) << "it hangs instead";
}

TEST_F(LabWeb, DiesWithTheNodeAndSaysSo) {
  ASSERT_OK(node().web().serve());
  for (const pid_t pid : processes_in(node().net().inode())) ::kill(pid, SIGKILL);
  EXPECT_FALSE(node().web().serve().has_value());
}

}  // namespace
}  // namespace vipra::lab
