#include "lab/cluster_up.hpp"

#include <iostream>

#include "lab/end_signals.hpp"
#include "lab/kube/cluster.hpp"

namespace vipra::lab {
namespace {

int give_up(const Error& error) {
  std::cerr << "vipra-lab: " << error.what << "\n";
  return 1;
}

void describe(kube::Cluster& cluster) {
  std::cout << "The cluster is up. Its files: " << cluster.lab().directory().string()
            << "\n\nTo use it (as root):\n";
  const auto enter = [](const NetNamespace& net) { return "nsenter --net=" + net.path(); };
  std::cout << "  alias k='" << enter(cluster.control_plane().net()) << " "
            << cluster.binaries().program("kubectl")
            << " --kubeconfig=" << cluster.api().kubeconfig().string() << "'\n\nTo enter:\n";
  for (std::size_t i = 0; i < cluster.node_count(); ++i) {
    auto& node = cluster.node(i);
    std::cout << "  " << node.name() << " (" << node.station().facts().v4.to_string()
              << "): " << node.shell_command() << "\n";
  }
  const auto& client = cluster.lab().client();
  std::cout << "  " << client.name() << " (" << client.facts().v4.to_string() << "): " << enter(client.net())
            << " bash\n\nCtrl-C takes everything down." << '\n'
            << std::flush;
}

}  // namespace

int run_cluster_up(const ClusterUpOptions& options) {
  const EndSignals ends;

  auto binaries = options.binaries.empty() ? kube::Binaries::find(VIPRA_SOURCE_DIR, kube::Level::kCluster)
                                           : Result<kube::Binaries>{kube::Binaries{options.binaries}};
  if (!binaries) return give_up(binaries.error());
  auto cluster =
      kube::Cluster::make({.binaries = *binaries, .nodes = options.nodes, .keep_files = options.keep_files});
  if (!cluster) return give_up(cluster.error());
  for (const auto& image : options.images)
    if (const auto done = (*cluster)->load_image(image); !done) return give_up(done.error());
  describe(**cluster);
  ends.wait();
  std::cout << "\nTaking the cluster down." << '\n' << std::flush;
  return 0;
}

}  // namespace vipra::lab
