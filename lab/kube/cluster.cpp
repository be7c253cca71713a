#include "lab/kube/cluster.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "lab/cgroup.hpp"
#include "lab/clock.hpp"
#include "lab/kube/files.hpp"
#include "lab/kube/image.hpp"

namespace vipra::lab::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kReadyTime{90};
constexpr const char* kControllers = "system:kube-controller-manager";
constexpr const char* kScheduler = "system:kube-scheduler";
constexpr const char* kProxy = "system:kube-proxy";

std::string user_of(const std::string& node) {
  return "system:node:" + node;
}

}  // namespace

Cluster::Cluster(ClusterOptions options) : options_{std::move(options)} {}

Cluster::~Cluster() {
  nodes_.clear();  // kubelets first, or they start again what dies
  scheduler_.reset();
  controllers_.reset();
  api_.reset();
  if (lab_) remove_cgroups(lab_->id());
}

Result<std::unique_ptr<Cluster>> Cluster::make(ClusterOptions options) {
  std::unique_ptr<Cluster> made{new Cluster{std::move(options)}};
  if (const auto done = made->build(); !done) return tl::unexpected{done.error()};
  return made;
}

Status Cluster::build() {
  auto lab = Lab::make(
      {.nodes = options_.nodes, .clients = options_.clients + 1, .keep_files = options_.keep_files});
  if (!lab) return tl::unexpected{lab.error()};
  lab_ = std::move(*lab);
  if (const auto done = prepare_cgroups(lab_->id()); !done) return done;
  if (const auto done = start_control_plane(); !done) return done;
  if (const auto done = make_nodes(); !done) return done;
  for (const auto& node : nodes_)
    if (const auto done = node->start(); !done) return done;
  for (const auto& node : nodes_)
    if (const auto done = wait_ready(node->name(), kReadyTime); !done) return done;
  // Before its account is there no pod can be made.
  const auto account = [&] {
    const auto said = kubectl({"get", "serviceaccount", "default", "--namespace=default"}, {}, seconds{10});
    return said && said->exit_status == 0;
  };
  if (!wait_until(account, kReadyTime, milliseconds{100}))
    return fail(Errc::kTimeout, "the controllers make no service accounts: " + last_words());
  return {};
}

Status Cluster::start_control_plane() {
  auto& station = control_plane();
  if (const auto done = add_routes(station, 0); !done) return done;
  const Place place{lab_->spawner(), station.net(), lab_->directory() / "control-plane", lab_->id()};
  ApiServerOptions api{.binaries = options_.binaries,
                       .users = options_.users,
                       .addresses = {station.facts().v4, station.facts().v6},
                       .api_flags = options_.api_flags};
  for (const char* name : {kControllers, kScheduler, kProxy}) api.users.push_back({name, {}});
  for (const auto& node : lab_->node_names()) api.users.push_back({user_of(node), {"system:nodes"}});
  auto started = ApiServer::start_in(place, std::move(api));
  if (!started) return tl::unexpected{started.error()};
  api_ = std::move(*started);

  // One of each: nobody to elect a leader with, and a start must not wait for an old Lease. A node is
  // NotReady 20 s after its last sign, sooner than by default, because tests wait for it.
  const auto folder = place.directory;
  const auto controllers = api_->kubeconfig(kControllers).string();
  controllers_ = std::make_unique<Daemon>(
      place, "kube-controller-manager",
      std::vector<std::string>{
          options_.binaries.program("kube-controller-manager"), "--kubeconfig=" + controllers,
          "--authentication-kubeconfig=" + controllers, "--authorization-kubeconfig=" + controllers,
          "--bind-address=127.0.0.1", "--cert-dir=" + (folder / "generated").string(),
          "--service-account-private-key-file=" + (folder / "accounts.key").string(),
          "--root-ca-file=" + api_->ca_path().string(), "--use-service-account-credentials",
          "--leader-elect=false", "--node-monitor-period=2s", "--node-monitor-grace-period=20s"});
  const auto scheduler = api_->kubeconfig(kScheduler).string();
  scheduler_ = std::make_unique<Daemon>(
      place, "kube-scheduler",
      std::vector<std::string>{options_.binaries.program("kube-scheduler"), "--kubeconfig=" + scheduler,
                               "--authentication-kubeconfig=" + scheduler,
                               "--authorization-kubeconfig=" + scheduler, "--bind-address=127.0.0.1",
                               "--cert-dir=" + (folder / "generated").string(), "--leader-elect=false"});
  if (const auto done = controllers_->start(); !done) return done;
  return scheduler_->start();
}

Status Cluster::make_nodes() {
  const auto image = lab_->directory() / "pod.tar";
  if (const auto done = write_pod_image(image); !done) return done;
  for (std::size_t i = 0; i < options_.nodes; ++i) {
    auto& station = lab_->node(i);
    if (const auto done = add_routes(station, i + 1); !done) return done;
    const Place place{lab_->spawner(), station.net(), station.directory(), lab_->id()};
    nodes_.push_back(
        std::make_unique<KubeNode>(station, place,
                                   KubeNodeOptions{.binaries = options_.binaries,
                                                   .number = i + 1,
                                                   .kubeconfig = api_->kubeconfig(user_of(station.name())),
                                                   .proxy_kubeconfig = api_->kubeconfig(kProxy),
                                                   .client_ca = api_->ca_path(),
                                                   .pod_image = image}));
  }
  return {};
}

// Pods of the other nodes, and a default route: what goes to a Service's address needs some route before it
// is translated.
Status Cluster::add_routes(const Station& station, std::size_t own_number) const {
  std::string commands = "route replace default via " + lab_->network().control_v4().to_string() + "\n";
  for (std::size_t i = 0; i < options_.nodes; ++i) {
    if (i + 1 == own_number) continue;
    commands += "route replace 10.244." + std::to_string(i + 1) + ".0/24 via " +
                lab_->node(i).facts().v4.to_string() + "\n";
  }
  return must_run(station.net(), {"ip", "-batch", "-"}, commands);
}

KubeNode& Cluster::node(std::size_t index) {
  VIPRA_CHECK(index < nodes_.size());
  return *nodes_[index];
}

KubeNode& Cluster::node(std::string_view name) {
  const auto it =
      std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& node) { return node->name() == name; });
  VIPRA_CHECK(it != nodes_.end());
  return **it;
}

Result<CommandOutput> Cluster::helm(const std::vector<std::string>& arguments, Duration within) const {
  std::vector<std::string> command{"/usr/bin/env",
                                   "-i",
                                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                   "HOME=" + api_->directory().string(),
                                   "KUBECONFIG=" + api_->kubeconfig().string(),
                                   options_.binaries.program("helm")};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_command(lab_->client(options_.clients).net(), command, {}, within);
}

Status Cluster::load_image(const std::filesystem::path& archive) {
  for (const auto& node : nodes_) {
    if (!node->station().powered()) continue;
    if (const auto done = node->load_image(archive); !done) return done;
  }
  return {};
}

bool Cluster::node_ready(const std::string& node) const {
  const auto said =
      kubectl({"get", "node", node, "-o", R"(jsonpath={.status.conditions[?(@.type=="Ready")].status})"}, {},
              seconds{10});
  return said && said->out == "True";
}

Status Cluster::wait_ready(const std::string& node, Duration within) {
  if (wait_until([&] { return node_ready(node); }, within, milliseconds{100})) return {};
  const auto said = kubectl({"describe", "node", node});
  return fail(Errc::kTimeout,
              node + " is not Ready: " + (said ? said->out : said.error().what) + "\n" + last_words());
}

Status Cluster::must_kubectl(const std::vector<std::string>& arguments, Duration within) const {
  const auto said = kubectl(arguments, {}, within);
  if (!said) return tl::unexpected{said.error()};
  if (said->exit_status != 0) return fail(Errc::kIo, "kubectl " + arguments.front() + ": " + said->out);
  return {};
}

Status Cluster::drain(const std::string& node, Duration within) {
  return must_kubectl({"drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force"}, within);
}

Status Cluster::uncordon(const std::string& node) {
  return must_kubectl({"uncordon", node}, seconds{30});
}

Status Cluster::power_on(KubeNode& node) {
  if (const auto done = node.station().power_on(); !done) return done;
  const auto number = static_cast<std::size_t>(
      std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& one) { return one.get() == &node; }) -
      nodes_.begin());
  if (const auto done = add_routes(node.station(), number + 1); !done) return done;
  return node.start();
}

std::string Cluster::last_words() const {
  std::string words;
  for (const auto* daemon : {controllers_.get(), scheduler_.get()})
    if (daemon != nullptr) words += daemon->last_words() + "\n";
  for (const auto& node : nodes_)
    for (const auto part : {KubeNode::Part::kContainerd, KubeNode::Part::kKubelet, KubeNode::Part::kProxy})
      words += node->name() + " " + end_of_file(node->log_path(part)) + "\n";
  return words;
}

}  // namespace vipra::lab::kube
