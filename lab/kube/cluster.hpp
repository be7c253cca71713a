// A real Kubernetes cluster in network namespaces of this machine: control plane (etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler) on a machine of its own, nodes with kubelet, containerd, runc, CNI
// and kube-proxy, and clients, all on the switch of a Lab. So everything of the lab works here too: probes,
// captures, cuts, watches of addresses. Two nodes are Ready in about 8 s.
//
//   auto cluster = Cluster::make({.binaries = *Binaries::find(VIPRA_SOURCE_DIR, Level::kCluster)});
//   (*cluster)->load_image(".../vipra.tar");
//   (*cluster)->api().apply(manifest);
//   auto probe = (*cluster)->lab().probe({*IpAddress::parse("10.99.0.100")});
//   (*cluster)->node("node-a").crash();
//
// Gone after the destructor, and also when the process dies of any signal. Several run side by side. Needs
// root, and the packages of `scripts/setup cluster`. One thread at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "lab/kube/api_server.hpp"
#include "lab/kube/kube_node.hpp"
#include "lab/lab.hpp"

namespace vipra::lab::kube {

struct ClusterOptions {
  Binaries binaries;
  std::size_t nodes = 2;    // node-a, node-b... at 10.99.0.1, .2...
  std::size_t clients = 1;  // client-1... at 10.99.0.201...; the control plane is the one after the last
  std::vector<UserOptions> users{};
  std::vector<std::string> api_flags{};
  bool keep_files = false;
};

class Cluster {
 public:
  // Returns when every node is Ready, or with what kept it from being so.
  [[nodiscard]] static Result<std::unique_ptr<Cluster>> make(ClusterOptions options);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] Lab& lab() { return *lab_; }
  [[nodiscard]] ApiServer& api() { return *api_; }
  [[nodiscard]] Station& control_plane() { return lab_->client(options_.clients); }
  [[nodiscard]] const Binaries& binaries() const noexcept { return options_.binaries; }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  [[nodiscard]] KubeNode& node(std::size_t index);
  [[nodiscard]] KubeNode& node(std::string_view name);

  // The words of kubectl (helm), as admin, run beside the API server.
  [[nodiscard]] Result<CommandOutput> kubectl(const std::vector<std::string>& arguments,
                                              std::string_view input = {},
                                              Duration within = std::chrono::seconds{60}) const {
    return api_->kubectl(arguments, input, within);
  }
  [[nodiscard]] Result<CommandOutput> helm(const std::vector<std::string>& arguments,
                                           Duration within = std::chrono::seconds{120}) const;

  // An OCI or docker archive onto every node that has power.
  [[nodiscard]] Status load_image(const std::filesystem::path& archive);
  // The node's condition Ready, as the API has it.
  [[nodiscard]] bool node_ready(const std::string& node) const;
  [[nodiscard]] Status wait_ready(const std::string& node, Duration within);
  // Evicts all pods but those of DaemonSets, and cordons; uncordon() is the way back.
  [[nodiscard]] Status drain(const std::string& node, Duration within = std::chrono::seconds{60});
  [[nodiscard]] Status uncordon(const std::string& node);
  // After crash(): boots, and waits for nothing.
  [[nodiscard]] Status power_on(KubeNode& node);

  [[nodiscard]] Daemon& controllers() { return *controllers_; }
  [[nodiscard]] Daemon& scheduler() { return *scheduler_; }
  // Ends of all logs, for a test that failed.
  [[nodiscard]] std::string last_words() const;

 private:
  explicit Cluster(ClusterOptions options);
  [[nodiscard]] Status build();
  [[nodiscard]] Status start_control_plane();
  [[nodiscard]] Status make_nodes();
  [[nodiscard]] Status add_routes(const Station& station, std::size_t own_number) const;
  [[nodiscard]] Status must_kubectl(const std::vector<std::string>& arguments, Duration within) const;

  ClusterOptions options_;
  std::unique_ptr<Lab> lab_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<Daemon> controllers_;
  std::unique_ptr<Daemon> scheduler_;
  std::vector<std::unique_ptr<KubeNode>> nodes_;
};

}  // namespace vipra::lab::kube
