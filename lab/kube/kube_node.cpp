#include "lab/kube/kube_node.hpp"

#include <signal.h>

#include <system_error>

#include "lab/cgroup.hpp"
#include "lab/clock.hpp"
#include "lab/kube/files.hpp"
#include "lab/kube/fresh_network.hpp"
#include "lab/kube/node_files.hpp"
#include "lab/processes.hpp"

namespace vipra::lab::kube {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kBootTime{30};  // a loaded machine included
constexpr const char* kSocket = "/run/containerd/containerd.sock";

std::string first_line(const fs::path& path) {
  const auto text = read_file(path);
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string_view to_string(NodePart part) noexcept {
  switch (part) {
    case NodePart::kContainerd:
      return "containerd";
    case NodePart::kKubelet:
      return "kubelet";
    case NodePart::kProxy:
      break;
  }
  return "kube-proxy";
}

KubeNode::KubeNode(Node& node, const Place& place, KubeNodeOptions options)
    : node_{node}, place_{place}, options_{std::move(options)} {}

KubeNode::~KubeNode() {
  end_everything();
}

std::string KubeNode::pod_range() const {
  return "10.244." + std::to_string(options_.number) + ".0/24";
}

Daemon& KubeNode::daemon(Part part) const {
  switch (part) {
    case Part::kContainerd:
      return *containerd_;
    case Part::kKubelet:
      return *kubelet_;
    case Part::kProxy:
      break;
  }
  return *proxy_;
}

Status KubeNode::write_files() const {
  const auto& folder = place_.directory;
  const NodeFacts facts{.name = name(),
                        .folder = folder,
                        .pod_range = pod_range(),
                        .client_ca = options_.client_ca,
                        .proxy_kubeconfig = options_.proxy_kubeconfig,
                        .overlay = first_line(folder / "snapshotter") == "overlay"};
  for (const char* name : {"cni", "static"})
    if (const auto done = make_folder(folder / name); !done) return done;
  for (const auto& [name, text] :
       {std::pair<const char*, std::string>{"containerd.toml", containerd_config(facts)},
        {"cni/10-lab.conflist", cni_config(facts)},
        {"kubelet.yaml", kubelet_config(facts)},
        {"proxy.yaml", proxy_config(facts)},
        {"resolv.conf", ""}})
    if (const auto done = write_file(folder / name, text); !done) return done;
  return {};
}

Status KubeNode::boot() {
  const auto& folder = place_.directory;
  std::error_code ignored;
  fs::remove(folder / "up", ignored);
  power_ = std::make_unique<Daemon>(
      place_, "power",
      std::vector<std::string>{"/usr/bin/unshare", "--mount", "--propagation=private", "--uts", "--pid",
                               "--fork", "--kill-child=SIGKILL", "--mount-proc", "/bin/bash", "-c", kInit,
                               "node-init", folder.string(), name(), cgroup(), kSecondInit});
  if (const auto done = power_->start(); !done) return done;
  const bool up = wait_until([&] { return fs::exists(folder / "up") || !power_->running(); }, kBootTime);
  const auto tree = process_tree(power_->pid());
  if (!up || !power_->running() || tree.size() < 2)
    return fail(Errc::kIo, name() + " does not boot: " + power_->last_words());
  init_ = tree[1].pid;
  return {};
}

std::vector<std::string> KubeNode::inside(const std::vector<std::string>& argv) const {
  // Not `ip netns exec`: that would mount a new /sys, in which the kubelet finds no control groups.
  std::vector<std::string> command{"/usr/bin/nsenter",
                                   "--target",
                                   std::to_string(init_),
                                   "--mount",
                                   "--uts",
                                   "--pid",
                                   "--cgroup",
                                   "--",
                                   "/bin/sh",
                                   "-c",
                                   kJoin,
                                   "join"};
  command.insert(command.end(), argv.begin(), argv.end());
  return command;
}

Status KubeNode::start() {
  if (init_ > 0) return fail(Errc::kConflict, name() + " runs already");
  if (const auto done = make_folder(place_.directory); !done) return done;
  // A namespace inherits the host's setting, which may be any.
  if (const auto done = set_sysctl(node_.net(), "ipv4/ip_forward", "1"); !done) return done;
  if (const auto done = forget_filters_and_connections(node_.net()); !done) return done;
  if (const auto done = boot(); !done) return done;
  if (const auto done = write_files(); !done) return done;
  const auto folder = place_.directory.string();
  containerd_ = std::make_unique<Daemon>(place_, "containerd",
                                         inside({"containerd", "--config", folder + "/containerd.toml"}));
  kubelet_ = std::make_unique<Daemon>(
      place_, "kubelet",
      inside({options_.binaries.program("kubelet"), "--config=" + folder + "/kubelet.yaml",
              "--kubeconfig=" + options_.kubeconfig.string(), "--cert-dir=/var/lib/kubelet/pki",
              "--hostname-override=" + name(), "--node-ip=" + node_.facts().v4.to_string()}));
  proxy_ = std::make_unique<Daemon>(
      place_, "kube-proxy",
      inside({options_.binaries.program("kube-proxy"), "--config=" + folder + "/proxy.yaml"}));
  if (const auto done = start_containerd(); !done) return done;
  if (const auto done = kubelet_->start(); !done) return done;
  return proxy_->start();
}

Status KubeNode::start_containerd() {
  if (const auto done = containerd_->start(); !done) return done;
  const auto answers = [&] {
    const auto said = run({"ctr", "--connect-timeout", "1s", "version"});
    return said && said->exit_status == 0;
  };
  const bool up =
      wait_until([&] { return !containerd_->running() || (fs::exists(file(kSocket)) && answers()); },
                 kBootTime, milliseconds{20});
  if (!up || !containerd_->running())
    return fail(Errc::kIo, "containerd of " + name() + " does not serve: " + containerd_->last_words());
  return load_image(options_.pod_image);
}

Status KubeNode::load_image(const fs::path& archive) {
  const auto snapshotter = first_line(place_.directory / "snapshotter") == "overlay" ? "overlayfs" : "native";
  const auto said =
      run({"ctr", "-n", "k8s.io", "images", "import", "--snapshotter", snapshotter, archive.string()}, {},
          std::chrono::minutes{2});
  if (!said) return tl::unexpected{said.error()};
  if (said->exit_status != 0)
    return fail(Errc::kIo, "import " + archive.string() + " on " + name() + ": " + said->out);
  return {};
}

// With the first process the kernel ends all others of the node. That one is reaped, by `power_`, only when
// they are dead; so its end is waited for and not hastened.
void KubeNode::end_everything() {
  if (init_ > 0) {
    ::kill(init_, SIGKILL);
    [[maybe_unused]] const bool gone = wait_until([&] { return !power_->running(); }, seconds{10});
  }
  init_ = -1;
  for (auto* daemon : {&kubelet_, &containerd_, &proxy_, &power_})
    if (*daemon) (*daemon)->kill();
  remove_cgroups(cgroup());
}

Status KubeNode::crash() {
  if (const auto done = node_.cut_link(); !done) return done;
  end_everything();
  return node_.crash();
}

void KubeNode::signal(Part part, int number) const {
  // The program is the child of the nsenter that brought it in.
  for (const auto& process : process_tree(daemon(part).pid()))
    if (process.pid != daemon(part).pid()) ::kill(process.pid, number);
}

void KubeNode::stop(Part part) {
  signal(part, SIGTERM);
  if (!wait_until([&] { return !daemon(part).running(); }, seconds{10})) kill(part);
}

void KubeNode::kill(Part part) {
  signal(part, SIGKILL);
  daemon(part).kill();
}

Result<CommandOutput> KubeNode::run(const std::vector<std::string>& argv, std::string_view input,
                                    Duration within) const {
  if (init_ <= 0) return fail(Errc::kConflict, name() + " is without power");
  return run_command(node_.net(), inside(argv), input, within);
}

std::string KubeNode::shell_command() const {
  return "nsenter --target " + std::to_string(init_) + " --net --mount --uts --pid bash";
}

fs::path KubeNode::file(const std::string& path_on_node) const {
  return "/proc/" + std::to_string(init_) + "/root" + path_on_node;
}

}  // namespace vipra::lab::kube
