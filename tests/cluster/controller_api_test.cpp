// Two replicas of vipra-controller and the nodes' control as processes, on a real API server: who is
// believed, who writes what, and what happens when one of them is stopped, lies or falls silent.
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "lab/kube/files.hpp"
#include "lab/lab.hpp"
#include "tests/cluster/api_fixture.hpp"
#include "tests/cluster/vipra_programs.hpp"

namespace vipra::lab::kube {
namespace {

using namespace std::chrono_literals;
using reason::v1::STATE_BACKUP;
using reason::v1::STATE_MASTER;
using testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kDnsName = "vipra-controller.vipra-system.svc";
constexpr double kMostMegabytes = 60;

struct Replica {
  std::string pod;
  std::string address;
  std::unique_ptr<Daemon> process;
  [[nodiscard]] std::string log() const { return end_of_file(process->log_path(), 6000); }
};

// As the audit log writes times.
std::string utc_now() {
  const auto time = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return text.data();
}

class ControllerApi : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(may_build_labs()) << "needs root";
    auto made = Stage::make();
    ASSERT_OK(made);
    stage_ = std::move(*made);
    for (const auto& [letter, address] :
         std::vector<std::pair<std::string, std::string>>{{"a", "10.99.9.11"}, {"b", "10.99.9.12"}}) {
      ASSERT_OK(stage_->add_node("node-" + letter, address));
      ASSERT_OK(stage_->add_pod("agent-" + letter, "vipra-agent", "node-" + letter));
    }
    for (const char* pod : {"controller-0", "controller-1"}) {
      ASSERT_OK(stage_->add_pod(pod, "vipra-controller", ""));
    }
    ASSERT_OK(stage_->apply(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: vipra-controller-1, "
        "namespace: "
        "vipra-system, labels: {kubernetes.io/service-name: vipra-controller}}\naddressType: IPv4\nports: "
        "[{name: reports, port: 9443}]\nendpoints:\n- {addresses: [10.99.9.21], conditions: {ready: true}}\n"
        "- {addresses: [10.99.9.22], conditions: {ready: true}}\n"));
    auto config = stage_->kubeconfig("vipra-agent");
    ASSERT_OK(config);
    agent_config_ = *config;
  }
  static void TearDownTestSuite() { stage_.reset(); }

  void SetUp() override { ASSERT_TRUE(stage_); }
  void TearDown() override {
    if (HasFailure()) {
      for (const auto& replica : replicas_)
        std::printf("--- %s\n%s\n", replica.pod.c_str(), replica.log().c_str());
      for (const auto& node : nodes_) std::printf("--- node\n%s\n", node->log().c_str());
    }
    nodes_.clear();
    for (auto& replica : replicas_) replica.process->kill();
    replicas_.clear();
    if (!stage_) return;
    (void)stage_->kubectl({"delete", "--raw", "/apis/vipra.dev/v1alpha1/virtualips"});
    // Else the next test's replicas wait for it to run out.
    (void)stage_->kubectl({"delete", "lease", "-n", kSystem, "--all"});
  }

  void start_replicas() {
    for (const int i : {0, 1}) {
      const auto name = "controller-" + std::to_string(i);
      const auto address = "10.99.9.2" + std::to_string(i + 1);
      (void)run_command(stage_->net(), {"ip", "address", "add", address + "/24", "dev", "lo"});
      const auto config = stage_->kubeconfig("vipra-controller", name);
      ASSERT_OK(config);
      replicas_.push_back(
          {name, address,
           std::make_unique<Daemon>(
               stage_->place(name), name,
               std::vector<std::string>{VIPRA_BINARY_DIR "/bin/vipra-controller", "--kubeconfig", *config,
                                        "--namespace", kSystem, "--identity", name, "--listen",
                                        address + ":9443", "--metrics", address + ":9113"})});
      ASSERT_OK(replicas_.back().process->start());
    }
  }
  // Its token is bound to `pod`, or to none.
  ControlNode* start_node(const std::string& name, const std::string& address, const std::string& pod,
                          const std::string& audience = "vipra-controller",
                          const std::string& account = "vipra-agent") {
    const auto token = stage_->token(account, audience, pod);
    EXPECT_TRUE(token) << token.error().what;
    const auto file = stage_->place(address).directory / "token";
    EXPECT_TRUE(write_file(file, token.value_or(""), 0600));
    nodes_.push_back(std::make_unique<ControlNode>(
        *stage_,
        ControlNode::Options{
            .node = name,
            .address = address,
            .flags = {"--controller-service", "vipra-system/vipra-controller", "--controller-ca-configmap",
                      "vipra-system/vipra-controller-ca", "--controller-token-file", file.string()},
            .kubeconfig = agent_config_}));
    EXPECT_TRUE(nodes_.back()->start());
    return nodes_.back().get();
  }
  void start_both_nodes() {
    a_ = start_node("node-a", "10.99.9.11", "agent-a");
    b_ = start_node("node-b", "10.99.9.12", "agent-b");
    a_->be(STATE_MASTER);
  }
  void move_to(ControlNode* to) {
    for (auto* node : {a_, b_}) node->be(node == to ? STATE_MASTER : STATE_BACKUP);
  }

  [[nodiscard]] bool until(const std::function<bool()>& condition, Duration within = 30s,
                           Duration poll = 20ms) {
    return wait_until(
        [&] {
          for (const auto& node : nodes_) node->poll();
          return condition();
        },
        within, poll);
  }
  [[nodiscard]] bool owner_is(const std::string& node, Duration within = 30s) {
    return until([&] { return status("{.status.owner}") == node; }, within);
  }
  std::string status(const std::string& path) {
    return stage_->kubectl({"get", "vip", "web", "-o", "jsonpath=" + path});
  }
  std::string page(const Replica& replica) { return stage_->page(replica.address + ":9113"); }
  bool has_line(const Replica& replica, const std::string& line) {
    return page(replica).find("\n" + line + "\n") != std::string::npos;
  }
  bool all_have_line(const std::string& line) {
    return std::all_of(replicas_.begin(), replicas_.end(),
                       [&](const Replica& replica) { return has_line(replica, line); });
  }
  Replica* leader() {
    for (auto& replica : replicas_) {
      if (has_line(replica, "vipra_controller_leading 1")) return &replica;
    }
    return nullptr;
  }
  // Names of the pods that wrote a status since then.
  std::vector<std::string> writers_since(const std::string& utc) {
    std::vector<std::string> out;
    for (const auto& line : stage_->audit()) {
      const auto entry = Json::parse(line, nullptr, false);
      if (entry.is_discarded() || entry.value("verb", "") != "patch") continue;
      const auto& object = entry["objectRef"];
      if (object.value("resource", "") != "virtualips" || object.value("subresource", "") != "status")
        continue;
      if (entry.value("requestReceivedTimestamp", "") < utc) continue;
      out.push_back(entry["user"]["extra"]["authentication.kubernetes.io/pod-name"][0].get<std::string>());
    }
    return out;
  }

  static std::unique_ptr<Stage> stage_;
  static std::string agent_config_;
  std::vector<Replica> replicas_;
  std::vector<std::unique_ptr<ControlNode>> nodes_;
  ControlNode* a_ = nullptr;
  ControlNode* b_ = nullptr;
};
std::unique_ptr<Stage> ControllerApi::stage_;
std::string ControllerApi::agent_config_;

TEST_F(ControllerApi, TheyMakeACertificateAndOneOfThemWritesWhatTheNodesReport) {
  const auto secret = [&](const std::string& key) {
    return stage_->kubectl(
        {"get", "secret", "-n", kSystem, "vipra-controller-tls", "-o", "jsonpath={.data." + key + "}"});
  };
  ASSERT_EQ(secret(R"(tls\.crt)"), "") << "the manifests' Secret is not empty";
  const auto began = utc_now();
  start_replicas();
  EXPECT_TRUE(until([&] { return !secret(R"(tls\.crt)").empty() && !secret(R"(tls\.key)").empty(); }));
  EXPECT_TRUE(until([&] {
    return stage_
        ->kubectl(
            {"get", "configmap", "-n", kSystem, "vipra-controller-ca", "-o", R"(jsonpath={.data.ca\.crt})"})
        .starts_with("-----BEGIN CERTIFICATE");
  }));
  ASSERT_OK(stage_->apply(virtual_ip("web", 51)));
  start_both_nodes();
  ASSERT_TRUE(owner_is("node-a"));
  // Every replica hears every node.
  EXPECT_TRUE(until([&] { return all_have_line("vipra_controller_report_streams 2"); }));
  EXPECT_TRUE(until([&] { return all_have_line("vipra_cluster_nodes_reporting 2"); }));

  ASSERT_TRUE(until([&] {
    return status("{range .status.nodes[*]}{.name}={.state} {end}") == "node-a=Master node-b=Backup ";
  })) << status("{.status}");
  const auto object =
      Json::parse(stage_->kubectl({"get", "vip", "web", "-o", "json", "--show-managed-fields"}));
  EXPECT_EQ(object["status"]["routers"][0]["owner"], "node-a");
  for (const auto& condition : object["status"]["conditions"]) {
    EXPECT_EQ(condition["observedGeneration"], object["metadata"]["generation"]) << condition.dump();
  }
  EXPECT_EQ(status(R"({.status.conditions[?(@.type=="Ready")].status})"), "True") << object["status"].dump();
  std::vector<std::string> managers;
  for (const auto& entry : object["metadata"]["managedFields"]) {
    if (entry.value("subresource", "") == "status") managers.push_back(entry["manager"]);
  }
  EXPECT_THAT(managers, testing::ElementsAre("vipra-controller"));

  move_to(b_);
  const auto moved = now();
  ASSERT_TRUE(owner_is("node-b"));
  std::printf("the status follows a move after %.0f ms, kubectl included\n", to_ms(now() - moved));
  const auto* const leads = leader();
  ASSERT_NE(leads, nullptr);
  EXPECT_THAT(writers_since(began), testing::Each(leads->pod));
  EXPECT_TRUE(
      until([&] { return all_have_line("vipra_controller_api_readable{resource=\"virtualips\"} 1"); }));
}

TEST_F(ControllerApi, AStoppedLeaderIsReplacedAndWritesNothingWhenItGoesOn) {
  start_replicas();
  ASSERT_OK(stage_->apply(virtual_ip("web", 51)));
  start_both_nodes();
  ASSERT_TRUE(owner_is("node-a"));
  auto* const old = leader();
  ASSERT_NE(old, nullptr);
  old->process->signal(SIGSTOP);
  const auto stopped = now();
  // Answers of the API server to what was under way at the stop; the second is over then.
  const auto since = utc_now();
  ASSERT_TRUE(until([&] { return utc_now() > since; }, 5s));
  const auto after = utc_now();
  move_to(b_);
  ASSERT_TRUE(owner_is("node-b", 45s));
  std::printf("the other replica writes %.1f s after the leader's stop\n", to_ms(now() - stopped) / 1000);
  old->process->signal(SIGCONT);
  EXPECT_TRUE(until([&] { return has_line(*old, "vipra_controller_leading 0"); }));
  EXPECT_TRUE(until([&] { return old->log().find("controller.not_leading") != std::string::npos; }));
  move_to(a_);
  ASSERT_TRUE(owner_is("node-a"));
  const auto writers = writers_since(after);
  EXPECT_FALSE(writers.empty());
  EXPECT_THAT(writers, testing::Not(testing::Contains(old->pod)));
}

TEST_F(ControllerApi, ATokenOfAnotherNodeOrOfNoneIsRefusedAndCounted) {
  start_replicas();
  ASSERT_OK(stage_->apply(virtual_ip("web", 51)));
  a_ = start_node("node-a", "10.99.9.11", "agent-a");
  a_->be(STATE_MASTER);
  ASSERT_TRUE(owner_is("node-a"));
  auto* const liar = start_node("node-b", "10.99.9.12", "agent-a");
  auto* const unbound = start_node("node-c", "10.99.9.13", "");
  auto* const stranger = start_node("node-d", "10.99.9.14", "agent-b", "somebody-else");
  // Any pod may have a token for this audience, and it is bound to a node too.
  ASSERT_THAT(stage_->kubectl({"create", "serviceaccount", "intruder", "-n", kSystem}), HasSubstr("created"));
  ASSERT_OK(stage_->add_pod("intruder", "intruder", "node-b"));
  auto* const intruder = start_node("node-b", "10.99.9.15", "intruder", "vipra-controller", "intruder");
  for (auto* node : {liar, unbound, stranger, intruder}) node->be(STATE_MASTER);
  for (const char* why : {"WrongNode", "TokenWithoutNode", "TokenRefused"}) {
    const auto counted =
        "vipra_controller_report_streams_refused_total{reason=\"" + std::string{why} + "\"} ";
    for (const auto& replica : replicas_) {
      EXPECT_TRUE(until([&] { return page(replica).find("\n" + counted) != std::string::npos; }, 20s, 100ms))
          << why << '\n'
          << page(replica);
    }
  }
  EXPECT_TRUE(until([&] {
    return read_file(replicas_[0].process->log_path())
               .find("of system:serviceaccount:vipra-system:intruder") != std::string::npos;
  }));
  EXPECT_EQ(status("{.status.nodes[*].name}"), "node-a");
  EXPECT_EQ(status("{.status.owner}"), "node-a");
}

TEST_F(ControllerApi, ARotatedCertificateIsServedWithoutARestart) {
  start_replicas();
  ASSERT_OK(stage_->apply(virtual_ip("web", 51)));
  start_both_nodes();
  ASSERT_TRUE(owner_is("node-a"));
  const auto authority = Authority::make("somebodys-authority");
  ASSERT_OK(authority);
  const auto pair = authority->issue({.common_name = "rotated", .dns_names = {kDnsName}});
  ASSERT_OK(pair);
  const Json patch{
      {"metadata", {{"annotations", {{"vipra.dev/self-made", nullptr}}}}},
      {"stringData",
       {{"tls.crt", pair->certificate}, {"tls.key", pair->key}, {"ca.crt", authority->certificate()}}}};
  ASSERT_THAT(stage_->kubectl({"patch", "secret", "-n", kSystem, "vipra-controller-tls", "--type=merge", "-p",
                               patch.dump()}),
              HasSubstr("patched"));
  for (const auto& replica : replicas_) {
    EXPECT_TRUE(until([&] {
      const auto shown =
          run_command(stage_->net(), {"openssl", "s_client", "-connect", replica.address + ":9443", "-alpn",
                                      "h2", "-servername", kDnsName});
      return shown && shown->out.find("somebodys-authority") != std::string::npos;
    })) << replica.pod;
  }
  // Who connects anew trusts it: the ConfigMap tells the new CA.
  ASSERT_OK(b_->restart());
  EXPECT_TRUE(until([&] { return b_->log().find("agent.connected") != std::string::npos; }));
  move_to(b_);
  EXPECT_TRUE(owner_is("node-b"));
  EXPECT_TRUE(until([&] { return all_have_line("vipra_controller_report_streams 2"); }));
  // The one before is back to what the chart made: the next test's replicas make their own.
  (void)stage_->kubectl({"patch", "secret", "-n", kSystem, "vipra-controller-tls", "--type=json", "-p",
                         R"([{"op":"remove","path":"/data"}])"});
}

TEST_F(ControllerApi, ANodeThatNoLongerReportsIsUnknownAndTheOwnerStays) {
  start_replicas();
  ASSERT_OK(stage_->apply(virtual_ip("web", 51)));
  start_both_nodes();
  ASSERT_TRUE(owner_is("node-a"));
  ASSERT_TRUE(until([&] { return b_->routers() == "web/ipv4:100"; }));
  const auto told = b_->told();
  a_->process().kill();
  ASSERT_TRUE(
      until([&] { return status(R"({.status.nodes[?(@.name=="node-a")].state})") == "Unknown"; }, 20s))
      << status("{.status}");
  EXPECT_EQ(status("{.status.owner}"), "node-a") << status("{.status}");
  EXPECT_EQ(b_->told(), told);
  ASSERT_OK(a_->process().start());
  EXPECT_TRUE(
      until([&] { return status(R"({.status.nodes[?(@.name=="node-a")].state})") == "Master"; }, 20s));
  EXPECT_EQ(status("{.status.owner}"), "node-a");
}

TEST_F(ControllerApi, AHundredVirtualIpsFitIntoTheirMemory) {
  std::string manifest;
  for (int i = 1; i <= 100; ++i) manifest += "---\n" + virtual_ip("vip-" + std::to_string(i), i);
  auto began = now();
  const auto lap = [&](const char* what) {
    std::printf("100 VIPs: %s %.1f s\n", what, to_ms(now() - began) / 1000);
    began = now();
  };
  ASSERT_OK(stage_->apply(manifest));
  lap("applied within");
  start_replicas();
  start_both_nodes();
  ASSERT_TRUE(until([&] { return a_->told() > 0 && a_->agent().last().routers.size() == 100; }));
  const auto owners = [&] {
    const auto text = stage_->kubectl({"get", "vip", "-o", "jsonpath={.items[*].status.owner}"});
    std::size_t count = 0;
    for (auto at = text.find("node-a"); at != std::string::npos; at = text.find("node-a", at + 1)) ++count;
    return count;
  };
  lap("with their agents within");
  ASSERT_TRUE(until([&] { return owners() == 100; })) << owners();
  lap("with a status within");
  move_to(b_);
  ASSERT_TRUE(until([&] { return owners() == 0; })) << owners();
  lap("all moved, and their status too, within");
  for (auto* node : {a_, b_}) {
    const auto megabytes = resident_megabytes(node->process().pid());
    std::printf("100 VIPs: vipra-control has %.1f MB\n", megabytes);
    EXPECT_LT(megabytes, kMostMegabytes);
  }
  for (const auto& replica : replicas_) {
    const auto megabytes = resident_megabytes(replica.process->pid());
    std::printf("100 VIPs: vipra-controller has %.1f MB\n", megabytes);
    EXPECT_LT(megabytes, kMostMegabytes);
  }
}

}  // namespace
}  // namespace vipra::lab::kube
