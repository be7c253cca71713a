// vipra-control on a real API server: what it tells its agent, and that nothing but a deletion takes it away.
#include <signal.h>

#include <algorithm>
#include <cstdio>

#include "lab/kube/files.hpp"
#include "lab/lab.hpp"
#include "tests/cluster/api_fixture.hpp"
#include "tests/cluster/vipra_programs.hpp"

namespace vipra::lab::kube {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Part = ApiServer::Part;

constexpr const char* kByZone =
    "  nodeSelector: {matchExpressions: [{key: zone, operator: In, values: [a, b]}]}\n"
    "  vrrp:\n    virtualRouterID: 51\n    priorities:\n"
    "    - {nodeSelector: {matchLabels: {zone: a}}, priority: 150}\n"
    "    - {nodeSelector: {matchLabels: {zone: b}}, priority: 120}\n";

class ControlApi : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(may_build_labs()) << "needs root";
    auto made = Stage::make();
    ASSERT_OK(made);
    stage_ = std::move(*made);
    auto config = stage_->kubeconfig("vipra-agent");
    ASSERT_OK(config);
    config_ = *config;
  }
  static void TearDownTestSuite() { stage_.reset(); }

  void SetUp() override {
    ASSERT_TRUE(stage_);
    ASSERT_OK(stage_->add_node("node-a", "10.99.9.11", "zone: a"));
    ASSERT_OK(stage_->add_node("node-b", "10.99.9.12"));
  }
  void TearDown() override {
    if (HasFailure() && node_) std::printf("%s\n", node_->log().c_str());
    node_.reset();
    if (stage_) (void)stage_->kubectl({"delete", "vip", "--all"});
  }
  void start(std::vector<std::string> flags = {}) {
    node_ = std::make_unique<ControlNode>(
        *stage_, ControlNode::Options{.flags = std::move(flags), .kubeconfig = config_});
    std::error_code ignored;
    std::filesystem::remove_all(node_->folder() / "state", ignored);
    ASSERT_OK(make_folder(node_->folder() / "state"));
    ASSERT_OK(node_->start());
  }
  [[nodiscard]] bool until(const std::function<bool()>& condition, Duration within = 30s) {
    return wait_until(
        [&] {
          if (node_) node_->poll();
          return condition();
        },
        within);
  }
  [[nodiscard]] bool routers(const std::string& wanted, Duration within = 30s) {
    return until([&] { return node_->routers() == wanted; }, within);
  }
  // A page is asked only now and then: it costs a process.
  [[nodiscard]] bool metric(const std::string& line, Duration within = 40s) {
    return wait_until(
        [&] {
          node_->poll();
          return node_->metrics().find("\n" + line + "\n") != std::string::npos;
        },
        within, 50ms);
  }
  [[nodiscard]] bool readable() {
    return metric("vipra_api_readable{resource=\"virtualips\"} 1") &&
           metric("vipra_api_readable{resource=\"nodes\"} 1");
  }
  // Changes something that control must see, after whatever it may have seen before; one more plan came.
  void expect_only_this_change(const std::string& zone, const std::string& then) {
    const auto before = node_->told();
    ASSERT_OK(stage_->add_node("node-a", "10.99.9.11", "zone: " + zone));
    EXPECT_TRUE(routers(then)) << node_->routers();
    EXPECT_EQ(node_->told(), before + 1);
  }

  static std::unique_ptr<Stage> stage_;
  static std::string config_;
  std::unique_ptr<ControlNode> node_;
};
std::unique_ptr<Stage> ControlApi::stage_;
std::string ControlApi::config_;

TEST_F(ControlApi, LabelsOfTheNodeObjectSelectAndGivePriorities) {
  start();
  ASSERT_TRUE(routers("")) << node_->routers();
  ASSERT_OK(stage_->apply(virtual_ip("web", 51, kByZone)));
  ASSERT_TRUE(routers("web/ipv4:150")) << node_->routers();
  EXPECT_EQ(node_->peers(), "node-b@10.99.9.12");
  for (const auto& [zone, then] : std::vector<std::pair<std::string, std::string>>{
           {"b", "web/ipv4:120"}, {"c", ""}, {"a", "web/ipv4:150"}}) {
    expect_only_this_change(zone, then);
  }
  ASSERT_THAT(stage_->kubectl({"delete", "vip", "web"}), HasSubstr("deleted"));
  EXPECT_TRUE(routers(""));
  ASSERT_OK(stage_->apply(virtual_ip("web", 51, kByZone)));
  EXPECT_TRUE(routers("web/ipv4:150"));
  // A node that comes and goes is a peer that comes and goes.
  ASSERT_OK(stage_->add_node("node-c", "10.99.9.13"));
  EXPECT_TRUE(until([&] { return node_->peers() == "node-b@10.99.9.12 node-c@10.99.9.13"; }));
  (void)stage_->kubectl({"delete", "node", "node-c"});
  EXPECT_TRUE(until([&] { return node_->peers() == "node-b@10.99.9.12"; }));
}

TEST_F(ControlApi, ARelistChangesNothing) {
  ASSERT_OK(stage_->apply(virtual_ip("web", 51, kByZone)));
  start();
  ASSERT_TRUE(routers("web/ipv4:150"));
  ASSERT_TRUE(readable());
  const auto relists = [&] {
    const auto page = node_->metrics();
    const std::string name = "\nvipra_api_relists_total ";
    const auto at = page.find(name);
    return at == std::string::npos ? -1 : std::stoi(page.substr(at + name.size(), 12));
  };
  const auto before = relists();
  ASSERT_GE(before, 2) << "VirtualIPs and Nodes";
  stage_->api().kill(Part::kApi);
  ASSERT_TRUE(metric("vipra_api_readable{resource=\"virtualips\"} 0"));
  ASSERT_OK(stage_->api().start_part(Part::kApi));
  ASSERT_OK(stage_->api().wait_ready(60s));
  ASSERT_TRUE(readable());
  EXPECT_GT(relists(), before);
  expect_only_this_change("b", "web/ipv4:120");
}

TEST_F(ControlApi, ARestartWithoutAnApiServerServesAsBefore) {
  ASSERT_OK(stage_->apply(virtual_ip("web", 51, kByZone)));
  start();
  ASSERT_TRUE(routers("web/ipv4:150"));
  ASSERT_TRUE(until([&] { return std::filesystem::exists(node_->folder() / "state" / "last-good"); }));

  const auto serves_as_before = [&](const char* how) {
    ASSERT_OK(node_->restart());
    const auto told = node_->told();
    const auto began = now();
    ASSERT_TRUE(until([&] { return node_->told() > told; }, 10s)) << how;
    std::printf("%s: the agent has its routers %.0f ms after control's start\n", how, to_ms(now() - began));
    EXPECT_LT(to_ms(now() - began), 4000) << how;
    EXPECT_EQ(node_->routers(), "web/ipv4:150") << how;
    EXPECT_EQ(node_->peers(), "node-b@10.99.9.12") << how;
  };
  stage_->api().signal(Part::kApi, SIGSTOP);
  serves_as_before("silent");
  auto told = node_->told();
  stage_->api().signal(Part::kApi, SIGCONT);
  ASSERT_TRUE(readable());
  EXPECT_EQ(node_->told(), told);

  stage_->api().kill(Part::kApi);
  serves_as_before("refused");
  told = node_->told();
  ASSERT_OK(stage_->api().start_part(Part::kApi));
  ASSERT_OK(stage_->api().wait_ready(60s));
  ASSERT_TRUE(readable());
  EXPECT_EQ(node_->told(), told);
  expect_only_this_change("b", "web/ipv4:120");
}

TEST_F(ControlApi, NoRightsAndNoDefinitionTakeNothingAway) {
  ASSERT_OK(stage_->apply(virtual_ip("web", 51, kByZone)));
  start();
  ASSERT_TRUE(routers("web/ipv4:150"));
  ASSERT_TRUE(until([&] { return std::filesystem::exists(node_->folder() / "state" / "last-good"); }));
  const auto told = node_->told();

  // Objects stay, the API server says 404.
  const auto serve = [&](const char* value) {
    return stage_->kubectl(
        {"patch", "crd", "virtualips.vipra.dev", "--type=json", "-p",
         std::string{R"([{"op":"replace","path":"/spec/versions/0/served","value":)"} + value + "}]"});
  };
  ASSERT_THAT(serve("false"), HasSubstr("patched"));
  ASSERT_TRUE(metric("vipra_api_readable{resource=\"virtualips\"} 0")) << node_->metrics();
  EXPECT_EQ(node_->told(), told);
  ASSERT_OK(node_->restart());
  ASSERT_TRUE(until([&] { return node_->told() == told + 1; }));
  EXPECT_EQ(node_->routers(), "web/ipv4:150");
  ASSERT_THAT(serve("true"), HasSubstr("patched"));
  ASSERT_TRUE(metric("vipra_api_readable{resource=\"virtualips\"} 1")) << node_->log();
  EXPECT_EQ(node_->told(), told + 1);

  // 403.
  const auto binding = stage_->kubectl({"get", "clusterrolebinding", "vipra-agent", "-o", "json"});
  ASSERT_THAT(stage_->kubectl({"delete", "clusterrolebinding", "vipra-agent"}), HasSubstr("deleted"));
  ASSERT_OK(node_->restart());
  ASSERT_TRUE(until([&] { return node_->told() == told + 2; }));
  EXPECT_EQ(node_->routers(), "web/ipv4:150");
  EXPECT_EQ(node_->peers(), "node-b@10.99.9.12");
  ASSERT_TRUE(metric("vipra_api_readable{resource=\"nodes\"} 0"));
  EXPECT_THAT(node_->log(), HasSubstr("ApiForbidden"));
  ASSERT_THAT(stage_->kubectl({"create", "-f", "-"}, binding), HasSubstr("created"));
  ASSERT_TRUE(readable());
  EXPECT_EQ(node_->told(), told + 2);
  expect_only_this_change("b", "web/ipv4:120");
}

TEST_F(ControlApi, TheSameObjectInAFolderAndInTheClusterIsServedOnceAndDoesNotFlap) {
  const auto folder = stage_->place("definitions").directory;
  const std::string file = virtual_ip("web", 51,
                                      "  vrrp: {virtualRouterID: 51, priorities: [{nodeSelector: "
                                      "{}, priority: 77}]}\n");
  ASSERT_OK(write_file(folder / "web.yaml", file));
  ASSERT_OK(stage_->apply(virtual_ip("web", 51, kByZone)));
  ASSERT_OK(stage_->apply(virtual_ip("db", 52)));
  start({"--definitions", folder.string()});
  ASSERT_TRUE(routers("db/ipv4:100 web/ipv4:77")) << node_->routers();
  const auto told = node_->told();
  // Each source once more, with nothing new in it.
  ASSERT_OK(write_file(folder / "web.yaml", file));
  ASSERT_OK(
      stage_->apply("apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: web, labels: "
                    "{touched: yes-it-was}}\nspec: {addresses: [198.51.100.51], vrrp: "
                    "{virtualRouterID: 51}}\n"));
  ASSERT_OK(stage_->apply(virtual_ip("last", 53)));
  ASSERT_TRUE(routers("db/ipv4:100 last/ipv4:100 web/ipv4:77")) << node_->routers();
  EXPECT_EQ(node_->told(), told + 1);
  // Without what it had on disk it waits for both, and takes nothing from an agent that goes on.
  node_->process().kill();
  std::filesystem::remove(node_->folder() / "state" / "last-good");
  const auto before = node_->told();
  ASSERT_OK(node_->process().start());
  ASSERT_TRUE(until([&] { return node_->told() > before; }));
  EXPECT_EQ(node_->agent().desired[before].routers.size(), 3U);
  EXPECT_EQ(node_->routers(), "db/ipv4:100 last/ipv4:100 web/ipv4:77");
  // The other one takes its place.
  std::filesystem::remove(folder / "web.yaml");
  EXPECT_TRUE(until([&] {
    return node_->routers().find("web/ipv4") != std::string::npos &&
           node_->routers().find("web/ipv4:77") == std::string::npos;
  })) << node_->routers();
}

TEST_F(ControlApi, WithoutLabelsOfAnyKindNothingIsToldAndNothingGoes) {
  ASSERT_OK(stage_->apply(virtual_ip("web", 51, kByZone)));
  // The first start of a node, where the Nodes may not be read: what selects it is not known.
  const auto change_role = [&](const std::string& patch) {
    return stage_->kubectl({"patch", "clusterrole", "vipra-agent", "--type=json", "-p", "[" + patch + "]"});
  };
  ASSERT_THAT(change_role(R"({"op":"test","path":"/rules/1/resources","value":["nodes"]},)"
                          R"({"op":"remove","path":"/rules/1"})"),
              HasSubstr("patched"));
  start();
  ASSERT_TRUE(metric("vipra_api_readable{resource=\"virtualips\"} 1")) << node_->log();
  ASSERT_TRUE(metric("vipra_api_readable{resource=\"nodes\"} 0")) << node_->log();
  EXPECT_EQ(node_->told(), 0u);
  ASSERT_THAT(change_role(R"({"op":"add","path":"/rules/1","value":{"apiGroups":[""],"resources":["nodes"],)"
                          R"("verbs":["get","list","watch"]}})"),
              HasSubstr("patched"));
  ASSERT_TRUE(routers("web/ipv4:150"));
  EXPECT_EQ(node_->told(), 1u);
}

TEST_F(ControlApi, AnotherServiceIsWatchedWithoutReadingTheFirstAnew) {
  const auto check = [](const std::string& name) {
    return "{name: " + name + ", service: {name: " + name +
           ", namespace: default}, interval: 100ms, timeout: 50ms, "
           "onFailure: {priorityDelta: -30}}";
  };
  ASSERT_OK(stage_->apply(virtual_ip("web", 51, "  checks: [" + check("front") + "]\n")));
  start();
  ASSERT_TRUE(routers("web/ipv4:100"));
  ASSERT_TRUE(until([&] { return node_->delta("web/ipv4") == -30; })) << "no endpoints";
  const auto lists = [&] {
    const auto log = stage_->audit();
    return std::count_if(log.begin(), log.end(), [](const auto& line) {
      return line.find("service-name%3Dfront") != std::string::npos;
    });
  };
  const auto before = lists();
  ASSERT_GT(before, 0);
  ASSERT_OK(
      stage_->apply(virtual_ip("web", 51, "  checks: [" + check("front") + ", " + check("back") + "]\n")));
  ASSERT_TRUE(until([&] { return node_->delta("web/ipv4") == -60; })) << "the second one was read";
  EXPECT_EQ(lists(), before);
}

TEST_F(ControlApi, AServiceCheckFollowsItsEndpointSlices) {
  const auto slice = [&](bool ready, const std::string& node) {
    return "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: front-1, namespace: "
           "default, labels: {kubernetes.io/service-name: front}}\naddressType: IPv4\nports: [{port: "
           "80}]\nendpoints: [{addresses: [10.244.0.9], nodeName: " +
           node + ", conditions: {ready: " + (ready ? "true" : "false") + "}}]\n";
  };
  ASSERT_OK(stage_->apply(slice(true, "node-a")));
  ASSERT_OK(stage_->apply(virtual_ip("web", 51,
                                     "  checks: [{name: front, service: {name: front, namespace: default}, "
                                     "interval: 100ms, timeout: 50ms, rise: 1, fall: 1, onFailure: "
                                     "{priorityDelta: -30}}]\n")));
  start();
  ASSERT_TRUE(routers("web/ipv4:100"));
  ASSERT_TRUE(metric("vipra_api_readable{resource=\"endpointslices\"} 1"));
  ASSERT_OK(stage_->apply(slice(false, "node-a")));
  EXPECT_TRUE(until([&] { return node_->delta("web/ipv4") == -30; }));
  ASSERT_OK(stage_->apply(slice(true, "node-a")));
  EXPECT_TRUE(until([&] { return node_->delta("web/ipv4") == 0; }));
  ASSERT_OK(stage_->apply(slice(true, "node-b")));
  EXPECT_TRUE(until([&] { return node_->delta("web/ipv4") == -30; }));
  (void)stage_->kubectl({"delete", "endpointslice", "front-1"});
}

}  // namespace
}  // namespace vipra::lab::kube
