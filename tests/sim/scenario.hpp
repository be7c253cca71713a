// What a seed decides before time begins: the nodes, the segment and the plan of faults. The plan can be
// printed, and run again with parts of it left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "plan/desired_state.hpp"
#include "tests/sim/clock.hpp"
#include "tests/sim/faults.hpp"
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
  IpAddress member_primary;
  int clock_ppm = 0;
  plan::ChecksumMode checksum = plan::ChecksumMode::kAuto;
  WorldTime start{};
};

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
  int misses = 3;
  // Of the segment and the nodes without faults: the d and the J of the bounds.
  Duration least_delay{};
  Duration most_delay{};
  Duration most_lateness{};
  std::vector<Fault> faults;
  WorldTime end{};

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
[[nodiscard]] std::string describe(const Scenario& scenario);

// From the end of the last fault to the end of the run, so that everything owed is due before.
void set_end(Scenario& scenario);

}  // namespace vipra::sim
