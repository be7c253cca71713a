#include "tests/sim/world.hpp"

#include <algorithm>
#include <utility>

#include "tests/sim/invariants.hpp"

namespace vipra::sim {
namespace {

std::string_view short_name(Family family) {
  return family == Family::kIpv4 ? "v4" : "v6";
}

}  // namespace

void Observer::fail(const std::string& what) const {
  world_.fail(name(), what);
}

World::World(const Scenario& scenario, Coverage& coverage, bool keep_history)
    : scenario_{scenario},
      coverage_{coverage},
      history_{keep_history},
      network_{scenario.nodes.size(), scenario.least_delay, scenario.most_delay, scenario.misses,
               scenario.seed ^ 0x6e6574776f726bU},
      targets_(scenario.faults.size()) {
  for (NodeId id = 0; id < scenario_.nodes.size(); ++id) {
    const auto& plan = scenario_.nodes[id];
    hosts_.push_back(std::make_unique<Host>(*this, id, plan, scenario_.seed * 31 + id));
    if (plan.clock_ppm != 0) coverage_.fault(FaultKind::kClockRate);
    const bool late = std::any_of(scenario_.faults.begin(), scenario_.faults.end(), [&](const Fault& fault) {
      return fault.kind == FaultKind::kLateJoin && fault.a == id;
    });
    if (!late) queue_.push(plan.start, EventKind::kHost, id, kPowersOn);
  }
  for (std::uint32_t i = 0; i < scenario_.faults.size(); ++i)
    queue_.push(scenario_.faults[i].begin, EventKind::kFaultBegins, i);
  queue_.push(WorldTime{scenario_.longest_interval()}, EventKind::kLook);
  observers_ = make_invariants(*this);
}

World::~World() = default;

std::optional<Violation> World::run() {
  count_steps_into(&coverage_, scenario_.preemption.policy);
  while (!violation_) {
    const auto event = queue_.pop();
    if (!event || event->at > scenario_.end) break;
    now_ = event->at;
    ++events_;
    serve(*event);
  }
  if (!violation_) {
    now_ = scenario_.end;
    look();
  }
  count_steps_into(nullptr);
  return violation_;
}

void World::serve(const Event& event) {
  switch (event.kind) {
    case EventKind::kDelivery:
      hosts_[event.b]->on_delivery(network_.packet(event.a));
      network_.arrived(event.a);
      break;
    case EventKind::kWake:
      hosts_[event.a]->on_wake();
      break;
    case EventKind::kKernel:
      hosts_[event.a]->on_kernel(event.b);
      break;
    case EventKind::kHost:
      if (event.b == kPowersOn) {
        hosts_[event.a]->power_on();
      } else {
        hosts_[event.a]->on_supervisor(event.b);
      }
      break;
    case EventKind::kFaultBegins:
      begin_fault(event.a);
      break;
    case EventKind::kFaultEnds:
      end_fault(event.a);
      break;
    case EventKind::kFaultAct:
      act(event.a, event.b);
      break;
    case EventKind::kLook:
      look();
      queue_.push(now_ + scenario_.longest_interval(), EventKind::kLook);
      break;
  }
}

void World::look() {
  for (const auto& observer : observers_) observer->on_look();
}

// ---- what there is
// -----------------------------------------------------------------------------------------------

int World::masters(Family family) const {
  return static_cast<int>(std::count_if(hosts_.begin(), hosts_.end(), [&](const auto& host) {
    return host->stands(family) && host->state(family) == State::kMaster;
  }));
}

std::optional<NodeId> World::only_master(Family family) const {
  if (masters(family) != 1) return std::nullopt;
  for (const auto& host : hosts_) {
    if (host->stands(family) && host->state(family) == State::kMaster) return host->id();
  }
  return std::nullopt;
}

bool World::whole() const {
  for (NodeId a = 0; a < size(); ++a) {
    for (NodeId b = 0; b < size(); ++b) {
      if (a != b && !hears(a, b)) return false;
    }
  }
  return true;
}

bool World::quiet() const {
  if (noise_active_ > 0) return false;
  const auto since = now_ - last_disturbance_;
  if (since < scenario_.convergence()) return false;
  // Where hearing is no equivalence, one decision may have to wait for the one before.
  for (NodeId a = 0; a < size(); ++a) {
    for (NodeId b = 0; b < size(); ++b) {
      if (a == b || !hears(a, b)) continue;
      for (NodeId c = 0; c < size(); ++c) {
        if (c != b && hears(b, c) && c != a && !hears(a, c))
          return since >= scenario_.convergence() * static_cast<int>(size());
      }
      if (!hears(b, a)) return since >= scenario_.convergence() * static_cast<int>(size());
    }
  }
  return true;
}

// ---- what it is told
// --------------------------------------------------------------------------------------------

void World::fail(std::string_view invariant, const std::string& what) {
  if (violation_) return;
  violation_ = Violation{std::string{invariant}, what, now_};
  history_.line(now_, "BROKEN " + std::string{invariant} + ": " + what);
}

void World::disturbed() {
  last_disturbance_ = now_;
  for (const auto& observer : observers_) observer->on_disturbance();
}

void World::note(NodeId node, const std::string& what) {
  history_.hash(now_, 1, node, what.size());
  history_.line(now_, "node " + std::to_string(node) + ": " + what);
}

void World::turned(NodeId node) {
  for (const auto& observer : observers_) observer->on_turn(node);
}

void World::advertisement_sent(const Packet& packet) {
  history_.hash(now_, 2, packet.sender, packet.family, packet.priority());
  if (history_.keeps_lines()) {
    history_.line(now_,
                  "node " + std::to_string(packet.sender) + " " + std::string{short_name(packet.family)} +
                      ": advertises " + std::to_string(packet.priority()),
                  packet.priority() != 0);
  }
  for (const auto& observer : observers_) observer->on_sent(packet.sender, packet.family, packet.priority());
  network_.transmit(now_, packet, queue_);
}

void World::announcement_sent(const Packet& packet, const IpAddress& ip) {
  history_.hash(now_, 3, packet.sender, packet.family, ip.bytes().back());
  if (history_.keeps_lines()) {
    const auto who =
        packet.sender == kStranger ? std::string{"stranger"} : "node " + std::to_string(packet.sender);
    history_.line(now_, who + ": announces " + ip.to_string());
  }
  for (const auto& observer : observers_) observer->on_announced(packet, ip);
  network_.transmit(now_, packet, queue_);
}

void World::heard(NodeId node, Family family, const IpAddress& source, int priority) {
  const auto& host = *hosts_[node];
  const auto own = host.primary(family);
  if (source == own) coverage_.guard(Guard::kSelfEcho);
  const bool follows = scenario_.dual() && family == Family::kIpv6 && host.state(family) == State::kMaster;
  if (follows && host.state(Family::kIpv4) == State::kMaster && source > own &&
      priority == host.router(family)->effective_priority())
    coverage_.guard(Guard::kFollowerKeepsAtTie);
  for (const auto& observer : observers_) observer->on_heard(node, family, source, priority);
}

void World::transition(NodeId node, Family family, const election::Transition& what) {
  history_.hash(now_, 4, node, family, what.from, what.to, what.reason);
  if (history_.keeps_lines()) {
    history_.line(now_, "node " + std::to_string(node) + " " + std::string{short_name(family)} + ": " +
                            std::string{to_string(what.from)} + " -> " + std::string{to_string(what.to)} +
                            " (" + std::string{to_string(what.reason)} + ")");
  }
  for (const auto& observer : observers_) observer->on_transition(node, family, what);
  // Somebody new stands, or somebody cannot any more.
  const bool entered = what.from == State::kInit || what.from == State::kFault;
  if (entered || what.to == State::kFault) disturbed();
}

void World::address_changed(NodeId node, const IpAddress& ip, bool present) {
  history_.hash(now_, 5, node, ip.family(), ip.bytes().back(), present);
  if (history_.keeps_lines()) {
    history_.line(now_, "node " + std::to_string(node) + ": kernel " + (present ? "has " : "has no longer ") +
                            ip.to_string());
  }
  for (const auto& observer : observers_) observer->on_address(node, ip, present);
}

}  // namespace vipra::sim
