// What a seed decides before time begins: the nodes, the segment and the plan of faults. The plan can be
// printed, and run again with parts of it left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "plan/desired_state.hpp"
#include "tests/sim/clock.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/role.hpp"

namespace vipra::sim {

// Safety: many faults, all of them end. Liveness: some stay for good, and what is left healthy must come to
// rest all the same; uniform chance would hide a livelock of a lasting one-way cut.
enum class Mode : std::uint8_t { kSafety, kLiveness };
[[nodiscard]] std::string_view to_string(Mode mode) noexcept;

struct NodePlan {
  int priority = 100;
  Duration interval{};
  IpAddress primary_v4;
  IpAddress primary_v6;
  IpAddress global_v6;
  IpAddress member_primary;
  int clock_ppm = 0;
  plan::ChecksumMode checksum = plan::ChecksumMode::kAuto;
  vrrp::Version version = vrrp::Version::kV3;
  std::optional<vrrp::SimplePassword> password;
  std::uint32_t listed = ~std::uint32_t{0};  // nodes among its peers, where advertisements go by unicast
  WorldTime start{};

  [[nodiscard]] bool lists(NodeId node) const noexcept { return (listed >> node & 1U) != 0; }
};

// What one node of a version 2 segment is configured with: the others do not hear it, nor it them.
enum class Misfit : std::uint8_t { kOtherVersion, kOtherPassword, kOtherAuthentication, kOtherInterval };

struct Scenario {
  std::uint64_t seed = 0;
  Mode mode = Mode::kSafety;
  std::vector<NodePlan> nodes;
  bool v4 = true;
  bool v6 = false;  // follows IPv4 where both exist
  // It leads a group whose member is on the second segment, with the same priorities: where they are in
  // another order there, a cut of the first segment leaves two nodes that beat one another in turn
  // (docs/groups.md forbids it).
  bool group = false;
  int member_interval = 1;  // in intervals of the lead
  plan::Preemption preemption;
  vrrp::Version version = vrrp::Version::kV3;  // of all but a misfit
  std::optional<Misfit> misfit;
  plan::TransportMode transport = plan::TransportMode::kMulticast;
  bool global_peers = false;  // IPv6: lists name global addresses, which nodes do not multicast from
  // Of two ways, the one that faults hit: a node that is cut off from both has lost its peers, which other
  // faults do.
  vrrp::Path failing_path = vrrp::Path::kMulticast;
  int misses = 3;
  // Of the segment and the nodes without faults: the d and the J of the bounds.
  Duration least_delay{};
  Duration most_delay{};
  Duration most_lateness{};
  std::vector<Fault> faults;
  WorldTime end{};

  [[nodiscard]] plan::Transport transport_of(NodeId node, Role role) const;
  // Every node lists all the others.
  [[nodiscard]] bool lists_are_complete() const noexcept;
  [[nodiscard]] bool changes_a_primary() const noexcept;
  // Of an advertisement that reach each node, at least.
  [[nodiscard]] int copies() const noexcept {
    return transport == plan::TransportMode::kBoth && lists_are_complete() ? 2 : 1;
  }
  [[nodiscard]] bool dual() const noexcept { return v4 && v6; }
  [[nodiscard]] Role lead() const noexcept { return v4 ? Role::kIpv4 : Role::kIpv6; }
  // Every router of a node but the one that leads.
  [[nodiscard]] bool follows(Role role) const noexcept {
    return role == Role::kMember ? group : role == Role::kIpv6 && dual();
  }
  [[nodiscard]] Duration longest_interval() const noexcept;
  [[nodiscard]] Duration shortest_interval() const noexcept;
  [[nodiscard]] bool same_intervals() const noexcept;
  // The Active_Down_Interval of the lowest priority after the longest interval that any node can have
  // learned.
  [[nodiscard]] Duration longest_down_interval() const noexcept;
  // I6: from the end of the last fault to rest.
  [[nodiscard]] Duration convergence() const noexcept;
  // How many decisions may have to wait for one another where not everybody hears everybody.
  [[nodiscard]] int longest_chain() const noexcept;
};

// How long an announcement may be put off: evidence at most once a second, a neighbour advertisement of one
// address at most once a second, and the follow-up round a second later.
inline constexpr Duration kAnnouncementsAtRest = std::chrono::milliseconds{2200};

[[nodiscard]] Scenario draw_scenario(std::uint64_t seed, Mode mode);
// Once everything else is drawn.
void draw_faults(Random& random, Scenario& scenario);
[[nodiscard]] std::string describe(const Scenario& scenario);

// What a node's primary address is changed to.
[[nodiscard]] IpAddress another_primary(const IpAddress& primary);

// From the end of the last fault to the end of the run, so that everything owed is due before.
void set_end(Scenario& scenario);

}  // namespace vipra::sim
