// The simulated world: its segments, its nodes, one clock. It makes happen what the plan says and what
// follows from it, in the order of virtual time, and tells the observers.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/coverage.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/history.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/observer.hpp"
#include "tests/sim/scenario.hpp"

namespace vipra::sim {

// What the kernel takes for an address without faults: to change it, and to say so.
inline constexpr Duration kUsualKernelTime = std::chrono::microseconds{500};

struct Violation {
  std::string invariant;
  std::string what;
  WorldTime at{};
};

class World {
 public:
  World(const Scenario& scenario, Coverage& coverage, bool keep_history);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Until the end of the scenario, or until an invariant is broken.
  std::optional<Violation> run();
  [[nodiscard]] const History& history() const noexcept { return history_; }
  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

  // ---- what there is ----
  [[nodiscard]] const Scenario& scenario() const noexcept { return scenario_; }
  [[nodiscard]] WorldTime now() const noexcept { return now_; }
  [[nodiscard]] EventQueue& queue() noexcept { return queue_; }
  [[nodiscard]] std::size_t size() const noexcept { return hosts_.size(); }
  [[nodiscard]] const Host& host(NodeId node) const { return *hosts_[node]; }
  [[nodiscard]] const Network& network() const noexcept { return network_; }
  // Node `at` hears the advertisements of node `from`, as far as wires, filters, lists of peers and versions
  // go.
  [[nodiscard]] bool hears(NodeId at, NodeId from, Role role) const { return paths(at, from, role).any(); }
  [[nodiscard]] bool hears(NodeId at, NodeId from) const { return hears(at, from, scenario_.lead()); }
  // By which ways: a bit for each vrrp::Path.
  [[nodiscard]] std::bitset<2> paths(NodeId at, NodeId from, Role role) const;
  // Who stands and is master, if exactly one is.
  [[nodiscard]] std::optional<NodeId> only_master(Role role) const;
  [[nodiscard]] int masters(Role role) const;
  // Everybody hears everybody on the segment of this router.
  [[nodiscard]] bool whole(Role role) const;
  [[nodiscard]] bool whole() const { return whole(scenario_.lead()); }
  // A router that follows is beaten: its lead does not stand where nobody is heard to lead.
  [[nodiscard]] bool beaten(NodeId node) const;
  // Nothing has happened for so long that everything must have come to rest.
  [[nodiscard]] bool quiet() const;
  // ... and not even a fault of the harmless kind lasts.
  [[nodiscard]] bool pristine() const { return quiet() && harmless_active_ == 0; }
  // Also while frames are still on their way that were held up.
  [[nodiscard]] bool noisy() const noexcept { return noise_active_ > 0 || now() < held_up_until_; }
  [[nodiscard]] WorldTime last_disturbance() const noexcept { return last_disturbance_; }

  // ---- told by hosts and observers ----
  void fail(std::string_view invariant, const std::string& what);
  void disturbed();
  void note(NodeId node, const std::string& what);
  void turned(NodeId node);
  void advertisement_sent(Packet& packet, bool first_copy);
  void announcement_sent(const Packet& packet, const IpAddress& ip);
  void heard(NodeId node, Role role, const IpAddress& source, int priority, vrrp::Path path);
  void transition(NodeId node, Role role, const election::Transition& what);
  void address_changed(NodeId node, const IpAddress& ip, bool present);
  void count_overflow() { coverage_.fault(FaultKind::kReceiveOverflow); }
  void count_boundary(Boundary boundary) { coverage_.boundary(boundary); }
  void warned(Reason reason) { coverage_.warned(reason); }
  void count_drops(const router::Counters& counters) { coverage_.drops(counters); }
  void count_resignation() { coverage_.supervisor_resigned(); }

 private:
  void serve(const Event& event);
  [[nodiscard]] bool has_chains() const;
  void judge_hearing() const;
  void look();
  // The plan's faults: world_faults.cpp.
  [[nodiscard]] NodeId target_of(const Fault& fault) const;
  void begin_fault(std::uint32_t index);
  void end_fault(std::uint32_t index);
  void apply(const Fault& fault, Host& host);
  void lift(const Fault& fault, std::uint32_t index, Host& host);
  void act(std::uint32_t index, std::uint32_t step);
  void act_as_foreign(const Fault& fault, NodeId beside);
  void act_as_claimant(const Fault& fault, NodeId beside, std::uint32_t step);
  void restart_rolling(const Fault& fault, std::uint32_t step);
  void send_foreign(const Fault& fault, NodeId beside, Role role);

  Scenario scenario_;
  Coverage& coverage_;
  History history_;
  EventQueue queue_;
  Network network_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<Observer>> observers_;
  std::vector<NodeId> targets_;  // of each fault of the plan
  // By role, hearer, sender; until the next fault.
  mutable std::array<std::array<std::array<std::bitset<2>, kMaxNodes>, kMaxNodes>, kRoles> hearing_{};
  mutable bool hearing_is_known_ = false;
  std::optional<Violation> violation_;
  WorldTime now_{};
  WorldTime last_disturbance_{};
  int noise_active_ = 0;
  WorldTime held_up_until_{};
  int harmless_active_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace vipra::sim
