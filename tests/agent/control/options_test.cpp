#include "agent/control/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/control/control.hpp"

namespace vipra::control {
namespace {

Result<CommandLine> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "vipra-control");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, EveryFlagHasADefault) {
  const auto parsed = parse({});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->request, CommandLine::Request::kRun);
  EXPECT_EQ(parsed->options.agent_socket, "/run/vipra/agent.sock");
  EXPECT_EQ(parsed->options.vipctl_socket, "/run/vipra/vipctl.sock");
  EXPECT_EQ(parsed->options.definitions, "/etc/vipra/definitions");
  EXPECT_EQ(parsed->options.state_dir, "/var/lib/vipra");
  EXPECT_EQ(parsed->options.listen, "[::]:9112");
  EXPECT_FALSE(parsed->options.node.empty());
}

TEST(Options, TakesWhatTheAgentPasses) {
  const auto parsed = parse(
      {"--agent-socket", "/r/a",        "--definitions",   "/d",   "--state-dir", "/s",    "--node",  "n",
       "--listen",       "127.0.0.1:1", "--vipctl-socket", "/r/v", "--log-level", "debug", "--label", "a=1",
       "--label",        "b=",          "--labels-file",   "/l"});
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(parsed->options.labels, (std::vector<std::string>{"a=1", "b="}));
  EXPECT_EQ(parsed->options.labels_file, "/l");
  EXPECT_EQ(parsed->options.log_level, log::Level::kDebug);
  const auto settings = understand(parsed->options);
  ASSERT_TRUE(settings) << settings.error().what;
  EXPECT_EQ(settings->labels.at("a"), "1");
  EXPECT_EQ(settings->labels.at("b"), "");
}

TEST(Options, WrongOnesAreRefusedWithAReason) {
  EXPECT_FALSE(parse({"--no-such-flag"}));
  EXPECT_FALSE(parse({"stray"}));
  EXPECT_FALSE(parse({"--log-level", "loud"}));
  EXPECT_FALSE(parse({"--node", ""}));
  auto options = parse({"--label", "no-equals-sign"})->options;
  EXPECT_FALSE(understand(options));
  options = parse({"--listen", "localhost:80"})->options;
  const auto settings = understand(options);
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().what, testing::HasSubstr("--listen"));
}

TEST(Options, HelpNamesEveryFlagAndVersionIsALine) {
  const auto help = parse({"--help"});
  ASSERT_TRUE(help);
  EXPECT_EQ(help->request, CommandLine::Request::kPrintAndExit);
  for (const char* flag : {"--agent-socket", "--definitions", "--state-dir", "--node", "--label",
                           "--labels-file", "--listen", "--vipctl-socket", "--log-level"}) {
    EXPECT_THAT(help->text, testing::HasSubstr(flag));
  }
  EXPECT_THAT(parse({"--version"})->text, testing::MatchesRegex("vipra-control [0-9.]+\n"));
}

}  // namespace
}  // namespace vipra::control
