#include "tests/cluster/vipra_cluster.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include "lab/kube/files.hpp"
#include "lab/kube/vipra_image.hpp"
#include "lab/processes.hpp"

namespace vipra::lab::kube {

namespace fs = std::filesystem;
using nlohmann::json;
using s = std::chrono::seconds;
using ms = std::chrono::milliseconds;

namespace {

constexpr const char* kAgentPods = "app.kubernetes.io/component=agent";
constexpr const char* kControllerPods = "app.kubernetes.io/component=controller";
constexpr const char* kFirst = "10.99.0.100";

bool is_ready(const json& pod) {
  if (pod["metadata"].contains("deletionTimestamp")) return false;
  for (const auto& condition : pod["status"].value("conditions", json::array()))
    if (condition.value("type", "") == "Ready") return condition.value("status", "") == "True";
  return false;
}

}  // namespace

class VipraCluster::Ending : public testing::Environment {
 public:
  void TearDown() override { cluster_.reset(); }
};

void VipraCluster::SetUpTestSuite() {
  if (cluster_) {
    ASSERT_GT(install_took_, Duration::zero()) << "it was not installed, see above";
    return;
  }
  testing::AddGlobalTestEnvironment(new Ending);
  ASSERT_TRUE(may_build_labs()) << "cluster tests need root";
  const auto binaries = Binaries::find(VIPRA_SOURCE_DIR, Level::kCluster);
  ASSERT_OK(binaries);
  const auto began = now();
  auto made =
      Cluster::make({.binaries = *binaries, .nodes = 3, .keep_files = std::getenv("VIPRA_KEEP") != nullptr});
  ASSERT_OK(made);
  cluster_ = std::move(*made);
  const auto ready = now();
  const auto archive = cluster_->lab().directory() / "vipra.tar";
  ASSERT_OK(write_vipra_image(VIPRA_BINARY_DIR "/bin", "test-1", archive));
  ASSERT_OK(cluster_->load_image(archive));
  std::printf("three nodes Ready after %.1f s, the image made and loaded in %.1f s\n",
              to_ms(ready - began) / 1000, to_ms(now() - ready) / 1000);

  const auto answers = probe({kFirst});
  const auto install = now();
  ASSERT_OK(helm("install", "test-1", {"--create-namespace"}));
  ASSERT_TRUE(wait_until([&] { return apply(vip("first", 1, kFirst)).has_value(); }, s{30}, ms{50}));
  ASSERT_TRUE(wait_until([&] { return answers->last_answer().has_value(); }, s{90}))
      << why_not_whole() << kubectl({"get", "pods", "-n", kNamespace})
      << kubectl({"logs", "-n", kNamespace, "-l", kAgentPods, "--all-containers", "--tail=50"});
  install_took_ = answers->last_answer()->at - install;
  std::printf("helm install to answering: %.1f s\n", to_ms(install_took_) / 1000);
}

Status VipraCluster::helm(const std::string& command, const std::string& tag,
                          const std::vector<std::string>& more) {
  std::vector<std::string> arguments{
      command,
      "vipra",
      VIPRA_SOURCE_DIR "/deploy/helm/vipra",
      "--namespace",
      kNamespace,
      "--set",
      std::string{"image.repository="} + kVipraRepository + ",image.tag=" + tag};
  arguments.insert(arguments.end(), values_.begin(), values_.end());
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto said = cluster_->helm(arguments);
  if (!said) return tl::unexpected{said.error()};
  return said->exit_status == 0 ? Status{} : fail(Errc::kIo, "helm " + command + ": " + said->out);
}

void VipraCluster::SetUp() {
  ASSERT_NE(cluster_, nullptr) << "nothing was installed";
  using Part = ApiServer::Part;
  for (const auto part : {Part::kEtcd, Part::kApi})
    if (!cluster_->api().running(part)) ASSERT_OK(cluster_->api().start_part(part));
  ASSERT_OK(cluster_->api().wait_ready(s{60}));
  for (std::size_t i = 0; i < cluster_->node_count(); ++i) {
    auto& node = cluster_->node(i);
    if (!node.station().powered()) ASSERT_OK(cluster_->power_on(node));
    ASSERT_OK(cluster_->uncordon(node.name()));
  }
  ASSERT_TRUE(whole_within(s{90})) << why_not_whole();
  kubectl({"delete", "virtualips", "--all"});
  const auto prefix_left = [] {
    for (const auto& node : cluster_->lab().node_names()) {
      const auto listed = cluster_->lab().node(node).addresses();
      if (!listed) continue;
      for (const auto& one : *listed)
        if (one.address.to_string().starts_with("10.99.0.1") && one.prefix_length == 32) return true;
    }
    return false;
  };
  ASSERT_TRUE(wait_until([&] { return !prefix_left(); }, s{20})) << "addresses of deleted VIPs stay";
}

void VipraCluster::TearDown() {
  if (!cluster_ || !HasFailure()) return;
  std::printf("%s\n", kubectl({"get", "virtualips", "-o", "yaml"}).c_str());
  std::printf("%s\n", kubectl({"get", "pods", "-A", "-o", "wide"}).c_str());
  for (const char* selector : {kAgentPods, kControllerPods})
    std::printf("%s\n", kubectl({"logs", "-n", kNamespace, "-l", selector, "--all-containers", "--prefix",
                                 "--tail=60"})
                            .c_str());
}

std::string VipraCluster::kubectl(const std::vector<std::string>& arguments, std::string_view input) {
  return said(cluster_->kubectl(arguments, input));
}

json VipraCluster::get(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{"get"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.insert(all.end(), {"-o", "json", "--request-timeout=5s"});
  auto parsed = json::parse(kubectl(all), nullptr, false);
  return parsed.is_discarded() ? json::object() : parsed;
}

json VipraCluster::status_of(const std::string& name) {
  return get({"virtualip", name}).value("status", json::object());
}

std::string VipraCluster::why_not_whole() {
  std::string why;
  std::set<std::string> agents;
  for (const auto& pod : get({"pods", "-n", kNamespace, "-l", kAgentPods}).value("items", json::array()))
    if (is_ready(pod)) agents.insert(pod["spec"].value("nodeName", ""));
  for (const auto& node : cluster_->lab().node_names()) {
    if (!cluster_->node_ready(node)) why += node + " is not Ready; ";
    if (!agents.contains(node)) why += "the agent's pod on " + node + " is not ready; ";
    const auto page =
        http("http://" + cluster_->node(node).station().facts().v4.to_string() + ":9112/readyz");
    if (!page.starts_with("200")) why += "control on " + node + " says " + page + "; ";
  }
  std::size_t controllers = 0;
  for (const auto& pod : get({"pods", "-n", kNamespace, "-l", kControllerPods}).value("items", json::array()))
    if (is_ready(pod)) ++controllers;
  if (controllers != 2) why += std::to_string(controllers) + " controllers are ready; ";
  if (why.empty() && leader().holder.empty()) why += "no controller leads; ";
  return why;
}

bool VipraCluster::whole_within(Duration within) {
  return wait_until([&] { return why_not_whole().empty(); }, within, ms{200});
}

VipraCluster::Leader VipraCluster::leader() {
  Leader out;
  out.holder =
      get({"lease", "vipra-controller", "-n", kNamespace}).value("/spec/holderIdentity"_json_pointer, "");
  for (const auto& pod :
       get({"pods", "-n", kNamespace, "-l", kControllerPods}).value("items", json::array())) {
    const auto name = pod["metadata"].value("name", "");
    if (!out.holder.starts_with(name)) continue;
    out.pod = name;
    out.node = pod["spec"].value("nodeName", "");
  }
  return out;
}

std::string VipraCluster::pod_on(const std::string& node) {
  for (const auto& pod : get({"pods", "-n", kNamespace, "-l", kAgentPods}).value("items", json::array()))
    if (pod["spec"].value("nodeName", "") == node && !pod["metadata"].contains("deletionTimestamp"))
      return pod["metadata"].value("name", "");
  return {};
}

std::vector<pid_t> VipraCluster::processes_on(const std::string& node, const std::string& program) {
  std::vector<pid_t> out;
  const auto group = cluster_->lab().id() + "/" + node;
  for (const pid_t pid : all_processes()) {
    const auto process = read_process(pid);
    if (process.argv.empty() || fs::path{process.argv[0]}.filename() != program) continue;
    if (read_file("/proc/" + std::to_string(pid) + "/cgroup").find(group) != std::string::npos)
      out.push_back(pid);
  }
  return out;
}

long VipraCluster::resident_kb(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/status");
  const auto at = text.find("VmRSS:");
  return at == std::string::npos ? 0 : std::strtol(text.c_str() + at + 6, nullptr, 10);
}

std::string VipraCluster::http(const std::string& url) {
  return said(cluster_->lab().client().run(
      {"python3", "-c",
       "import urllib.request as u, urllib.error as e\ntry: a = u.urlopen('" + url +
           "', timeout=3)\nexcept e.HTTPError as x: a = x\nprint(a.status, a.read().decode(), end='')"}));
}

std::unique_ptr<Probe> VipraCluster::probe(const std::vector<std::string>& addresses, Duration limit) {
  std::vector<IpAddress> targets;
  for (const auto& address : addresses) targets.push_back(*IpAddress::parse(address));
  auto made = cluster_->lab().probe(targets, {.limit = limit});
  if (!made) ADD_FAILURE() << made.error().what;
  return made ? std::move(*made) : nullptr;
}

std::string VipraCluster::vip(const std::string& name, int vrid, const std::string& addresses,
                              const std::vector<std::string>& preference, const std::string& more) {
  std::string text = "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: " + name +
                     "}\nspec:\n  addresses: [" + addresses +
                     "]\n  vrrp:\n    virtualRouterID: " + std::to_string(vrid) + "\n";
  int priority = 200;
  if (!preference.empty()) text += "    preemption: {policy: Immediate}\n    priorities:\n";
  for (const auto& node : preference) {
    text += "    - {nodeSelector: {matchLabels: {kubernetes.io/hostname: " + node +
            "}}, priority: " + std::to_string(priority) + "}\n";
    priority -= 20;
  }
  return text + more;
}

}  // namespace vipra::lab::kube
