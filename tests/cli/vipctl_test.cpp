// The real executable against a real server on a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "report/local_server.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/sample_reports.hpp"
#include "tests/report/temporary_folder.hpp"

namespace vipra::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kGoodDefinition = R"(apiVersion: vipra.dev/v1alpha1
kind: VirtualIP
metadata: {name: web}
spec:
  addresses: ["10.99.0.100"]
  vrrp:
    virtualRouterID: 51
)";
constexpr const char* kBadDefinition = R"(apiVersion: vipra.dev/v1alpha1
kind: VirtualIP
metadata: {name: broken}
spec:
  addresses: ["10.99.0.101"]
  vrrp:
    virtualRouterID: 256
)";

struct VipctlTest : testing::Test {
  report::TemporaryFolder folder;
  std::string socket = folder.file("vipctl.sock");
  v1::StandAsideRequest asked;  // the last one
  std::unique_ptr<report::LocalServer> server;
  std::shared_ptr<v1::NodeReport> report = std::make_shared<v1::NodeReport>(busy_node());

  VipctlTest() { serve(); }
  void serve() {
    server = std::make_unique<report::LocalServer>(
        report::LocalServer::Options{.socket_path = socket},
        [this](const v1::StandAsideRequest& request, const report::CommandAnswerPtr& answer) {
          asked = request;
          if (request.virtual_ip() == "nothing")
            return answer->refuse(report::CommandAnswer::Refusal::kNotFound,
                                  "this node takes no part in nothing");
          v1::StandAsideReply reply;
          if (request.for_ns() > 0) reply.set_until_unix_ns(1'800'014'400'000'000'000);
          answer->accept(reply);
        });
    const auto started = server->start();
    EXPECT_TRUE(started) << started.error().what;
    server->publish(report);
  }
  void publish(const std::function<void(v1::NodeReport&)>& change) {
    report = std::make_shared<v1::NodeReport>(*report);
    report->set_sequence(report->sequence() + 1);
    change(*report);
    server->publish(report);
  }
  ChildProcess::Result run(std::vector<std::string> arguments, const std::string& input = "") const {
    return ChildProcess{VIPRA_VIPCTL, std::move(arguments), {"VIPRA_SOCKET=" + socket}, input}.finish();
  }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream{folder.file(name)} << content;
    return folder.file(name);
  }
};

TEST_F(VipctlTest, GetShowsATable) {
  const auto result = run({"get"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, AllOf(StartsWith("NAME"), HasSubstr("\nweb "), HasSubstr("Refused definitions:")));
}

TEST_F(VipctlTest, GetOfOneShowsThatOne) {
  const auto result = run({"get", "api", "--no-headers"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_THAT(result.out, StartsWith("api  10.99.0.10  Master  100  self  eth0  "));
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1);
}

TEST_F(VipctlTest, JsonParsesAndOptionsMayStandOnEitherSide) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"get", "-o", "json"}, {"-o", "json", "get"}}) {
    const auto json = nlohmann::json::parse(run(arguments).out);
    EXPECT_EQ(json["node"], "node-a");
    EXPECT_EQ(json["virtualIps"].size(), 4u);
  }
  const auto one = nlohmann::json::parse(run({"get", "web", "-o", "json"}).out);
  EXPECT_EQ(one["virtualIps"].size(), 1u);
  EXPECT_EQ(one["routers"][0]["reason"], "LowerPriority");
  EXPECT_EQ(nlohmann::json::parse(run({"explain", "web", "-o", "json"}).out), one);
}

TEST_F(VipctlTest, ExplainTellsWhy) {
  const auto result = run({"explain", "web"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_THAT(result.out, HasSubstr("not owner: priority 90 < 120 of 10.0.0.2"));
}

TEST_F(VipctlTest, AnUnknownVirtualIpIsStatusOne) {
  for (const char* command : {"get", "explain"}) {
    const auto result = run({command, "wed"});
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("Did you mean: web?"));
  }
}

TEST_F(VipctlTest, AWrongCommandLineIsStatusTwo) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"frobnicate"},
                                             {"get", "--frobnicate"},
                                             {"explain"},
                                             {"validate"},
                                             {"get", "-o", "xml"},
                                             {"get", "a", "b"},
                                             {"switchover"},
                                             {"switchover", "web", "--for", "soon"},
                                             {"switchover", "web", "--for", "0s"},
                                             {"switchover", "web", "--cancel", "--for", "1s"},
                                             {"maintenance"},
                                             {"maintenance", "perhaps"},
                                             {"maintenance", "off", "--for", "1h"}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_status, 2) << testing::PrintToString(arguments);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("vipctl --help"));
  }
}

TEST_F(VipctlTest, ASwitchoverNamesTheVirtualIpAndHowLong) {
  auto result = run({"switchover", "web", "--for", "1m30s"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(result.out, "This node stays away from it until 2027-01-15 12:00:00 UTC.\n");
  EXPECT_EQ(asked.virtual_ip(), "web");
  EXPECT_FALSE(asked.end());
  EXPECT_EQ(asked.for_ns(), 90'000'000'000);
  EXPECT_EQ(run({"switchover", "web"}).exit_status, 0);
  EXPECT_EQ(asked.for_ns(), 30'000'000'000) << "unless another time is given";
  EXPECT_EQ(run({"switchover", "web", "--cancel"}).out,
            "web: this node takes part in its elections again.\n");
  EXPECT_TRUE(asked.end());
  result = run({"switchover", "nothing"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, HasSubstr("this node takes no part in nothing"));
}

TEST_F(VipctlTest, MaintenanceIsAboutEverythingAndLastsUntilItIsTurnedOff) {
  auto result = run({"maintenance", "on"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(result.out, "This node is in maintenance until that is ended.\n");
  EXPECT_EQ(asked.virtual_ip(), "");
  EXPECT_EQ(asked.for_ns(), 0);
  EXPECT_EQ(run({"maintenance", "off"}).out,
            "Maintenance is over: this node takes part in elections again.\n");
  EXPECT_TRUE(asked.end());
  publish([](v1::NodeReport& changed) { changed.set_maintenance(true); });
  EXPECT_THAT(run({"get"}).out, HasSubstr("this node is in maintenance until that is ended"));
}

TEST_F(VipctlTest, AnAgentThatCannotBeAskedIsStatusThreeAndSaysWhatToDo) {
  server.reset();
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"get"}, {"explain", "web"}, {"watch"}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_status, 3);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, AllOf(HasSubstr(socket), HasSubstr("Is vipra-agent running")));
  }
  write("vipctl.sock", "no socket");
  EXPECT_EQ(run({"get"}).exit_status, 3);
}

TEST_F(VipctlTest, AnAgentWithoutAReportYetIsStatusThree) {
  server.reset();
  server = std::make_unique<report::LocalServer>(report::LocalServer::Options{.socket_path = socket});
  ASSERT_TRUE(server->start());
  const auto result = run({"get"});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.err, HasSubstr("no report yet"));
}

TEST_F(VipctlTest, AUserWithoutTheRightIsTold) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  const auto result = ChildProcess{"/usr/bin/setpriv",
                                   {"--reuid=54321", "--regid=54321", "--clear-groups", VIPRA_VIPCTL,
                                    "--socket", socket, "get"}}
                          .finish();
  if (result.exit_status == 127 || result.exit_status == 126) GTEST_SKIP() << "the build folder is private";
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.err, HasSubstr("65532"));
}

TEST_F(VipctlTest, TheSocketOfTheCommandLineWinsOverTheEnvironment) {
  const auto result = run({"--socket", folder.file("other.sock"), "get"});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.err, HasSubstr("other.sock"));
  EXPECT_EQ(run({"--socket", folder.file("other.sock"), "get", "--socket", socket}).exit_status, 0);
}

TEST_F(VipctlTest, WatchTellsChangesAndEndsWithCtrlC) {
  ChildProcess watch{VIPRA_VIPCTL, {"--socket", socket, "watch"}};
  for (const char* expected :
       {"api  IPv4  is Master", "db  IPv4  is Fault", "web  IPv4  is Backup", "web  IPv6  is Backup"}) {
    EXPECT_THAT(watch.line().value_or("nothing"), HasSubstr(expected));
  }
  publish([](v1::NodeReport& changed) {
    add_transition(changed, "web/ipv4", wire::STATE_BACKUP, wire::STATE_MASTER, wire::REASON_MASTER_SILENT,
                   kNow);
    make_master(*changed.mutable_routers(0));
  });
  EXPECT_THAT(watch.line().value_or("nothing"), HasSubstr("web  IPv4  Backup -> Master  MasterSilent"));
  watch.send(SIGINT);
  const auto result = watch.finish();
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.out + result.err, "");
}

TEST_F(VipctlTest, WatchOutlivesARestartOfTheAgent) {
  ChildProcess watch{VIPRA_VIPCTL, {"--socket", socket, "watch", "-o", "json"}};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(nlohmann::json::parse(watch.line().value_or("{}"))["event"], "current");
  }
  server.reset();
  EXPECT_EQ(nlohmann::json::parse(watch.line().value_or("{}"))["event"], "disconnected");
  report = std::make_shared<v1::NodeReport>(*report);
  make_master(*report->mutable_routers(0));
  serve();
  EXPECT_EQ(nlohmann::json::parse(watch.line().value_or("{}"))["event"], "connected");
  const auto change = nlohmann::json::parse(watch.line().value_or("{}"));
  EXPECT_EQ(change["event"], "state");
  EXPECT_EQ(change["to"], "Master");
  watch.send(SIGTERM);
  EXPECT_EQ(watch.finish().exit_status, 0);
}

TEST_F(VipctlTest, WatchEndsWhenNobodyReadsIt) {
  ChildProcess watch{VIPRA_VIPCTL, {"--socket", socket, "watch"}};
  ASSERT_TRUE(watch.line());
  watch.close_output();
  publish([](v1::NodeReport& changed) { make_master(*changed.mutable_routers(0)); });
  EXPECT_THAT(watch.finish().exit_status, testing::AnyOf(0, 128 + SIGPIPE));
}

TEST_F(VipctlTest, HostileReportsCannotWriteToTheTerminal) {
  publish([](v1::NodeReport& changed) {
    changed.mutable_virtual_ips(0)->set_name("web\x1b[2J");
    changed.mutable_routers(0)->set_detail("a\nb\x1b]0;x\x07");
    changed.mutable_problems(0)->set_message("\xff\x1b");
  });
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"get"}, {"explain", "web\x1b[2J"}, {"explain", "\x1b[31m"}, {"get", "-o", "json"}}) {
    const auto result = run(arguments);
    EXPECT_THAT(result.out + result.err, Not(HasSubstr("\x1b")));
  }
}

TEST_F(VipctlTest, ValidateJudgesFilesWithoutAnAgent) {
  server.reset();
  const auto good = run({"validate", write("good.yaml", kGoodDefinition)});
  EXPECT_EQ(good.exit_status, 0) << good.out << good.err;
  EXPECT_THAT(good.out, AllOf(HasSubstr("VirtualIP web: OK"), HasSubstr("1 good, 0 bad")));

  const auto bad = run({"validate", folder.file("good.yaml"), write("bad.yaml", kBadDefinition)});
  EXPECT_EQ(bad.exit_status, 1);
  EXPECT_THAT(bad.out, AllOf(HasSubstr("VirtualIP web: OK"), HasSubstr("VirtualIP broken: INVALID"),
                             HasSubstr("spec.vrrp.virtualRouterID: OutOfRange: ")));
}

TEST_F(VipctlTest, ValidateReadsStandardInputAndWritesJson) {
  const auto result = run({"validate", "-", "-o", "json"}, kBadDefinition);
  EXPECT_EQ(result.exit_status, 1);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["objects"][0]["name"], "broken");
  EXPECT_THAT(json["objects"][0]["origin"].get<std::string>(), StartsWith("stdin"));
  EXPECT_EQ(json["problems"][0]["reason"], "OutOfRange");
  EXPECT_EQ(run({"validate", "-"}, kGoodDefinition).exit_status, 0);
}

TEST_F(VipctlTest, ValidateOfWhatIsNoDefinitionFails) {
  EXPECT_EQ(run({"validate", folder.file("missing.yaml")}).exit_status, 1);
  EXPECT_EQ(run({"validate", write("broken.yaml", "a: [")}).exit_status, 1);
  EXPECT_EQ(run({"validate", write("empty.yaml", "")}).exit_status, 1);
  EXPECT_EQ(run({"validate", "-"}, "").exit_status, 1);
}

}  // namespace
}  // namespace vipra::cli
