#include "tests/sim/world.hpp"

#include <algorithm>
#include <utility>

#include "tests/sim/invariants.hpp"

namespace vipra::sim {

void Observer::fail(const std::string& what) const {
  world_.fail(name(), what);
}

World::World(const Scenario& scenario, Coverage& coverage, bool keep_history)
    : scenario_{scenario},
      coverage_{coverage},
      history_{keep_history},
      network_{scenario.nodes.size(), scenario.least_delay, scenario.most_delay,
               scenario.misses * scenario.copies(), scenario.seed ^ 0x6e6574776f726bU},
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
  coverage_.settings(scenario_);
}

World::~World() = default;

std::optional<Violation> World::run() {
  count_steps_into(&coverage_, scenario_.preemption.policy, scenario_.version);
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

int World::masters(Role role) const {
  return static_cast<int>(std::count_if(hosts_.begin(), hosts_.end(), [&](const auto& host) {
    return host->stands(role) && host->state(role) == State::kMaster;
  }));
}

std::optional<NodeId> World::only_master(Role role) const {
  if (masters(role) != 1) return std::nullopt;
  for (const auto& host : hosts_) {
    if (host->stands(role) && host->state(role) == State::kMaster) return host->id();
  }
  return std::nullopt;
}

bool World::beaten(NodeId node) const {
  if (!scenario_.group) return false;
  return std::any_of(kAllRoles.begin(), kAllRoles.end(), [&](Role role) {
    const auto* router = scenario_.follows(role) ? hosts_[node]->router(role) : nullptr;
    return router != nullptr && router->member_state().beaten;
  });
}

bool World::quiet() const {
  if (noise_active_ > 0) return false;
  const auto since = now_ - last_disturbance_;
  if (since < scenario_.convergence()) return false;
  const bool chains = has_chains() || (scenario_.group && !whole());
  return !chains || since >= scenario_.convergence() * scenario_.longest_chain();
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

void World::advertisement_sent(Packet& packet, bool first_copy) {
  if (first_copy) {
    history_.hash(now_, 2, packet.sender, packet.role, packet.priority());
    if (history_.keeps_lines()) {
      history_.line(now_,
                    "node " + std::to_string(packet.sender) + " " + std::string{short_name(packet.role)} +
                        ": advertises " + std::to_string(packet.priority()),
                    packet.priority() != 0);
    }
    for (const auto& observer : observers_) observer->on_sent(packet.sender, packet.role, packet.priority());
  }
  if (packet.destination != vrrp_group(packet.destination.family())) {
    const auto to = std::find_if(hosts_.begin(), hosts_.end(),
                                 [&](const auto& host) { return host->answers_at(packet.destination); });
    if (to == hosts_.end()) return;
    packet.only_to = (*to)->id();
  }
  network_.transmit(now_, packet, queue_);
}

void World::announcement_sent(const Packet& packet, const IpAddress& ip) {
  history_.hash(now_, 3, packet.sender, packet.role, ip.bytes().back());
  if (history_.keeps_lines()) {
    const auto who =
        packet.sender == kStranger ? std::string{"stranger"} : "node " + std::to_string(packet.sender);
    history_.line(now_, who + ": announces " + ip.to_string());
  }
  for (const auto& observer : observers_) observer->on_announced(packet, ip);
  network_.transmit(now_, packet, queue_);
}

void World::heard(NodeId node, Role role, const IpAddress& source, int priority, vrrp::Path path) {
  const auto& host = *hosts_[node];
  const auto own = host.primary(role);
  if (source == own) coverage_.guard(Guard::kSelfEcho);
  const bool follows = scenario_.follows(role) && host.state(role) == State::kMaster;
  if (follows && host.state(scenario_.lead()) == State::kMaster && source > own &&
      priority == host.router(role)->effective_priority())
    coverage_.guard(Guard::kFollowerKeepsAtTie);
  for (const auto& observer : observers_) observer->on_heard(node, role, source, priority, path);
}

void World::transition(NodeId node, Role role, const election::Transition& what) {
  history_.hash(now_, 4, node, role, what.from, what.to, what.reason);
  if (history_.keeps_lines()) {
    history_.line(now_, "node " + std::to_string(node) + " " + std::string{short_name(role)} + ": " +
                            std::string{to_string(what.from)} + " -> " + std::string{to_string(what.to)} +
                            " (" + std::string{to_string(what.reason)} + ")");
  }
  for (const auto& observer : observers_) observer->on_transition(node, role, what);
  // Somebody new stands, or somebody cannot any more.
  if (what.reason == Reason::kNoPeers) coverage_.setting(Setting::kNoPeers);
  const bool entered = what.from == State::kInit || what.from == State::kFault;
  if (entered || what.to == State::kFault) disturbed();
}

void World::address_changed(NodeId node, const IpAddress& ip, bool present) {
  history_.hash(now_, 5, node, role_of(ip), ip.bytes().back(), present);
  if (history_.keeps_lines()) {
    history_.line(now_, "node " + std::to_string(node) + ": kernel " + (present ? "has " : "has no longer ") +
                            ip.to_string());
  }
  for (const auto& observer : observers_) observer->on_address(node, ip, present);
}

}  // namespace vipra::sim
