// The plan of faults: which, when, for how long, where.
#include <algorithm>
#include <array>
#include <utility>

#include "tests/sim/random.hpp"
#include "tests/sim/scenario.hpp"

namespace vipra::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::array kMembersKinds{FaultKind::kMemberCut,      FaultKind::kMemberSplit,
                                   FaultKind::kMemberLinkDown, FaultKind::kMemberSocketFails,
                                   FaultKind::kMemberWorsened, FaultKind::kMemberCheckFails};
// What a group exists for: these, and a cut of its lead's segment alone.
constexpr std::array kGroupsKinds{FaultKind::kSplit,
                                  FaultKind::kSplit,
                                  FaultKind::kCut,
                                  FaultKind::kMulticastFilter,
                                  FaultKind::kMemberSplit,
                                  FaultKind::kMemberLinkDown,
                                  FaultKind::kMemberSocketFails,
                                  FaultKind::kMemberWorsened,
                                  FaultKind::kMemberCheckFails};

bool is_members(FaultKind kind) {
  return std::find(kMembersKinds.begin(), kMembersKinds.end(), kind) != kMembersKinds.end();
}

// A fault of one way is one of a way that is used, mostly.
FaultKind draw_kind(Random& random, const Scenario& scenario) {
  const bool group = scenario.group;
  if (group && random.chance(50)) return kGroupsKinds[random.below(kGroupsKinds.size())];
  // What two ways are for.
  if (scenario.transport == plan::TransportMode::kBoth && random.chance(25))
    return FaultKind::kMulticastFilter;
  for (;;) {
    const auto kind = static_cast<FaultKind>(random.below(kFaultKinds));
    if (kind != FaultKind::kClockRate && (group || !is_members(kind))) return kind;
  }
}

std::uint32_t some_nodes(Random& random, std::size_t count) {
  const auto all = (1U << count) - 1;
  return 1U + static_cast<std::uint32_t>(random.below(all));
}

int amount_of(Random& random, FaultKind kind, Duration unit) {
  const auto microseconds = [&](Duration most) {
    return static_cast<int>(random.between(unit / 100, most).count() / 1000) + 1;
  };
  switch (kind) {
    case FaultKind::kLoss:
      return random.chance(50) ? random.between(1, 10) : random.between(10, 90);
    case FaultKind::kBurstLoss:
    case FaultKind::kCorrupt:
    case FaultKind::kDuplicate:
      return random.between(5, 90);
    case FaultKind::kDelay:
    case FaultKind::kJitter:
      return microseconds(unit * 2);
    case FaultKind::kReorder:
      return microseconds(unit / 4);
    case FaultKind::kForeignPeer:
      return random.between(0, static_cast<int>(kForeigns) - 1);
    case FaultKind::kResignationFlood:
    case FaultKind::kLosingFlood:
      return random.between(6, 30);
    case FaultKind::kSpeakerCrash:
      return random.between(1, 40);
    case FaultKind::kWorsened:
    case FaultKind::kMemberWorsened:
    case FaultKind::kBettered:
      return random.between(5, 200);
    case FaultKind::kReconfigured:
    case FaultKind::kStrangerClaims:
    case FaultKind::kLinkFlap:
      return random.between(0, 2);
    default:
      return 0;
  }
}

FaultKind for_transport(Random& random, const Scenario& scenario, FaultKind kind) {
  if (!is_of_a_path(kind)) return kind;
  const bool group = random.chance(50);
  switch (scenario.transport) {
    case plan::TransportMode::kMulticast:
      return kind == FaultKind::kUnicastFilter ? FaultKind::kMulticastFilter : kind;
    case plan::TransportMode::kUnicast:
      return random.chance(70) ? FaultKind::kUnicastFilter : kind;
    case plan::TransportMode::kBoth:
      break;
  }
  return scenario.failing_path == vrrp::Path::kUnicast ? FaultKind::kUnicastFilter
         : group                                       ? FaultKind::kGroupPruned
                                                       : FaultKind::kMulticastFilter;
}

// Whom nobody listens to on this way, and what another way makes good.
bool is_spared(const Scenario& scenario, const Fault& fault) {
  using plan::TransportMode;
  const bool unicast_alone = scenario.transport == TransportMode::kUnicast;
  switch (fault.kind) {
    case FaultKind::kMulticastFilter:
    case FaultKind::kGroupPruned:
      return unicast_alone || (scenario.transport == TransportMode::kBoth && scenario.lists_are_complete());
    case FaultKind::kUnicastFilter:
      return !unicast_alone;
    case FaultKind::kResignationFlood:
    case FaultKind::kLosingFlood:
      return unicast_alone;
    case FaultKind::kForeignPeer: {
      const auto kind = static_cast<Foreign>(fault.amount);
      if (unicast_alone) return kind != Foreign::kSameSource;
      return kind == Foreign::kOtherInterval && scenario.version == vrrp::Version::kV2;
    }
    default:
      return false;
  }
}

// Most of what happens to a node matters most where it is master.
bool may_hit_master(FaultKind kind) {
  return kind >= FaultKind::kPause && kind != FaultKind::kRollingRestart && kind != FaultKind::kLateJoin &&
         kind != FaultKind::kBettered;
}

Fault draw_fault(Random& random, const Scenario& scenario, FaultKind kind, WorldTime begin) {
  const auto count = scenario.nodes.size();
  const auto unit = scenario.longest_interval();
  Fault fault;
  fault.kind = kind;
  fault.begin = begin;
  fault.a = static_cast<NodeId>(random.below(count));
  fault.b = static_cast<NodeId>((fault.a + 1 + random.below(count - 1)) % count);
  fault.mask = some_nodes(random, count);
  fault.at_master = random.chance(60) && may_hit_master(kind);
  fault.amount = amount_of(random, kind, scenario.shortest_interval());
  fault.spared = is_spared(scenario, fault);
  // Long enough to have consequences, or too short for them; a crash is also over before anybody notices.
  fault.length = random.chance(60) ? random.between(unit * 2, unit * 8) : random.between(unit / 10, unit * 2);
  if ((class_of(fault) == FaultClass::kTopology || is_of_a_path(kind)) && random.chance(60))
    fault.length = scenario.convergence() + random.between(unit, unit * 3);
  if (kind == FaultKind::kSplit || kind == FaultKind::kMemberSplit) {
    const auto all = (1U << count) - 1;
    if (fault.mask == all) fault.mask = 1;
  }
  if (kind == FaultKind::kDeepQueue) fault.length = random.between(unit / 10, unit * scenario.misses);
  if (kind == FaultKind::kKernelRefuses && random.chance(50)) fault.length = unit * 10;
  if (kind == FaultKind::kRollingRestart)
    fault.length = (scenario.convergence() + 150ms) * static_cast<int>(count);
  return fault;
}

}  // namespace

void draw_faults(Random& random, Scenario& scenario) {
  const auto unit = scenario.longest_interval();
  const bool one_by_one = random.chance(55);
  const int count = one_by_one ? random.between(1, 4) : random.between(2, 9);
  auto at = WorldTime{scenario.convergence() + unit};
  bool rolled = false;
  for (int i = 0; i < count; ++i) {
    const auto kind = for_transport(random, scenario, draw_kind(random, scenario));
    if (kind == FaultKind::kRollingRestart && std::exchange(rolled, true)) continue;
    const auto begin =
        one_by_one ? at + random.between(Duration{}, unit * 2) : at + random.between(Duration{}, unit * 20);
    auto fault = draw_fault(random, scenario, kind, begin);
    if (!one_by_one && i > 0 && !scenario.faults.empty() && random.chance(30)) {
      // Right after another one, at the same node: into the middle of what that one has begun.
      const auto& other = scenario.faults.back();
      fault.begin = other.begin + random.between(Duration{}, 30ms);
      fault.a = other.a;
      fault.at_master = false;
    }
    if (kind == FaultKind::kLateJoin &&
        std::any_of(scenario.faults.begin(), scenario.faults.end(),
                    [&](const Fault& other) { return other.kind == kind && other.a == fault.a; }))
      continue;
    const bool hands_over = kind == FaultKind::kRelease || kind == FaultKind::kStandsAside;
    if (hands_over && random.chance(50)) {
      auto lost = draw_fault(random, scenario, FaultKind::kLostResignation, begin);
      lost.length = fault.length;
      scenario.faults.push_back(lost);
    }
    const bool lasts =
        class_of(fault) == FaultClass::kTopology || is_of_a_path(kind) || kind == FaultKind::kPowerLoss ||
        kind == FaultKind::kAgentKilled || kind == FaultKind::kRelease || kind == FaultKind::kPause ||
        kind == FaultKind::kSelfEcho || kind == FaultKind::kCheckFails || kind == FaultKind::kStandsAside ||
        kind == FaultKind::kWorsened || (is_members(kind) && class_of(fault) == FaultClass::kMomentary);
    if (scenario.mode == Mode::kLiveness && lasts && random.chance(60)) fault.forever = true;
    if (one_by_one) at = fault.begin + (fault.forever ? Duration{} : fault.length) + scenario.convergence();
    scenario.faults.push_back(fault);
    if (kind == FaultKind::kSplit && scenario.group && random.chance(30)) {
      // A whole switch, not one network of it.
      fault.kind = FaultKind::kMemberSplit;
      scenario.faults.push_back(fault);
    }
  }
  std::stable_sort(scenario.faults.begin(), scenario.faults.end(),
                   [](const Fault& a, const Fault& b) { return a.begin < b.begin; });
}

}  // namespace vipra::sim
