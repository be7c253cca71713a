// A whole network in one object: a switch, N nodes, clients, all in network namespaces made here. Nothing
// touches the host's own interfaces. Several labs run side by side. Everything is gone after the destructor,
// and also when the process dies of any signal.
//
//   auto lab = Lab::make({.nodes = 3});                      // Result<std::unique_ptr<Lab>>
//   (*lab)->write_definition("web.yaml", VipDefinition{...}.yaml());
//   (*lab)->start_agents({.binary = ".../vipra-agent"});
//   auto probe = (*lab)->probe({*IpAddress::parse("10.99.0.100")});
//   (*lab)->node("node-a").crash();
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "lab/address_watch.hpp"
#include "lab/capture.hpp"
#include "lab/child.hpp"
#include "lab/clock.hpp"
#include "lab/definition.hpp"
#include "lab/node.hpp"
#include "lab/probe.hpp"
#include "lab/spawner.hpp"
#include "lab/station.hpp"
#include "lab/switch.hpp"
#include "lab/timeline.hpp"
#include "lab/workspace.hpp"

namespace vipra::lab {

struct LabOptions {
  std::size_t nodes = 3;            // 1..26: node-a, node-b... at 10.99.0.1, .2...
  std::size_t clients = 1;          // 0..20: client-1... at 10.99.0.201...
  bool multicast_snooping = false;  // of the switch
  bool keep_files = false;          // logs stay; directory() says where
};

// True if this process may build labs (CAP_SYS_ADMIN and CAP_NET_ADMIN in the host's namespaces).
[[nodiscard]] bool may_build_labs();

class Lab {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Lab>> make(const LabOptions& options = {});
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const { return workspace_->directory(); }
  [[nodiscard]] const std::string& id() const { return workspace_->id(); }
  [[nodiscard]] Switch& network() { return *switch_; }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  [[nodiscard]] Node& node(std::size_t index);
  [[nodiscard]] Node& node(std::string_view name);
  [[nodiscard]] Station& client(std::size_t index = 0);
  [[nodiscard]] std::vector<std::string> node_names() const;

  // For long-lived programs of somebody else's on the lab's machines.
  [[nodiscard]] Spawner& spawner() { return spawner_; }

  // To, and from, every node.
  [[nodiscard]] Status write_definition(std::string_view file_name, std::string_view text);
  [[nodiscard]] Status remove_definition(std::string_view file_name);
  [[nodiscard]] Status start_agents(const AgentOptions& options);

  // Nodes whose kernel has the address now (crashed nodes do not count).
  [[nodiscard]] std::vector<std::string> owners(const IpAddress& address) const;
  // Waits for exactly one owner; its name, or kTimeout with what was there.
  [[nodiscard]] Result<std::string> wait_for_owner(const IpAddress& address, Duration within) const;
  [[nodiscard]] bool wait_for_owner(const IpAddress& address, const std::string& node, Duration within) const;

  // From client 0, with the switch as control.
  [[nodiscard]] Result<std::unique_ptr<Probe>> probe(const std::vector<IpAddress>& targets,
                                                     const ProbeOptions& options = {});
  [[nodiscard]] Result<std::unique_ptr<Capture>> capture(const CaptureOptions& options = {});
  [[nodiscard]] Result<std::unique_ptr<AddressWatch>> watch_addresses() const;
  [[nodiscard]] Timeline& timeline() { return timeline_; }

 private:
  Lab();
  [[nodiscard]] Status build(const LabOptions& options);
  [[nodiscard]] Result<NetNamespace> make_station(const StationFacts& facts);

  Timeline timeline_;
  std::unique_ptr<Workspace> workspace_;
  Spawner spawner_;
  std::unique_ptr<Switch> switch_;
  Child control_;  // the switch's responder
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Station>> clients_;
};

}  // namespace vipra::lab
