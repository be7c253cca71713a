#include "agent/control/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/control/control.hpp"
#include "tests/source/temporary_folder.hpp"

namespace vipra::control {
namespace {

Result<CommandLine> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "vipra-control");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, EveryFlagHasADefault) {
  const auto parsed = parse({});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->flags.request, flags::Parsed::Request::kRun);
  EXPECT_EQ(parsed->options.agent_socket, "/run/vipra/agent.sock");
  EXPECT_EQ(parsed->options.vipctl_socket, "/run/vipra/vipctl.sock");
  EXPECT_EQ(parsed->options.definitions, "/etc/vipra/definitions");
  EXPECT_EQ(parsed->options.state_dir, "/var/lib/vipra");
  EXPECT_EQ(parsed->options.listen, "[::]:9112");
  EXPECT_FALSE(parsed->options.node.empty());
}

TEST(Options, TakesWhatTheAgentPasses) {
  const auto parsed =
      parse({"--agent-socket", "/r/a",  "--definitions", "/d",          "--state-dir",     "/s",
             "--node",         "n",     "--listen",      "127.0.0.1:1", "--vipctl-socket", "/r/v",
             "--log-level",    "debug", "--label",       "a=1",         "--label",         "b=",
             "--labels-file",  "/l",    "--notify-fifo", "/f",          "--notify-socket", "/n",
             "--notify-hook",  "/h"});
  ASSERT_TRUE(parsed) << parsed.error().what;
  EXPECT_EQ(parsed->options.labels, (std::vector<std::string>{"a=1", "b="}));
  EXPECT_EQ(parsed->options.labels_file, "/l");
  EXPECT_EQ(parsed->options.notify_fifo, "/f");
  EXPECT_EQ(parsed->options.notify_socket, "/n");
  EXPECT_EQ(parsed->options.notify_hook, "/h");
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
  EXPECT_FALSE(parse({"--notify-hook", "hook"})) << "by an absolute path";
  auto options = parse({"--label", "no-equals-sign"})->options;
  EXPECT_FALSE(understand(options));
  options = parse({"--listen", "localhost:80"})->options;
  const auto settings = understand(options);
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().what, testing::HasSubstr("--listen"));
}

TEST(Options, AClusterIsAskedForByFlags) {
  const auto pod = parse({"--kubernetes", "--api-endpoint", "192.0.2.1:6443", "--api-endpoint", "192.0.2.2",
                          "--controller-service", "vipra-system/c", "--controller-ca-configmap",
                          "vipra-system/ca", "--controller-token-file", "/t"});
  ASSERT_TRUE(pod) << pod.error().what;
  EXPECT_TRUE(pod->options.has_cluster());
  EXPECT_EQ(pod->options.definitions, "") << "in a cluster a folder is read only where it was asked for";
  EXPECT_EQ(pod->options.api_endpoints, (std::vector<std::string>{"192.0.2.1:6443", "192.0.2.2"}));
  EXPECT_EQ(parse({"--kubernetes", "--definitions", "/d"})->options.definitions, "/d");
  EXPECT_FALSE(parse({})->options.has_cluster());
}

TEST(Options, FlagsOfAClusterThatMakeNoSenseAreNamed) {
  for (const auto& [arguments, named] : std::vector<std::pair<std::vector<const char*>, const char*>>{
           {{"--kubernetes", "--kubeconfig", "/k"}, "--kubeconfig"},
           {{"--kubernetes", "--labels-file", "/l"}, "--labels-file"},
           {{"--api-endpoint", "192.0.2.1"}, "--api-endpoint"},
           {{"--controller-service", "a/b", "--controller-ca-configmap", "a/c"}, "--controller-service"},
           {{"--kubernetes", "--controller-service", "a/b"}, "--controller-ca-configmap"},
           {{"--kubernetes", "--controller-ca-configmap", "a/b"}, "--controller-service"}}) {
    const auto parsed = parse(arguments);
    ASSERT_FALSE(parsed);
    EXPECT_THAT(parsed.error().what, testing::HasSubstr(named));
  }
}

constexpr const char* kKubeconfig = R"({"apiVersion": "v1", "kind": "Config", "current-context": "one",
  "contexts": [{"name": "one", "context": {"cluster": "here", "user": "me"}}],
  "clusters": [{"name": "here", "cluster": {"server": "https://192.0.2.9:7443", "certificate-authority-data": "Y2E="}}],
  "users": [{"name": "me", "user": {"token": "t"}}]})";

TEST(Settings, OfAClusterComeFromAKubeconfigAndTheFlags) {
  const test::TemporaryFolder folder;
  test::write(folder / "config", kKubeconfig);
  const auto file = (folder / "config").string();
  const auto settings = [&](std::vector<const char*> more) {
    more.insert(more.begin(), {"--node", "node-a", "--kubeconfig", file.c_str()});
    return understand(parse(more)->options);
  };
  auto plain = settings({});
  ASSERT_TRUE(plain) << plain.error().what;
  ASSERT_TRUE(plain->cluster);
  EXPECT_EQ(plain->cluster->node, "node-a");
  EXPECT_EQ(plain->cluster->access.servers, (std::vector<kube::Server>{{"192.0.2.9", 7443, ""}}));
  EXPECT_FALSE(plain->cluster->controller);

  const auto full = settings({"--api-endpoint", "[2001:db8::1]:6443", "--controller-service", "sys/service",
                              "--controller-ca-configmap", "sys/ca", "--controller-token-file", "/t"});
  ASSERT_TRUE(full) << full.error().what;
  EXPECT_EQ(full->cluster->access.servers, (std::vector<kube::Server>{{"2001:db8::1", 6443, ""}}));
  ASSERT_TRUE(full->cluster->controller);
  EXPECT_EQ(full->cluster->controller->name_space, "sys");
  EXPECT_EQ(full->cluster->controller->service, "service");
  EXPECT_EQ(full->cluster->controller->ca_config_map, "ca");
  EXPECT_EQ(full->cluster->controller->token_file, "/t");

  EXPECT_FALSE(settings({"--api-endpoint", "http://192.0.2.1"}));
  for (const auto& [service, ca] : std::vector<std::pair<const char*, const char*>>{
           {"service", "sys/ca"}, {"sys/", "sys/ca"}, {"/service", "sys/ca"}, {"sys/service", "other/ca"}}) {
    const auto wrong = settings({"--controller-service", service, "--controller-ca-configmap", ca});
    ASSERT_FALSE(wrong) << service << ' ' << ca;
    EXPECT_THAT(wrong.error().what, testing::HasSubstr("--controller-"));
  }
}

TEST(Settings, OfAClusterThatCannotBeReadSayWhy) {
  EXPECT_FALSE(understand(parse({"--kubeconfig", "/nonexistent/config"})->options));
  // This is no pod.
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_FALSE(understand(parse({"--kubernetes"})->options));
  EXPECT_FALSE(understand(parse({})->options)->cluster);
}

TEST(Options, HelpNamesEveryFlagAndVersionIsALine) {
  const auto help = parse({"--help"});
  ASSERT_TRUE(help);
  EXPECT_EQ(help->flags.request, flags::Parsed::Request::kPrintAndExit);
  for (const char* flag :
       {"--agent-socket", "--definitions", "--state-dir", "--node", "--label", "--labels-file", "--listen",
        "--vipctl-socket", "--log-level", "--kubernetes", "--kubeconfig", "--api-endpoint",
        "--controller-service", "--controller-ca-configmap", "--controller-token-file", "--notify-fifo",
        "--notify-socket", "--notify-hook"}) {
    EXPECT_THAT(help->flags.text, testing::HasSubstr(flag));
  }
  EXPECT_THAT(parse({"--version"})->flags.text, testing::MatchesRegex("vipra-control [0-9.]+\n"));
}

}  // namespace
}  // namespace vipra::control
