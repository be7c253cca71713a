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
    // In the same order as the link-local ones.
    bytes = {0x20, 0x01, 0x0d, 0xb8};
    bytes[15] = v6[i];
    nodes[i].global_v6 = *IpAddress::from_bytes(bytes);
  }
}

void draw_nodes(Random& random, Scenario& scenario) {
  constexpr std::array<Duration, 5> kIntervals{100ms, 50ms, 20ms, 10ms, 1s};
  constexpr std::array<Duration, 5> kWholeSeconds{2s, 1s, 3s, 1s, 2s};
  constexpr std::array<int, 6> kCounts{2, 3, 4, 5, 6, 7};
  scenario.nodes.resize(static_cast<std::size_t>(kCounts[random.weighted({30, 32, 18, 9, 6, 5})]));
  const bool v2 = scenario.version == vrrp::Version::kV2;
  const auto interval = (v2 ? kWholeSeconds : kIntervals)[random.weighted({58, 14, 10, 8, 10})];
  const bool mixed = random.chance(20) && !v2;
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
  scenario.v4 = families != 1 || v2;
  scenario.v6 = families != 0 && !v2;
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

// By chance of its own, so that what is configured besides leaves the nodes of a seed as they are.
void draw_version(Random& random, Scenario& scenario) {
  if (random.chance(15)) scenario.version = vrrp::Version::kV2;
}

void draw_passwords(Random& random, Scenario& scenario) {
  if (scenario.version == vrrp::Version::kV3) return;
  const bool protects = random.chance(60);
  for (auto& node : scenario.nodes) {
    node.version = scenario.version;
    if (protects) node.password = vrrp::SimplePassword::make("segment");
  }
  // It stays what it is, as what a liveness seed does to a segment may.
  if (scenario.mode == Mode::kSafety || !random.chance(35)) return;
  auto& misfit = scenario.nodes[random.below(scenario.nodes.size())];
  scenario.misfit = static_cast<Misfit>(random.below(4));
  switch (*scenario.misfit) {
    case Misfit::kOtherVersion:
      misfit.version = vrrp::Version::kV3;
      misfit.password.reset();
      break;
    case Misfit::kOtherPassword:
      for (auto& node : scenario.nodes) node.password = vrrp::SimplePassword::make("segment");
      misfit.password = vrrp::SimplePassword::make("segmenT");
      break;
    case Misfit::kOtherAuthentication:
      misfit.password = protects ? std::nullopt : vrrp::SimplePassword::make("segment");
      break;
    case Misfit::kOtherInterval:
      misfit.interval *= 2;
      break;
  }
}

void draw_transport(Random& random, Scenario& scenario) {
  using plan::TransportMode;
  constexpr std::array kModes{TransportMode::kMulticast, TransportMode::kUnicast, TransportMode::kBoth};
  scenario.transport = kModes[random.weighted({60, 18, 22})];
  scenario.failing_path = random.chance(60) ? vrrp::Path::kMulticast : vrrp::Path::kUnicast;
  scenario.global_peers = random.chance(50);
  const auto who = static_cast<NodeId>(random.below(scenario.nodes.size()));
  const auto whom = static_cast<NodeId>(random.below(scenario.nodes.size()));
  const bool incomplete = random.chance(30) && scenario.mode == Mode::kLiveness && who != whom;
  if (incomplete && scenario.transport != TransportMode::kMulticast)
    scenario.nodes[who].listed &= ~(1U << whom);
}

std::string_view to_string(Misfit misfit) {
  constexpr std::array<std::string_view, 4> kNames{"another version", "another password",
                                                   "another authentication", "another interval"};
  return kNames[static_cast<std::size_t>(misfit)];
}

// Of two, either may be called so.
bool is_misfit(const Scenario& scenario, const NodePlan& node) {
  return std::count_if(scenario.nodes.begin(), scenario.nodes.end(), [&](const NodePlan& other) {
           return other.version == node.version && other.password == node.password &&
                  other.interval == node.interval;
         }) == 1;
}

std::string describe_settings(const Scenario& scenario) {
  std::string text;
  if (scenario.version == vrrp::Version::kV2) text += ", version 2";
  if (scenario.misfit) text += " (one node with " + std::string{to_string(*scenario.misfit)} + ")";
  if (scenario.transport == plan::TransportMode::kUnicast) text += ", unicast";
  if (scenario.transport == plan::TransportMode::kBoth) text += ", multicast and unicast";
  if (scenario.transport != plan::TransportMode::kMulticast && scenario.v6 && scenario.global_peers)
    text += " to global addresses";
  return text;
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

plan::Transport Scenario::transport_of(NodeId node, Role role) const {
  plan::Transport out;
  out.mode = transport;
  if (!out.unicast()) return out;
  for (NodeId other = 0; other < nodes.size(); ++other) {
    const auto& plan = nodes[other];
    if (!nodes[node].lists(other)) continue;
    // One list for all names this node too; but of an address that it gives up it would make a peer.
    if (other == node && changes_a_primary()) continue;
    const auto& primary = role == Role::kIpv4     ? plan.primary_v4
                          : role == Role::kMember ? plan.member_primary
                          : global_peers          ? plan.global_v6
                                                  : plan.primary_v6;
    out.peers.push_back(primary);
    if (other != node && changes_a_primary()) out.peers.push_back(another_primary(primary));
  }
  std::sort(out.peers.begin(), out.peers.end());
  return out;
}

bool Scenario::lists_are_complete() const noexcept {
  for (NodeId node = 0; node < nodes.size(); ++node) {
    for (NodeId other = 0; other < nodes.size(); ++other) {
      if (other != node && !nodes[node].lists(other)) return false;
    }
  }
  return true;
}

bool Scenario::changes_a_primary() const noexcept {
  return std::any_of(faults.begin(), faults.end(),
                     [](const Fault& fault) { return fault.kind == FaultKind::kPrimaryChange; });
}

IpAddress another_primary(const IpAddress& primary) {
  auto bytes = std::vector<std::uint8_t>(primary.bytes().begin(), primary.bytes().end());
  bytes.back() = static_cast<std::uint8_t>(bytes.back() ^ 0x20U);
  return *IpAddress::from_bytes(bytes);
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
  Random settings{(seed * 2 + (mode == Mode::kLiveness ? 1 : 0)) ^ 0x73657474696e67U};
  draw_version(settings, scenario);
  draw_nodes(random, scenario);
  draw_passwords(settings, scenario);
  draw_transport(settings, scenario);
  draw_faults(random, scenario);
  set_end(scenario);
  return scenario;
}

int Scenario::longest_chain() const noexcept {
  const auto count = static_cast<int>(nodes.size());
  if (!group) return count;
  // A member may have to be beaten before the next node stands. And who is beaten at a tie stands again after
  // a better one of his lead's segment has: of n that are equal and all beaten, one stands once, the next one
  // before and after him, the next one again before and after those.
  int equal = 0;
  for (const auto& node : nodes) {
    equal =
        std::max(equal, static_cast<int>(std::count_if(nodes.begin(), nodes.end(), [&](const auto& other) {
                   return other.priority == node.priority;
                 })));
  }
  return std::max(count * 2, 1 << (equal - 1));
}

std::string describe(const Scenario& scenario) {
  std::string text = "seed " + std::to_string(scenario.seed) + ", " + std::string{to_string(scenario.mode)} +
                     ": " + std::to_string(scenario.nodes.size()) + " nodes, " +
                     (scenario.dual() ? "IPv6 follows IPv4"
                      : scenario.v4   ? "IPv4"
                                      : "IPv6") +
                     (scenario.group ? " and a member of its group" : "") + describe_settings(scenario) +
                     ", preemption ";
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
    for (NodeId other = 0; other < scenario.nodes.size(); ++other) {
      if (!node.lists(other)) text += ", does not list node " + std::to_string(other);
    }
    if (scenario.misfit && is_misfit(scenario, node)) text += ", the misfit";
    text += '\n';
  }
  for (const auto& fault : scenario.faults) text += "  " + describe(fault) + "\n";
  return text + "  ends at " + in_milliseconds(scenario.end) + " ms\n";
}

}  // namespace vipra::sim
