// A virtual router of somebody else's on a node of the lab: Debian's keepalived, or FRR's zebra and vrrpd.
// Each runs in the node's network namespace and in a mount namespace of its own with an empty /run and
// /var/tmp, so that any number of them run side by side, the host's configuration is not read and nothing of
// them is left. Their configuration and what they print are in the node's folder. As Debian 12 has them
// (keepalived 2.2.7, FRR 8.4.4), both know one form of the version 3 checksum over IPv4 only, that with the
// pseudo-header.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "lab/child.hpp"
#include "lab/lab.hpp"
#include "lab/node.hpp"

namespace vipra::lab {

// What the peer is told, in the same words for both programs.
struct PeerDefinition {
  int version = 3;
  int virtual_router_id = 51;
  int priority = 100;
  std::chrono::milliseconds interval{1000};
  std::vector<std::string> addresses{"10.99.0.100"};  // of one family; for IPv6 the link-local one first
  bool preempt = true;
  std::string password{};    // version 2; keepalived only
  bool virtual_mac = false;  // keepalived only (vrrpd always has it)
};

// Whether the programs are installed (scripts/setup test).
[[nodiscard]] bool have_keepalived();
[[nodiscard]] bool have_frr();

// One thread at a time. Must not outlive its lab.
class Peer {
 public:
  [[nodiscard]] static Result<Peer> start_keepalived(Lab& lab, Node& node, const PeerDefinition& definition);
  // Makes the macvlan device with the virtual MAC address that vrrpd wants, as FRR's manual says.
  [[nodiscard]] static Result<Peer> start_frr(Lab& lab, Node& node, const PeerDefinition& definition);
  Peer(Peer&& other) noexcept;
  Peer& operator=(Peer&& other) noexcept;
  ~Peer();

  // SIGTERM: it resigns, as a planned stop does.
  [[nodiscard]] Status stop(Duration within = std::chrono::seconds{10});
  // SIGKILL to all its processes: silence, with the addresses left where they are.
  void kill() noexcept;
  [[nodiscard]] bool running() { return child_.running(); }
  [[nodiscard]] std::string log_text() const;

 private:
  Peer(Child child, std::filesystem::path log) : child_{std::move(child)}, log_{std::move(log)} {}
  [[nodiscard]] static Result<Peer> execute(Lab& lab, Node& node, const char* name, const std::string& script,
                                            const std::string& configuration);

  Child child_;
  pid_t group_ = -1;  // all its processes
  std::filesystem::path log_;
};

}  // namespace vipra::lab
