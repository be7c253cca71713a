// A machine of a real cluster: kubelet, containerd with runc, CNI and kube-proxy on a station of the lab.
//
// All of it runs inside namespaces of the node's own: network (the station's), process ids, mounts, host
// name. Its first process is the machine's power: with it the kernel kills everything, pods and shims too,
// and every mount is gone. /var/lib, /var/log and /run are the node's own (the first two survive a crash, as
// a disk does), so hostPath volumes of two nodes never meet, and the host's containerd is never touched.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "lab/command.hpp"
#include "lab/kube/api_server.hpp"
#include "lab/kube/daemon.hpp"
#include "lab/node.hpp"

namespace vipra::lab::kube {

struct KubeNodeOptions {
  Binaries binaries;
  std::size_t number = 1;            // its pods are in 10.244.<number>.0/24
  std::filesystem::path kubeconfig;  // of system:node:<name>
  std::filesystem::path proxy_kubeconfig;
  std::filesystem::path client_ca;  // who may ask the kubelet
  std::filesystem::path pod_image;  // see write_pod_image()
};

enum class NodePart : std::uint8_t { kContainerd, kKubelet, kProxy };
// The name of the program.
[[nodiscard]] std::string_view to_string(NodePart part) noexcept;

// One thread at a time.
class KubeNode {
 public:
  using Part = NodePart;

  KubeNode(Node& node, const Place& place, KubeNodeOptions options);
  ~KubeNode();
  KubeNode(const KubeNode&) = delete;
  KubeNode& operator=(const KubeNode&) = delete;

  // Boots (after crash(): through Cluster::power_on()): returns when containerd has the pod image and the
  // kubelet runs. It is Ready some seconds later (Cluster::wait_ready). What was on the disk is there again.
  [[nodiscard]] Status start();
  // Switch port down, then everything is killed: processes, pods, mounts. Returns when nothing is left.
  [[nodiscard]] Status crash();

  // One program alone; pods go on. start_part() after kill() or stop().
  void stop(Part part);
  void kill(Part part);
  void signal(Part part, int number) const;
  [[nodiscard]] Status start_part(Part part) { return daemon(part).start(); }
  [[nodiscard]] std::filesystem::path log_path(Part part) const {
    return place_.directory / (std::string{to_string(part)} + ".log");
  }

  // An OCI or docker archive into this node's containerd.
  [[nodiscard]] Status load_image(const std::filesystem::path& archive);

  // A program with the node's own files, processes and network: {"ctr", "-n", "k8s.io", "tasks", "ls"}.
  [[nodiscard]] Result<CommandOutput> run(const std::vector<std::string>& argv, std::string_view input = {},
                                          Duration within = std::chrono::seconds{10}) const;
  // For people: opens a shell on the node.
  [[nodiscard]] std::string shell_command() const;
  // Where a path of the node is for us, e.g. file("/var/lib/vipra"); only while it has power.
  [[nodiscard]] std::filesystem::path file(const std::string& path_on_node) const;

  [[nodiscard]] Node& station() { return node_; }
  [[nodiscard]] const std::string& name() const { return node_.name(); }
  [[nodiscard]] std::string pod_range() const;

 private:
  [[nodiscard]] Daemon& daemon(Part part) const;
  [[nodiscard]] Status write_files() const;
  [[nodiscard]] Status boot();
  [[nodiscard]] Status start_containerd();
  [[nodiscard]] std::vector<std::string> inside(const std::vector<std::string>& argv) const;
  void end_everything();
  [[nodiscard]] std::string cgroup() const { return place_.lab_id + "/" + node_.name(); }

  Node& node_;
  Place place_;
  KubeNodeOptions options_;
  std::unique_ptr<Daemon> power_;
  pid_t init_ = -1;  // the first process of the node, as the host counts
  std::unique_ptr<Daemon> containerd_;
  std::unique_ptr<Daemon> kubelet_;
  std::unique_ptr<Daemon> proxy_;
};

}  // namespace vipra::lab::kube
