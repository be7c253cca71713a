#include "lab/up.hpp"

#include <iostream>

#include "lab/end_signals.hpp"
#include "lab/lab.hpp"

namespace vipra::lab {
namespace {

void describe(Lab& lab) {
  std::cout << "The lab is up. Its files: " << lab.directory().string() << "\n\nTo enter (as root):\n";
  const auto line = [](const std::string& name, const std::string& address, const NetNamespace& net) {
    std::cout << "  " << name << " (" << address << "): nsenter --net=" << net.path() << " bash\n";
  };
  for (std::size_t i = 0; i < lab.node_count(); ++i)
    line(lab.node(i).name(), lab.node(i).facts().v4.to_string(), lab.node(i).net());
  line(lab.client().name(), lab.client().facts().v4.to_string(), lab.client().net());
  line("switch", lab.network().control_v4().to_string(), lab.network().net());
  std::cout << "\nDefinitions go into " << (lab.directory() / "node-*/definitions").string()
            << "\nCtrl-C takes everything down." << '\n'
            << std::flush;
}

}  // namespace

int run_up(const UpOptions& options) {
  const EndSignals ends;

  auto lab = Lab::make({.nodes = options.nodes, .keep_files = options.keep_files});
  if (!lab) {
    std::cerr << "vipra-lab: " << lab.error().what << "\n";
    return 1;
  }
  if (!options.agent.empty()) {
    if (const auto done = (*lab)->start_agents({.binary = options.agent}); !done) {
      std::cerr << "vipra-lab: " << done.error().what << "\n";
      return 1;
    }
  }
  describe(**lab);
  ends.wait();
  std::cout << "\nTaking the lab down." << '\n' << std::flush;
  return 0;
}

}  // namespace vipra::lab
