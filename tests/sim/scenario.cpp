#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "tests/sim/random.hpp"
#include "vrrp/timers.hpp"

namespace vipra::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongestOnTheWire = Centiseconds{4095};

void draw_priorities(Random& random, std::vector<NodePlan>& nodes) {
  const auto style = random.weighted({35, 20, 35, 10});
  const int count = static_cast<int>(nodes.size());
  const int gap = random.between(16, 250 / count);
  for (int i = 0; i < count; ++i) {
    auto& priority = nodes[static_cast<std::size_t>(i)].priority;
    if (style == 0) priority = 254 - i * gap;
    if (style == 1) priority = 100;
    if (style >= 2) priority = random.between(1, 254);
  }
  for (std::size_t i = nodes.size() - 1; i > 0; --i)
    std::swap(nodes[i].priority, nodes[random.below(i + 1)].priority);
  if (style == 3) nodes[random.below(nodes.size())].priority = 255;
}

void draw_addresses(Random& random, std::vector<NodePlan>& nodes) {
  // The routers are in orders of their own, so that a tie falls differently in each.
  std::array<std::uint8_t, kMaxNodes> v4{10, 11, 12, 13, 14, 15, 16};
  auto v6 = v4;
  auto member = v4;
  for (std::size_t i = kMaxNodes - 1; i > 0; --i) {
    std::swap(v4[i], v4[random.below(i + 1)]);
    std::swap(v6[i], v6[random.below(i + 1)]);
    std::swap(member[i], member[random.below(i + 1)]);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].primary_v4 = IpAddress::v4(10, 0, 2, v4[i]);
    nodes[i].member_primary = IpAddress::v4(10, 0, kMembersNet, member[i]);
    std::array<std::uint8_t, 16> bytes{0xfe, 0x80};
    bytes[15] = v6[i];
    nodes[i].primary_v6 = *IpAddress::from_bytes(bytes);
  }
}

void draw_nodes(Random& random, Scenario& scenario) {
  constexpr std::array<Duration, 5> kIntervals{100ms, 50ms, 20ms, 10ms, 1s};
  constexpr std::array<int, 6> kCounts{2, 3, 4, 5, 6, 7};
  scenario.nodes.resize(static_cast<std::size_t>(kCounts[random.weighted({30, 32, 18, 9, 6, 5})]));
  const auto interval = kIntervals[random.weighted({58, 14, 10, 8, 10})];
  const bool mixed = random.chance(15);
  const bool skewed = random.chance(50);
  for (auto& node : scenario.nodes) {
    node.interval = mixed ? interval * random.between(1, 10) : interval;
    node.clock_ppm = skewed ? random.between(-200, 200) : 0;
    node.start = WorldTime{random.between(Duration{}, interval)};
    constexpr std::array<plan::ChecksumMode, 3> kForms{
        plan::ChecksumMode::kAuto, plan::ChecksumMode::kRfc9568, plan::ChecksumMode::kRfc5798};
    node.checksum = kForms[random.weighted({70, 15, 15})];
  }
  scenario.misses = interval <= 20ms && random.chance(50) ? 5 : 3;
  draw_priorities(random, scenario.nodes);
  draw_addresses(random, scenario.nodes);
  const auto families = random.weighted({45, 15, 40});
  scenario.v4 = families != 1;
  scenario.v6 = families != 0;
  // A member is patient by its own interval: a group is for nodes that agree on it.
  scenario.group = random.chance(25) && !mixed;
  if (scenario.group && random.chance(20)) scenario.member_interval = 2;
  constexpr std::array<plan::PreemptionPolicy, 3> kPolicies{
      plan::PreemptionPolicy::kNever, plan::PreemptionPolicy::kImmediate, plan::PreemptionPolicy::kDelayed};
  scenario.preemption.policy = kPolicies[random.weighted({50, 30, 20})];
  if (scenario.preemption.policy == plan::PreemptionPolicy::kDelayed)
    scenario.preemption.delay = interval * random.between(4, 10);
  scenario.least_delay = 20us;
  scenario.most_delay = random.between(30us, std::min<Duration>(interval / 50, 1ms));
  scenario.most_lateness = random.between(10us, std::min<Duration>(interval / 50, 500us));
}

// ---- faults
// ---------------------------------------------------------------------------------------------------

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

FaultKind draw_kind(Random& random, bool group) {
  if (group && random.chance(50)) return kGroupsKinds[random.below(kGroupsKinds.size())];
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
  // Long enough to have consequences, or too short for them; a crash is also over before anybody notices.
  fault.length = random.chance(60) ? random.between(unit * 2, unit * 8) : random.between(unit / 10, unit * 2);
  if (class_of(fault) == FaultClass::kTopology && random.chance(60))
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

void draw_faults(Random& random, Scenario& scenario) {
  const auto unit = scenario.longest_interval();
  const bool one_by_one = random.chance(55);
  const int count = one_by_one ? random.between(1, 4) : random.between(2, 9);
  auto at = WorldTime{scenario.convergence() + unit};
  bool rolled = false;
  for (int i = 0; i < count; ++i) {
    const auto kind = draw_kind(random, scenario.group);
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
    if (kind == FaultKind::kRelease && random.chance(50)) {
      auto lost = draw_fault(random, scenario, FaultKind::kLostResignation, begin);
      lost.length = fault.length;
      scenario.faults.push_back(lost);
    }
    const bool lasts = class_of(fault) == FaultClass::kTopology || kind == FaultKind::kPowerLoss ||
                       kind == FaultKind::kAgentKilled || kind == FaultKind::kRelease ||
                       kind == FaultKind::kPause || kind == FaultKind::kSelfEcho ||
                       kind == FaultKind::kCheckFails || kind == FaultKind::kWorsened ||
                       (is_members(kind) && class_of(fault) == FaultClass::kMomentary);
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

}  // namespace

std::string_view to_string(Mode mode) noexcept {
  return mode == Mode::kSafety ? "safety" : "liveness";
}

Duration Scenario::longest_interval() const noexcept {
  Duration longest{};
  for (const auto& node : nodes) longest = std::max(longest, node.interval);
  auto all = longest;
  for (const auto& fault : faults) {
    if (fault.kind == FaultKind::kForeignPeer &&
        static_cast<Foreign>(fault.amount) == Foreign::kOtherInterval)
      all = std::max(all, longest * 4);
    if (fault.kind == FaultKind::kReconfigured) all = std::max(all, longest * 2);
  }
  if (group) all *= member_interval;
  return std::min(all, kLongestOnTheWire);
}

Duration Scenario::shortest_interval() const noexcept {
  auto shortest = Duration::max();
  for (const auto& node : nodes) shortest = std::min(shortest, node.interval);
  return shortest;
}

bool Scenario::same_intervals() const noexcept {
  return longest_interval() == shortest_interval();
}

Duration Scenario::longest_down_interval() const noexcept {
  return vrrp::active_down_interval(vrrp::Version::kV3, longest_interval(), 1, misses);
}

Duration Scenario::convergence() const noexcept {
  auto bound = longest_down_interval() * 2 + (most_delay + most_lateness) * 2;
  if (preemption.policy == plan::PreemptionPolicy::kDelayed)
    bound += preemption.delay + longest_down_interval();
  return bound + bound / 1000;  // two clocks that run 200 ppm apart, and then some
}

void set_end(Scenario& scenario) {
  auto last = WorldTime{};
  for (const auto& fault : scenario.faults) last = std::max(last, fault.forever ? fault.begin : fault.end());
  const auto rest =
      scenario.convergence() * (scenario.mode == Mode::kLiveness ? scenario.longest_chain() : 1);
  scenario.end = last + std::max<Duration>(rest, 200ms) + rest / 4 + kAnnouncementsAtRest;
}

Scenario draw_scenario(std::uint64_t seed, Mode mode) {
  Scenario scenario;
  scenario.seed = seed;
  scenario.mode = mode;
  Random random{seed * 2 + (mode == Mode::kLiveness ? 1 : 0)};
  draw_nodes(random, scenario);
  draw_faults(random, scenario);
  set_end(scenario);
  return scenario;
}

int Scenario::longest_chain() const noexcept {
  // In a group, a member may have to be beaten before the next node stands.
  return static_cast<int>(nodes.size()) * (group ? 2 : 1);
}

std::string describe(const Scenario& scenario) {
  std::string text = "seed " + std::to_string(scenario.seed) + ", " + std::string{to_string(scenario.mode)} +
                     ": " + std::to_string(scenario.nodes.size()) + " nodes, " +
                     (scenario.dual() ? "IPv6 follows IPv4"
                      : scenario.v4   ? "IPv4"
                                      : "IPv6") +
                     (scenario.group ? " and a member of its group" : "") + ", preemption ";
  switch (scenario.preemption.policy) {
    case plan::PreemptionPolicy::kNever:
      text += "Never";
      break;
    case plan::PreemptionPolicy::kImmediate:
      text += "Immediate";
      break;
    case plan::PreemptionPolicy::kDelayed:
      text += "Delayed by " + in_milliseconds(scenario.preemption.delay) + " ms";
      break;
  }
  text += ", " + std::to_string(scenario.misses) +
          " misses, delay <= " + in_milliseconds(scenario.most_delay) +
          " ms, lateness <= " + in_milliseconds(scenario.most_lateness) + " ms\n";
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    const auto& node = scenario.nodes[i];
    text += "  node " + std::to_string(i) + ": priority " + std::to_string(node.priority) + ", every " +
            in_milliseconds(node.interval) + " ms, " + node.primary_v4.to_string();
    if (scenario.v6) text += ", " + node.primary_v6.to_string();
    if (scenario.group) text += ", " + node.member_primary.to_string();
    if (node.clock_ppm != 0) text += ", clock " + std::to_string(node.clock_ppm) + " ppm";
    text += '\n';
  }
  for (const auto& fault : scenario.faults) text += "  " + describe(fault) + "\n";
  return text + "  ends at " + in_milliseconds(scenario.end) + " ms\n";
}

}  // namespace vipra::sim
