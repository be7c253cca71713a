// The lab's whole cluster, judged from outside. The test reuses one cluster where it can: it takes seconds to
// come up.
#include "lab/kube/cluster.hpp"

#include <signal.h>

#include <fstream>

#include "lab/kube/files.hpp"
#include "lab/kube/image.hpp"
#include "lab/processes.hpp"
#include "tests/cluster/api_fixture.hpp"

namespace vipra::lab::kube {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using s = std::chrono::seconds;
using ms = std::chrono::milliseconds;

// What a lab can leave on a machine, by its id: mounts, control groups, processes.
std::vector<std::string> remains_of(const std::string& id) {
  std::vector<std::string> found;
  std::ifstream mounts{"/proc/self/mounts"};
  for (std::string line; std::getline(mounts, line);)
    if (line.find(id) != std::string::npos) found.push_back("mount " + line);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{"/sys/fs/cgroup", ignored})
    if (fs::exists(entry.path() / id, ignored)) found.push_back("group " + entry.path().string());
  for (const pid_t pid : all_processes()) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/cgroup") +
                      read_file("/proc/" + std::to_string(pid) + "/cmdline");
    if (text.find(id) != std::string::npos) found.push_back("process " + std::to_string(pid));
  }
  if (fs::exists(fs::temp_directory_path() / id, ignored)) found.push_back("folder");
  return found;
}

std::string workload(const std::string& kind, const std::string& name, const std::string& more,
                     const std::string& pod_more, int port) {
  return "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: " + name + "}\nspec:\n" + more +
         "  selector: {matchLabels: {app: " + name + "}}\n  template:\n    metadata: {labels: {app: " + name +
         "}}\n    spec:\n      terminationGracePeriodSeconds: 1\n" + pod_more +
         "      containers:\n      - name: web\n        image: " + kPodImage +
         "\n        imagePullPolicy: Never\n        args: [serve, '" + std::to_string(port) +
         "']\n        readinessProbe: {httpGet: {path: /, port: " + std::to_string(port) +
         "}, periodSeconds: 1}\n";
}

class ClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(may_build_labs()) << "cluster tests need root";
    auto binaries = Binaries::find(VIPRA_SOURCE_DIR, Level::kCluster);
    ASSERT_OK(binaries);
    const auto began = now();
    auto made = Cluster::make({.binaries = *binaries});
    ASSERT_OK(made);
    cluster_ = std::move(*made);
    std::printf("two nodes Ready after %.1f s\n", to_ms(now() - began) / 1000);
  }
  void TearDown() override {
    if (cluster_ && HasFailure()) std::printf("%s\n", cluster_->last_words().c_str());
  }
  std::string kubectl(const std::vector<std::string>& arguments) {
    return said(cluster_->kubectl(arguments));
  }
  // How many pods of the app are Ready on the node.
  std::size_t ready_pods(const std::string& app, const std::string& node) {
    const auto text =
        kubectl({"get", "pods", "-l", "app=" + app, "--field-selector", "spec.nodeName=" + node, "-o",
                 R"(jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end})"});
    std::size_t count = 0;
    for (auto at = text.find("True"); at != std::string::npos; at = text.find("True", at + 1)) ++count;
    return count;
  }
  bool ready_within(const std::string& app, const std::string& node, std::size_t count, Duration within) {
    return wait_until([&] { return ready_pods(app, node) == count; }, within, ms{200});
  }
  std::string fetch(const std::string& address, int port) {
    return said(
        cluster_->lab().client().run({"python3", "-c",
                                      "import urllib.request as u\nprint(u.urlopen('http://" + address + ":" +
                                          std::to_string(port) + "/', timeout=3).read().decode(), end='')"}));
  }
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ClusterTest, RunsPodsServicesLogsAndDrains) {
  // On every node, in the node's own network.
  ASSERT_OK(cluster_->api().apply(workload("DaemonSet", "front", "", "      hostNetwork: true\n", 9400)));
  for (const char* node : {"node-a", "node-b"}) EXPECT_TRUE(ready_within("front", node, 1, s{60})) << node;
  EXPECT_EQ(fetch("10.99.0.1", 9400), "node-a\n");
  EXPECT_EQ(fetch("10.99.0.2", 9400), "node-b\n");

  // In networks of their own, behind an address that a node's proxy answers.
  ASSERT_OK(cluster_->api().apply(workload("Deployment", "back", "  replicas: 2\n", "", 8000)));
  ASSERT_OK(
      cluster_->api().apply("apiVersion: v1\nkind: Service\nmetadata: {name: back}\nspec:\n"
                            "  selector: {app: back}\n  type: NodePort\n"
                            "  ports: [{port: 80, targetPort: 8000, nodePort: 30080}]\n"));
  ASSERT_THAT(kubectl({"rollout", "status", "deployment/back", "--timeout=60s"}), HasSubstr("successfully"));
  EXPECT_TRUE(wait_until([&] { return fetch("10.99.0.1", 30080).starts_with("back-"); }, s{20}, ms{200}));
  EXPECT_TRUE(wait_until([&] { return fetch("10.99.0.2", 30080).starts_with("back-"); }, s{20}, ms{200}));

  EXPECT_THAT(kubectl({"logs", "deployment/back"}), HasSubstr("serving on port 8000"));

  ASSERT_OK(cluster_->drain("node-a"));
  EXPECT_EQ(ready_pods("back", "node-a"), 0U);
  EXPECT_TRUE(ready_within("back", "node-b", 2, s{60}));
  EXPECT_EQ(ready_pods("front", "node-a"), 1U);
  ASSERT_OK(cluster_->uncordon("node-a"));
}

TEST_F(ClusterTest, InstallsAChartWithHelmAndKeepsHostPathsApart) {
  const auto chart = cluster_->lab().directory() / "chart";
  ASSERT_OK(make_folder(chart / "templates"));
  ASSERT_OK(write_file(chart / "Chart.yaml", "apiVersion: v2\nname: small\nversion: 0.1.0\n"));
  ASSERT_OK(write_file(chart / "templates/map.yaml",
                       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"));
  EXPECT_THAT(said(cluster_->helm({"install", "one", chart.string()})), HasSubstr("STATUS: deployed"));
  EXPECT_THAT(kubectl({"get", "configmap", "one"}), HasSubstr("one"));

  // Two nodes may use the same path of their own.
  auto& node = cluster_->node("node-a");
  ASSERT_OK(must_run(node.station().net(), {"touch", node.file("/var/lib/mark").string()}));
  EXPECT_TRUE(fs::exists(node.file("/var/lib/mark")));
  EXPECT_FALSE(fs::exists(cluster_->node("node-b").file("/var/lib/mark")));
  EXPECT_FALSE(fs::exists("/var/lib/mark"));
}

TEST_F(ClusterTest, ACrashedNodeIsSilentAndComesBackAndNothingIsLeftInTheEnd) {
  ASSERT_OK(cluster_->api().apply(workload("DaemonSet", "front", "", "      hostNetwork: true\n", 9400)));
  ASSERT_OK(cluster_->api().apply(workload("DaemonSet", "inner", "", "", 8000)));
  for (const char* app : {"front", "inner"})
    for (const char* node : {"node-a", "node-b"})
      ASSERT_TRUE(ready_within(app, node, 1, s{60})) << app << node;

  auto& node = cluster_->node("node-b");
  const auto id = cluster_->lab().id();
  const auto on_node_b = [&] {
    std::size_t count = 0;
    for (const pid_t pid : all_processes())
      count +=
          read_file("/proc/" + std::to_string(pid) + "/cgroup").find(id + "/node-b") != std::string::npos;
    return count;
  };
  EXPECT_GE(on_node_b(), 4U);  // two pods, each with its pause container
  ASSERT_OK(must_run(node.station().net(), {"nft", "add", "table", "inet", "left_over"}));
  ASSERT_OK(node.crash());
  EXPECT_EQ(on_node_b(), 0U);
  EXPECT_THAT(processes_in(node.station().net().inode()), IsEmpty());
  EXPECT_THAT(fetch("10.99.0.2", 9400), HasSubstr("exit"));
  EXPECT_EQ(fetch("10.99.0.1", 9400), "node-a\n");
  EXPECT_TRUE(wait_until([&] { return !cluster_->node_ready("node-b"); }, s{60}, ms{200}));

  ASSERT_OK(cluster_->power_on(node));
  const auto tables = node.run({"nft", "list", "tables"});
  ASSERT_OK(tables);
  EXPECT_THAT(tables->out, testing::Not(HasSubstr("left_over")));
  ASSERT_OK(cluster_->wait_ready("node-b", s{60}));
  EXPECT_TRUE(wait_until([&] { return fetch("10.99.0.2", 9400) == "node-b\n"; }, s{60}, ms{200}));
  EXPECT_TRUE(ready_within("inner", "node-b", 1, s{60}));

  cluster_.reset();
  EXPECT_THAT(remains_of(id), IsEmpty());
}

TEST_F(ClusterTest, ASingleProgramOfANodeCanBeFrozenAndStartedAgainWithoutItsPods) {
  ASSERT_OK(cluster_->api().apply(workload("DaemonSet", "front", "", "      hostNetwork: true\n", 9400)));
  ASSERT_TRUE(ready_within("front", "node-a", 1, s{60}));
  auto& node = cluster_->node("node-a");
  using Part = KubeNode::Part;
  for (const auto part : {Part::kKubelet, Part::kContainerd}) {
    node.kill(part);
    EXPECT_EQ(fetch("10.99.0.1", 9400), "node-a\n");
    ASSERT_OK(node.start_part(part));
  }
  ASSERT_OK(cluster_->wait_ready("node-a", s{60}));
}

// In a process of its own, ended by a signal that nobody can handle.
TEST(Cluster, OfAKilledProcessLeavesNothing) {
  ASSERT_TRUE(may_build_labs()) << "cluster tests need root";
  const auto binaries = Binaries::find(VIPRA_SOURCE_DIR, Level::kCluster);
  ASSERT_OK(binaries);
  auto workspace = Workspace::make(false);
  ASSERT_OK(workspace);
  const auto net = NetNamespace::current();
  ASSERT_OK(net);
  Spawner spawner;
  const auto log = (*workspace)->directory() / "program.log";
  auto program = spawner.execute(
      *net, {VIPRA_LAB_PROGRAM, "cluster", "--nodes", "1"},
      {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "KUBEBUILDER_ASSETS=" + binaries->folder().string()}, log);
  ASSERT_OK(program);
  ASSERT_TRUE(wait_until([&] { return read_file(log).find("Ctrl-C takes") != std::string::npos; }, s{120}))
      << read_file(log);
  std::string id;
  for (const auto& entry : fs::directory_iterator{fs::temp_directory_path()}) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("vipra-lab-" + std::to_string(program->pid()) + "-")) id = name;
  }
  ASSERT_THAT(remains_of(id), testing::Not(IsEmpty()));
  program->signal(SIGKILL);
  ASSERT_TRUE(program->wait(s{10}));
  EXPECT_TRUE(wait_until([&] { return remains_of(id).empty(); }, s{20}, ms{100}))
      << testing::PrintToString(remains_of(id));
}

}  // namespace
}  // namespace vipra::lab::kube
