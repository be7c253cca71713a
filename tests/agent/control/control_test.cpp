// Control as it ships, but for its process: real folder, real sockets, and an agent that the test plays.
#include "agent/control/control.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <future>

#include "report/local_client.hpp"
#include "runtime/clock.hpp"
#include "tests/agent/control/fake_agent.hpp"
#include "tests/agent/control/lines.hpp"
#include "tests/checks/loopback_server.hpp"
#include "tests/source/temporary_folder.hpp"

namespace vipra::control {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace wire = channel::v1;
using test::definition;
using test::FakeAgent;
using test::router_snapshot;
using testing::HasSubstr;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr const char* kBroken = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

std::string with_check(const std::string& name, std::uint16_t port) {
  return "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: " + name +
         "}\nspec:\n  addresses: [192.0.2.51]\n  vrrp: {virtualRouterID: 51}\n  checks:\n"
         "  - {name: http, http: {port: " +
         std::to_string(port) + "}, interval: 50ms, timeout: 50ms, onFailure: {priorityDelta: -50}}\n";
}

class ControlTest : public testing::Test {
 protected:
  ControlTest() {
    fs::create_directory(folder / "definitions");
    fs::create_directory(folder / "state");
  }
  ~ControlTest() override { stop(); }

  void define(const std::string& file, const std::string& text) {
    // As people do who do not want to be read half way.
    test::write(folder / "hidden", text);
    fs::rename(folder / "hidden", folder / "definitions" / file);
  }
  void start() {
    Settings settings;
    settings.options.agent_socket = (folder / "agent.sock").string();
    settings.options.vipctl_socket = (folder / "vipctl.sock").string();
    settings.options.definitions = (folder / "definitions").string();
    settings.options.state_dir = (folder / "state").string();
    settings.options.node = "node-a";
    settings.options.labels_file = labels_file;
    settings.labels = {{"rack", "7"}};
    settings.listen = {"::", 0};
    settings.cluster = cluster;
    control = std::make_unique<Control>(io, std::move(settings), log, [] { return std::uint64_t{0}; });
    control->start();
  }
  void stop() {
    if (!control) return;
    control->stop();
    EXPECT_TRUE(control->finish(5s));
    control.reset();
  }
  bool until(const std::function<bool()>& condition, std::chrono::milliseconds limit = 10s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      io.restart();
      io.run_one_for(2ms);
      agent.poll();
      if (condition()) return true;
    }
    return false;
  }
  bool never(const std::function<bool()>& condition, std::chrono::milliseconds length = 300ms) {
    return !until(condition, length);
  }
  // Of control's own server, while the loop turns here.
  std::string get(const std::string& path) {
    const auto port = control->http_port();
    auto answer = std::async(std::launch::async, [path, port] {
      boost::asio::io_context own;
      boost::asio::ip::tcp::socket socket{own};
      socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
      boost::asio::write(socket, boost::asio::buffer("GET " + path + " HTTP/1.0\r\n\r\n"));
      std::string text;
      boost::system::error_code error;
      std::array<char, 4096> chunk{};
      while (const auto size = socket.read_some(boost::asio::buffer(chunk), error))
        text.append(chunk.data(), size);
      return text;
    });
    until([&] { return answer.wait_for(0s) == std::future_status::ready; });
    return answer.get();
  }
  Result<report::v1::NodeReport> report() {
    auto answer = std::async(std::launch::async, [path = (folder / "vipctl.sock").string()] {
      return report::LocalClient{path}.get(2s);
    });
    until([&] { return answer.wait_for(0s) == std::future_status::ready; });
    return answer.get();
  }
  std::vector<std::string> routers() const {
    std::vector<std::string> out;
    for (const auto& router : agent.last().routers) out.push_back(router.id);
    return out;
  }

  test::TemporaryFolder folder;
  std::string labels_file;
  std::optional<Cluster::Settings> cluster;
  boost::asio::io_context io;
  test::Lines lines;
  log::Logger log{lines, runtime::unix_now_ns, "test", log::Level::kDebug};
  FakeAgent agent{(folder / "agent.sock").string()};
  std::unique_ptr<Control> control;
};

TEST_F(ControlTest, TheFolderBecomesADesiredState) {
  define("web.yaml", definition("web", 51));
  define("db.json", R"({"apiVersion":"vipra.dev/v1alpha1","kind":"VirtualIP","metadata":{"name":"db"},)"
                    R"("spec":{"addresses":["192.0.2.9","2001:db8::9"],"vrrp":{"virtualRouterID":9}}})");
  start();
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  EXPECT_EQ(agent.last().node, "node-a");
  EXPECT_THAT(routers(), testing::ElementsAre("db/ipv4", "db/ipv6", "web/ipv4"));
  EXPECT_EQ(agent.last().generation, 1u);
}

TEST_F(ControlTest, AnEditMakesANewGenerationAndTheSameTextNone) {
  define("web.yaml", definition("web", 51));
  start();
  ASSERT_TRUE(until([&] { return agent.desired.size() == 1; }));
  define("web.yaml", definition("web", 51) + "# a remark\n");
  EXPECT_TRUE(never([&] { return agent.desired.size() > 1; }));
  define("web.yaml", definition("web", 52));
  ASSERT_TRUE(until([&] { return agent.desired.size() == 2; }));
  EXPECT_EQ(agent.last().generation, 2u);
  EXPECT_EQ(agent.last().routers[0].vrid.value(), 52);
  fs::remove(folder / "definitions" / "web.yaml");
  ASSERT_TRUE(until([&] { return agent.desired.size() == 3; }));
  EXPECT_TRUE(agent.last().routers.empty());
}

TEST_F(ControlTest, ABadObjectIsRefusedAloneAndNamed) {
  define("web.yaml", definition("web", 51));
  define("bad.yaml", definition("bad", 510));
  start();
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  EXPECT_THAT(routers(), testing::ElementsAre("web/ipv4"));
  EXPECT_EQ(lines.count("definition.refused"), 2u) << lines.text();
  EXPECT_TRUE(lines.says("spec.vrrp.virtualRouterID"));
}

TEST_F(ControlTest, TheNodeHasItsNameAndItsFlagsAsLabels) {
  const std::string text =
      "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: web}\nspec:\n  addresses: "
      "[192.0.2.1]\n"
      "  vrrp: {virtualRouterID: 1}\n  nodeSelector: {matchLabels: {kubernetes.io/hostname: node-a, rack: "
      "'7', zone: b}}\n";
  define("web.yaml", text);
  labels_file = (folder / "labels").string();
  test::write(labels_file, "zone=a\n");
  start();
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  EXPECT_TRUE(agent.last().routers.empty()) << "zone a is not zone b";
  test::write(labels_file, "zone=b\n");
  ASSERT_TRUE(until([&] { return agent.desired.size() == 2; }));
  EXPECT_EQ(agent.last().routers.size(), 1u);
}

TEST_F(ControlTest, AFolderThatCannotBeReadTakesNothingAway) {
  define("web.yaml", definition("web", 51));
  start();
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  fs::rename(folder / "definitions", folder / "elsewhere");
  ASSERT_TRUE(until([&] { return lines.count("definitions.unreadable") == 1; }));
  EXPECT_TRUE(never([&] { return agent.desired.size() > 1; }));
  stop();
  // And over a restart: the last good copy.
  agent.desired.clear();
  start();
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  EXPECT_THAT(routers(), testing::ElementsAre("web/ipv4"));
  fs::rename(folder / "elsewhere", folder / "definitions");
  ASSERT_TRUE(until([&] { return lines.count("definitions.readable") == 2; }));
  EXPECT_TRUE(never([&] { return agent.desired.size() > 1; }));
}

TEST_F(ControlTest, AnApiServerThatIsNotThereHoldsNoFolderBackAndIsNamedInTheMetrics) {
  ASSERT_TRUE(kube::start_transport());
  boost::asio::ip::tcp::acceptor holder{io};  // bound, not listening: connections are refused
  holder.open(boost::asio::ip::tcp::v4());
  holder.bind({boost::asio::ip::make_address("127.0.0.1"), 0});
  cluster.emplace();
  cluster->node = "node-a";
  cluster->access.servers = {{"127.0.0.1", holder.local_endpoint().port(), ""}};
  cluster->access.token.data = "token";
  define("web.yaml", definition("web", 51));
  start();
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  EXPECT_THAT(routers(), testing::ElementsAre("web/ipv4"));
  EXPECT_TRUE(until([&] {
    const auto page = get("/metrics");
    return page.find("vipra_api_readable{resource=\"virtualips\"} 0\n") != std::string::npos &&
           page.find("vipra_api_readable{resource=\"nodes\"} 0\n") != std::string::npos;
  })) << get("/metrics");
  stop();
}

TEST_F(ControlTest, WhereNothingIsKnownTheAgentIsToldNothing) {
  fs::remove(folder / "definitions");
  start();
  ASSERT_TRUE(until([&] { return agent.resyncs == 1; }));
  EXPECT_TRUE(never([&] { return !agent.desired.empty() || !agent.sets.empty(); }, 600ms));
}

TEST_F(ControlTest, AFailingCheckTravelsAsAContributionAndIsTakenBack) {
  test::LoopbackServer server{io};
  server.answer = kOk;
  define("web.yaml", with_check("web", server.port()));
  start();
  ASSERT_TRUE(until([&] { return !agent.sets.empty(); }));
  EXPECT_TRUE(agent.sets.back().empty());
  server.answer = kBroken;
  ASSERT_TRUE(until([&] { return !agent.deltas.empty(); }));
  ASSERT_EQ(agent.deltas[0].upserts.size(), 1u);
  const auto& part = agent.deltas[0].upserts[0];
  EXPECT_EQ(part.consumer, "web/ipv4");
  EXPECT_EQ(part.source, "check/http");
  EXPECT_EQ(part.delta, -50);
  EXPECT_EQ(part.reason, Reason::kCheckFailed);
  EXPECT_THAT(part.detail, HasSubstr("answered 503, expected 200-399; 3 of 3 failed"));
  server.answer = kOk;
  ASSERT_TRUE(until([&] { return !agent.deltas.back().removals.empty(); }));
  EXPECT_EQ(agent.desired.size(), 1u) << "a verdict is a contribution, not a definition";
  EXPECT_EQ(lines.count("check.failing"), 1u);
}

TEST_F(ControlTest, ARestartOfControlDoesNotForgetAFailingCheck) {
  test::LoopbackServer server{io};
  server.answer = kOk;  // it has just recovered: `rise` successes are needed all the same
  define("web.yaml", with_check("web", server.port()));
  auto router = router_snapshot("web/ipv4");
  auto& part = *router.add_contributions();
  part.set_consumer("web/ipv4");
  part.set_source("check/http");
  part.set_delta(-50);
  agent.answer_resync_with = std::vector{router};
  start();
  ASSERT_TRUE(until([&] { return !agent.sets.empty(); }));
  ASSERT_EQ(agent.sets[0].size(), 1u) << "the contribution was dropped over the restart";
  EXPECT_EQ(agent.sets[0][0].source, "check/http");
  ASSERT_TRUE(until([&] { return !agent.deltas.empty() && !agent.deltas.back().removals.empty(); }));
}

TEST_F(ControlTest, ARestartOfControlDoesNotFailAGoodCheckOnOneResult) {
  test::LoopbackServer server{io};
  server.answer = kBroken;
  define("web.yaml", with_check("web", server.port()));
  agent.answer_resync_with = std::vector{router_snapshot("web/ipv4")};
  start();
  ASSERT_TRUE(until([&] { return !agent.sets.empty(); }));
  EXPECT_TRUE(agent.sets[0].empty());
  ASSERT_TRUE(until([&] { return !agent.deltas.empty(); }));
  EXPECT_THAT(agent.deltas[0].upserts.at(0).detail, HasSubstr("3 of 3 failed"));
}

TEST_F(ControlTest, OnAFreshAgentTheFirstFailureCounts) {
  test::LoopbackServer server{io};
  server.answer = kBroken;
  define("web.yaml", with_check("web", server.port()));
  agent.answer_resync_with = std::vector<wire::RouterSnapshot>{};
  start();
  ASSERT_TRUE(until([&] {
    return (!agent.sets.empty() && !agent.sets.back().empty()) ||
           (!agent.deltas.empty() && !agent.deltas.back().upserts.empty());
  }));
  EXPECT_LE(server.accepted, 2u);
}

TEST_F(ControlTest, AReconnectSaysEverythingAnew) {
  test::LoopbackServer server{io};
  server.answer = kBroken;
  define("web.yaml", with_check("web", server.port()));
  start();
  ASSERT_TRUE(
      until([&] { return !agent.desired.empty() && (!agent.sets.empty() || !agent.deltas.empty()); }));
  agent.vanish();
  until([] { return false; }, 200ms);
  agent.desired.clear();
  agent.sets.clear();
  agent.listen();
  ASSERT_TRUE(until([&] { return !agent.desired.empty() && !agent.sets.empty(); }));
  EXPECT_EQ(agent.sets.back().size(), 1u);
  EXPECT_THAT(agent.order, testing::Contains("resync"));
  EXPECT_EQ(agent.last().generation, 1u);
}

TEST_F(ControlTest, LiveWhateverHappensReadyWhenTheAgentRunsWhatWasBuilt) {
  agent.vanish();
  fs::remove(folder / "definitions");
  start();
  EXPECT_THAT(get("/livez"), HasSubstr("200 OK"));
  EXPECT_THAT(get("/readyz"), HasSubstr("503"));
  EXPECT_THAT(get("/readyz"), HasSubstr("definitions have not been read"));
  fs::create_directory(folder / "definitions");
  define("web.yaml", definition("web", 51));
  ASSERT_TRUE(until([&] { return lines.count("plan.built") == 1; }));
  EXPECT_THAT(get("/readyz"), HasSubstr("the agent is not connected"));
  agent.listen();
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  EXPECT_THAT(get("/readyz"), HasSubstr("not yet 1"));
  agent.tell({router_snapshot("web/ipv4")}, 1);
  ASSERT_TRUE(until([&] { return get("/readyz").find("200 OK") != std::string::npos; }));
  define("web.yaml", definition("web", 52));
  ASSERT_TRUE(until([&] { return agent.desired.size() == 2; }));
  EXPECT_THAT(get("/readyz"), HasSubstr("503"));
  EXPECT_THAT(get("/metrics"), HasSubstr("vipra_router_state{"));
  EXPECT_THAT(get("/metrics"), HasSubstr("vipra_agent_connected 1\n"));
}

TEST_F(ControlTest, VipctlSeesWhatTheAgentTells) {
  define("web.yaml", definition("web", 51));
  start();
  ASSERT_TRUE(until([&] { return lines.count("report.listening") == 1 && !agent.desired.empty(); }));
  auto router = router_snapshot("web/ipv4");
  router.set_state(reason::v1::STATE_MASTER);
  agent.tell({router}, 1);
  ASSERT_TRUE(until([&] {
    const auto seen = report();
    return seen && seen->routers_size() == 1 && seen->routers(0).state() == reason::v1::STATE_MASTER;
  }));
  agent.vanish();
  ASSERT_TRUE(until([&] {
    const auto seen = report();
    return seen && !seen->agent_connected() && seen->routers_size() == 1;
  }));
}

TEST_F(ControlTest, StopLeavesNothingOnTheLoop) {
  define("web.yaml", definition("web", 51));
  start();
  ASSERT_TRUE(until([&] { return !agent.desired.empty(); }));
  control->stop();
  io.restart();
  const auto began = std::chrono::steady_clock::now();
  io.run_for(5s);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
}

}  // namespace
}  // namespace vipra::control
