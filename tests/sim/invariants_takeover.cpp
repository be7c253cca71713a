// I2, I3, I4, I5: how soon somebody takes over, and how many do. Each waits for a fault that comes alone: the
// segment was at rest before, everybody heard everybody, and nothing else happens until the bound is over.
#include <algorithm>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"
#include "vrrp/timers.hpp"

namespace vipra::sim {
namespace {

using election::Transition;

std::string node(NodeId id) {
  return "node " + std::to_string(id);
}

// The priorities of those who can take over from `master`, the best first.
std::vector<int> takers(const World& world, NodeId master) {
  const auto lead = world.scenario().lead();
  std::vector<int> all;
  for (NodeId id = 0; id < world.size(); ++id) {
    if (id != master && world.host(id).stands(lead))
      all.push_back(world.host(id).router(lead)->effective_priority());
  }
  std::sort(all.rbegin(), all.rend());
  return all;
}

Duration interval_of(const World& world, NodeId id) {
  return world.host(id).router(world.scenario().lead())->desired().interval;
}

Duration skew(const World& world, Duration interval, int priority) {
  return vrrp::skew_time(world.scenario().version, interval, priority);
}

// An expectation that any other event of the plan cancels.
class Takeover : public Observer {
 public:
  using Observer::Observer;

  void before_fault(const Fault& fault, NodeId target) final {
    if (fault.kind == FaultKind::kLostResignation) return loses_one_more();
    since_.reset();
    const bool alone = world_.pristine() && world_.whole();
    if (!alone || world_.only_master(world_.scenario().lead()) != target) return;
    if (takers(world_, target).empty() || !begins(fault, target)) return;
    since_ = world_.now();
    master_ = target;
  }
  void after_fault(const Fault& fault, NodeId) override {
    if (class_of(fault) != FaultClass::kHarmless) since_.reset();
  }
  void on_disturbance() override { since_.reset(); }

 protected:
  virtual bool begins(const Fault& fault, NodeId target) = 0;
  // Of the resignations under way, one goes astray.
  virtual void loses_one_more() {}
  [[nodiscard]] Duration allowance() const {
    return world_.scenario().most_delay + world_.scenario().most_lateness * 3;
  }
  [[nodiscard]] bool waits() const noexcept { return since_.has_value(); }
  [[nodiscard]] Duration passed() const { return world_.now() - *since_; }
  [[nodiscard]] bool is_taker(NodeId id, Role role, const Transition& what) const {
    // Who comes out of Init or Fault as master owns the address: he takes over from nobody.
    return waits() && role == world_.scenario().lead() && what.from == State::kBackup &&
           what.to == State::kMaster && id != master_;
  }
  void over() { since_.reset(); }
  NodeId master_ = 0;

 private:
  std::optional<WorldTime> since_;
};

bool is_crash(const Fault& fault) {
  return fault.kind == FaultKind::kPowerLoss || fault.kind == FaultKind::kAgentKilled;
}

class Crash final : public Takeover {
 public:
  using Takeover::Takeover;
  [[nodiscard]] std::string_view name() const noexcept override { return "I2 crash"; }

  void on_transition(NodeId id, Role role, const Transition& what) override {
    if (!is_taker(id, role, what)) return;
    if (passed() < earliest_)
      fail(node(id) + " takes over " + in_milliseconds(passed()) + " ms after the crash, before " +
           in_milliseconds(earliest_));
    if (passed() > latest_)
      fail(node(id) + " takes over " + in_milliseconds(passed()) + " ms after the crash, after " +
           in_milliseconds(latest_));
    over();
  }
  void on_look() override {
    if (waits() && passed() > latest_)
      fail("nobody takes over within " + in_milliseconds(latest_) + " ms of the crash");
  }

 private:
  bool begins(const Fault& fault, NodeId target) override {
    if (!is_crash(fault)) return false;
    const auto interval = interval_of(world_, target);
    const auto best = skew(world_, interval, takers(world_, target).front());
    const auto misses = world_.scenario().misses;
    latest_ = interval * misses + best + allowance();
    latest_ += drift(latest_);
    earliest_ = interval * (misses - 1) + best - allowance() - drift(latest_);
    return true;
  }
  Duration earliest_{};
  Duration latest_{};
};

class Separation final : public Takeover {
 public:
  using Takeover::Takeover;
  [[nodiscard]] std::string_view name() const noexcept override { return "I5 separation"; }

  void on_transition(NodeId id, Role role, const Transition& what) override {
    if (is_taker(id, role, what) && ++promotions_ > 1)
      fail(node(id) + " is the second to take over from one crash");
  }

 private:
  bool begins(const Fault& fault, NodeId target) override {
    if (!is_crash(fault)) return false;
    const auto all = takers(world_, target);
    promotions_ = 0;
    const auto interval = interval_of(world_, target);
    if (all.size() < 2) return true;
    const auto apart = skew(world_, interval, all[1]) - skew(world_, interval, all[0]);
    return apart > allowance() + drift(interval * (world_.scenario().misses + 1));
  }
  int promotions_ = 0;
};

class PlannedMove final : public Takeover {
 public:
  using Takeover::Takeover;
  [[nodiscard]] std::string_view name() const noexcept override { return "I3 planned move"; }

  void on_transition(NodeId id, Role role, const Transition& what) override {
    // Who is as good as the first one, but for what his advertisement takes, may be the second.
    if (!is_taker(id, role, what) || std::exchange(taken_, true)) return;
    if (passed() > latest_)
      fail(node(id) + " takes over " + in_milliseconds(passed()) + " ms after the resignation, after " +
           in_milliseconds(latest_));
  }
  void on_look() override {
    if (waits() && !taken_ && passed() > latest_)
      fail("nobody takes over within " + in_milliseconds(latest_) + " ms of the resignation");
  }
  void on_address(NodeId id, const IpAddress& ip, bool present) override {
    if (!waits() || present || id != master_) return;
    // Each router's first address is everybody's; a node may have others of its own.
    if (ip != world_.host(id).desired(role_of(ip)).addresses.front().ip) return;
    for (NodeId other = 0; other < world_.size(); ++other) {
      if (other != id && world_.host(other).kernel().has(ip)) return;
    }
    fail("nobody has " + ip.to_string() + " in the middle of a planned move");
  }

 private:
  bool begins(const Fault& fault, NodeId target) override {
    const int lost = world_.network().lost_resignations();
    const bool hands_over = fault.kind == FaultKind::kRelease || fault.kind == FaultKind::kStandsAside;
    if (!hands_over || lost >= election::kResignations) return false;
    taken_ = false;
    const auto interval = interval_of(world_, target);
    latest_ = skew(world_, interval, takers(world_, target).front()) + allowance() +
              election::kResignationSpacing * lost;
    latest_ += drift(latest_);
    return true;
  }
  void loses_one_more() override { latest_ += election::kResignationSpacing; }
  bool taken_ = false;
  Duration latest_{};
};

class Heal final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I4 heal"; }

  void before_lift(const Fault& fault) override {
    at_rest_ = class_of(fault) == FaultClass::kTopology && world_.pristine();
  }
  void after_fault(const Fault& fault, NodeId) override {
    if (class_of(fault) == FaultClass::kHarmless) return;
    since_.reset();
    const auto lead = world_.scenario().lead();
    if (!std::exchange(at_rest_, false) || !world_.whole() || world_.masters(lead) == 0) return;
    auto shortest = Duration::max();
    masters_ = 0;
    for (NodeId id = 0; id < world_.size(); ++id) {
      if (world_.host(id).stands(lead) && world_.host(id).state(lead) == State::kMaster)
        masters_ |= 1U << id, shortest = std::min(shortest, interval_of(world_, id));
    }
    latest_ = shortest + world_.scenario().most_delay * 2 + world_.scenario().most_lateness * 3;
    latest_ += drift(latest_);
    since_ = world_.now();
  }
  void before_fault(const Fault& fault, NodeId) override {
    if (class_of(fault) != FaultClass::kHarmless) since_.reset();
  }
  void on_disturbance() override { since_.reset(); }
  void on_transition(NodeId id, Role role, const Transition& what) override {
    if (!since_ || what.from != State::kMaster) return;
    if (world_.masters(role) == 0) fail(node(id) + " leaves nobody master after a heal");
    // Where intervals are mixed, a Backup that learned the interval of the one that yields may still speak
    // up: it is none of the two masters, and whoever yields to it has survived the heal before.
    const bool met = std::popcount(masters_) > 1;
    if (role != world_.scenario().lead() || (masters_ >> id & 1U) == 0 || !met) return;
    masters_ &= ~(1U << id);
    if (world_.now() - *since_ > latest_)
      fail(node(id) + " yields only " + in_milliseconds(world_.now() - *since_) +
           " ms after the heal, after " + in_milliseconds(latest_));
  }

 private:
  bool at_rest_ = false;
  std::uint32_t masters_ = 0;
  std::optional<WorldTime> since_;
  Duration latest_{};
};

}  // namespace

void add_takeover_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<Crash>(world));
  to.push_back(std::make_unique<PlannedMove>(world));
  to.push_back(std::make_unique<Heal>(world));
  to.push_back(std::make_unique<Separation>(world));
}

}  // namespace vipra::sim
