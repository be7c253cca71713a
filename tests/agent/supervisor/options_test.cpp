#include "agent/supervisor/options.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "agent/supervisor/control_keeper.hpp"
#include "agent/supervisor/main.hpp"

namespace vipra::supervisor {
namespace {

Result<CommandLine> parse(std::vector<std::string> words) {
  words.insert(words.begin(), "vipra-agent");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse_command_line(static_cast<int>(words.size()), argv.data());
}

TEST(Options, have_defaults_that_need_no_flag) {
  const auto line = parse({});
  ASSERT_TRUE(line);
  const auto& options = line->options;
  char name[256];
  ASSERT_EQ(::gethostname(name, sizeof name), 0);
  EXPECT_EQ(options.node, name);
  EXPECT_EQ(options.agent_socket(), "/run/vipra/agent.sock");
  EXPECT_EQ(options.vipctl_socket(), "/run/vipra/vipctl.sock");
  EXPECT_EQ(options.state_dir, "/var/lib/vipra");
  EXPECT_EQ(options.definitions, "/etc/vipra/definitions");
  EXPECT_EQ(options.listen, "[::]:9112");
  EXPECT_EQ(options.control_uid, 65532U);
  EXPECT_TRUE(options.start_control && options.realtime && options.lock_memory);
  EXPECT_EQ(options.log_level, log::Level::kInfo);
}

TEST(Options, take_every_flag_of_the_command_line) {
  const auto line = parse({"--node",
                           "n1",
                           "--run-dir=/r",
                           "--state-dir",
                           "/s",
                           "--definitions",
                           "/d",
                           "--label",
                           "a=b",
                           "--label",
                           "c=d",
                           "--labels-file",
                           "/l",
                           "--listen",
                           "127.0.0.1:1",
                           "--notify-fifo",
                           "/f",
                           "--notify-socket",
                           "/n",
                           "--notify-hook",
                           "/h",
                           "--no-control",
                           "--control-binary",
                           "/c",
                           "--control-uid",
                           "7",
                           "--realtime",
                           "off",
                           "--lock-memory",
                           "off",
                           "--announce-burst",
                           "50",
                           "--announce-rate=20",
                           "--log-level",
                           "debug"});
  ASSERT_TRUE(line) << line.error().what;
  const auto& options = line->options;
  EXPECT_EQ(options.node, "n1");
  EXPECT_EQ(options.run_dir, "/r");
  EXPECT_EQ(options.state_dir, "/s");
  EXPECT_EQ(options.definitions, "/d");
  EXPECT_EQ(options.labels, (std::vector<std::string>{"a=b", "c=d"}));
  EXPECT_EQ(options.labels_file, "/l");
  EXPECT_EQ(options.listen, "127.0.0.1:1");
  EXPECT_EQ(options.announce_burst, 50);
  EXPECT_EQ(options.announce_rate, 20);
  EXPECT_EQ(options.notify_fifo, "/f");
  EXPECT_EQ(options.notify_socket, "/n");
  EXPECT_EQ(options.notify_hook, "/h");
  EXPECT_FALSE(options.start_control);
  EXPECT_EQ(options.control_binary, "/c");
  EXPECT_EQ(options.control_uid, 7U);
  EXPECT_FALSE(options.realtime);
  EXPECT_FALSE(options.lock_memory);
  EXPECT_EQ(options.log_level, log::Level::kDebug);
}

TEST(Options, name_what_is_wrong) {
  const auto complaint = [](std::vector<std::string> words) {
    const auto line = parse(std::move(words));
    return line ? std::string{"none"} : line.error().what;
  };
  EXPECT_NE(complaint({"--nope"}).find("--nope"), std::string::npos);
  EXPECT_NE(complaint({"--node"}).find("--node"), std::string::npos);
  EXPECT_NE(complaint({"stray"}).find("stray"), std::string::npos);
  EXPECT_NE(complaint({"--realtime", "on"}).find("auto or off"), std::string::npos);
  EXPECT_NE(complaint({"--log-level", "loud"}).find("debug, info"), std::string::npos);
  EXPECT_NE(complaint({"--control-uid", "0"}).find("other than 0"), std::string::npos);
  EXPECT_NE(complaint({"--control-uid", "1x"}).find("control-uid"), std::string::npos);
  EXPECT_NE(complaint({"--control-uid", "-1"}).find("control-uid"), std::string::npos);
  EXPECT_NE(complaint({"--run-dir", "relative"}).find("relative"), std::string::npos);
  EXPECT_NE(complaint({"--node", std::string(254, 'x')}).find("--node"), std::string::npos);
}

TEST(Options, help_is_asked_for_in_two_ways_and_names_every_flag) {
  EXPECT_EQ(parse({"--help"})->request, CommandLine::Request::kHelp);
  EXPECT_EQ(parse({"-h"})->request, CommandLine::Request::kHelp);
  EXPECT_EQ(parse({"--version"})->request, CommandLine::Request::kVersion);
  for (const auto* flag :
       {"--node", "--run-dir", "--state-dir", "--definitions", "--label ", "--labels-file", "--listen",
        "--no-control", "--control-binary", "--control-uid", "--realtime", "--lock-memory", "--log-level",
        "--help", "--version", "--notify-fifo", "--notify-socket", "--notify-hook"}) {
    EXPECT_NE(help_text().find(flag), std::string_view::npos) << flag;
  }
}

TEST(Options, help_fits_a_terminal) {
  const auto text = help_text();
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(ControlPlan, hands_on_what_control_needs_and_no_privilege) {
  auto line = parse({"--label", "zone=a", "--labels-file", "/l", "--control-binary", "/bin/control",
                     "--notify-fifo", "/f", "--notify-hook", "/h"});
  const auto plan = control_plan(line->options);
  EXPECT_EQ(plan.path, "/bin/control");
  EXPECT_EQ(plan.user, 65532U);
  EXPECT_EQ(plan.link_fd, -1);
  EXPECT_EQ(plan.capabilities, 0U);
  const auto value_of = [&](const std::string& flag) {
    const auto found = std::find(plan.argv.begin(), plan.argv.end(), flag);
    return found == plan.argv.end() ? std::string{} : *(found + 1);
  };
  EXPECT_EQ(value_of("--agent-socket"), "/run/vipra/agent.sock");
  EXPECT_EQ(value_of("--vipctl-socket"), "/run/vipra/vipctl.sock");
  EXPECT_EQ(value_of("--definitions"), "/etc/vipra/definitions");
  EXPECT_EQ(value_of("--state-dir"), "/var/lib/vipra");
  EXPECT_EQ(value_of("--listen"), "[::]:9112");
  EXPECT_EQ(value_of("--label"), "zone=a");
  EXPECT_EQ(value_of("--labels-file"), "/l");
  EXPECT_EQ(value_of("--log-level"), "info");
  EXPECT_EQ(value_of("--notify-fifo"), "/f");
  EXPECT_EQ(value_of("--notify-socket"), "");
  EXPECT_EQ(value_of("--notify-hook"), "/h");
}

TEST(OwnSpeaker, is_this_very_program) {
  const auto command =
      own_speaker(parse({"--node", "n", "--realtime", "off", "--announce-rate", "50"})->options);
  EXPECT_EQ(command.path, "/proc/self/exe");
  EXPECT_EQ(command.argv, (std::vector<std::string>{"vipra-agent", "speaker", "--node", "n", "--realtime",
                                                    "off", "--lock-memory", "auto", "--announce-burst", "300",
                                                    "--announce-rate", "50", "--log-level", "info"}));
}

}  // namespace
}  // namespace vipra::supervisor
