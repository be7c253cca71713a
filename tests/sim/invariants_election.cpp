// I1, I6, I7, I9: who is master at rest, how soon, and who may take it from whom.
#include <algorithm>
#include <optional>
#include <tuple>

#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"
#include "vrrp/timers.hpp"

namespace vipra::sim {
namespace {

using election::Transition;
using plan::PreemptionPolicy;

std::string node(NodeId id) {
  return "node " + std::to_string(id);
}

int priority_of(const World& world, NodeId id) {
  const auto* router = world.host(id).router(world.scenario().lead());
  return router == nullptr ? 0 : router->effective_priority();
}

bool is_master(const World& world, NodeId id) {
  const auto lead = world.scenario().lead();
  return world.host(id).stands(lead) && world.host(id).state(lead) == State::kMaster;
}

class OneMaster final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I1 one master"; }

  void on_look() override {
    if (!world_.quiet()) return;
    const auto lead = world_.scenario().lead();
    int standing = 0;
    for (NodeId at = 0; at < world_.size(); ++at) {
      if (!world_.host(at).stands(lead)) continue;
      ++standing;
      for (NodeId from = 0; from < world_.size(); ++from) {
        if (at == from || !world_.hears(at, from) || !is_master(world_, from)) continue;
        if (is_master(world_, at) && rank(at) < rank(from))
          fail(node(at) + " is still master, though it hears " + node(from) + ", which is better");
        const bool preempts = world_.scenario().preemption.policy != PreemptionPolicy::kNever ||
                              priority_of(world_, at) == vrrp::kOwnerPriority;
        if (!is_master(world_, at) && preempts && priority_of(world_, at) > best_heard(at) && !excused(at))
          fail(node(at) + " is better than every master it hears, and does not take over");
      }
    }
    if (standing > 0 && world_.whole() && world_.masters(lead) != 1)
      fail(std::to_string(world_.masters(lead)) + " masters in a segment at rest");
  }

  void on_transition(NodeId id, Role, const Transition& what) override {
    const auto elects = [](State state) { return state == State::kBackup || state == State::kMaster; };
    if (elects(what.from) && elects(what.to) && world_.quiet())
      fail(node(id) + " becomes " + std::string{to_string(what.to)} + " (" +
           std::string{to_string(what.reason)} + ") in a segment at rest");
  }

 private:
  [[nodiscard]] std::tuple<int, IpAddress> rank(NodeId id) const {
    return {priority_of(world_, id), world_.host(id).primary(world_.scenario().lead())};
  }
  // The group is another node's: only where the segments are not whole may that be another one than the
  // lead's best.
  [[nodiscard]] bool excused(NodeId at) const { return !world_.whole() && world_.beaten(at); }
  [[nodiscard]] int best_heard(NodeId at) const {
    int best = 0;
    for (NodeId from = 0; from < world_.size(); ++from) {
      if (at != from && world_.hears(at, from) && is_master(world_, from))
        best = std::max(best, priority_of(world_, from));
    }
    return best;
  }
};

class Convergence final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I6 convergence"; }

  void on_look() override {
    if (!world_.quiet()) return;
    const auto lead = world_.scenario().lead();
    for (NodeId at = 0; at < world_.size(); ++at) {
      if (!world_.host(at).stands(lead) || is_master(world_, at)) continue;
      bool hears_one = false;
      for (NodeId from = 0; from < world_.size(); ++from)
        hears_one |= at != from && world_.hears(at, from) && is_master(world_, from);
      if (!hears_one && (world_.whole() || !world_.beaten(at)))
        fail(node(at) + " is Backup and hears no master");
    }
  }
};

class Preemption final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I7 preemption"; }

  void on_look() override {
    if (worsened_ && world_.now() > worsened_->deadline)
      fail(node(worsened_->master) + " fell below a Backup, and nobody takes over");
    if (world_.quiet()) {
      incumbent_ = world_.whole() ? world_.only_master(world_.scenario().lead()) : std::nullopt;
      challenged_at_.reset();
    }
  }

  void before_fault(const Fault& fault, NodeId target) override {
    const auto kind = class_of(fault);
    if (kind == FaultClass::kHarmless) return;
    worsened_.reset();
    if (fault.kind == FaultKind::kWorsened || fault.kind == FaultKind::kMemberWorsened)
      expect_a_taker(fault, target);
    // What others do to themselves is no reason; everything else may be one.
    if (kind != FaultClass::kMomentary || target == incumbent_ || fault.kind == FaultKind::kRollingRestart)
      incumbent_.reset();
    if (!challenged_at_) challenged_at_ = world_.now();
  }
  void after_fault(const Fault& fault, NodeId) override {
    const auto kind = class_of(fault);
    if (kind == FaultClass::kNoise || kind == FaultClass::kTopology) incumbent_.reset();
    if (kind != FaultClass::kHarmless) worsened_.reset();
  }
  // Who stands from now on may be better than the master.
  void on_disturbance() override {
    worsened_.reset();
    if (!challenged_at_) challenged_at_ = world_.now();
  }

  void on_transition(NodeId id, Role role, const Transition& what) override {
    if (role != world_.scenario().lead()) return;
    if (what.to == State::kMaster && worsened_ && id != worsened_->master) worsened_.reset();
    if (!incumbent_ || what.to != State::kMaster || id == *incumbent_ || !is_master(world_, *incumbent_))
      return;
    if (priority_of(world_, id) == vrrp::kOwnerPriority || cannot_have_heard(id)) return;
    const auto& preemption = world_.scenario().preemption;
    if (preemption.policy == PreemptionPolicy::kNever)
      fail(node(id) + " takes over from " + node(*incumbent_) + ", which is well, against the policy Never");
    if (preemption.policy == PreemptionPolicy::kDelayed && challenged_at_ &&
        world_.now() - *challenged_at_ + drift(preemption.delay) < preemption.delay)
      fail(node(id) + " takes over before the delay of its preemption is over");
  }

 private:
  struct Worsened {
    NodeId master = 0;
    WorldTime deadline{};
  };
  // RFC 9568 section 5.2.7: a fast joiner does not wait for as long as a slow master is silent.
  [[nodiscard]] bool cannot_have_heard(NodeId id) const {
    // Version 2: one of another interval hears nobody.
    if (!world_.hears(id, *incumbent_)) return true;
    const auto lead = world_.scenario().lead();
    const auto own = world_.host(id).router(lead)->desired().interval * world_.scenario().misses;
    return own < world_.host(*incumbent_).router(lead)->desired().interval;
  }
  void expect_a_taker(const Fault& fault, NodeId target) {
    const auto lead = world_.scenario().lead();
    if (!world_.pristine() || !world_.whole() || world_.only_master(lead) != target) return;
    const int before = priority_of(world_, target);
    if (before == vrrp::kOwnerPriority) return;
    const int after =
        std::clamp(world_.host(target).router(lead)->desired().base_priority - fault.amount, 1, 254);
    int taker = 0;
    for (NodeId id = 0; id < world_.size(); ++id) {
      const int priority = priority_of(world_, id);
      if (id != target && world_.host(id).stands(lead) && priority > after && priority <= before)
        taker = std::max(taker, priority);
    }
    if (taker == 0) return;
    const auto interval = world_.host(target).router(lead)->desired().interval;
    const auto bound = interval + vrrp::skew_time(world_.scenario().version, interval, taker) +
                       world_.scenario().most_delay + world_.scenario().most_lateness * 3;
    worsened_ = Worsened{target, world_.now() + bound + drift(bound)};
  }
  std::optional<NodeId> incumbent_;
  std::optional<WorldTime> challenged_at_;
  std::optional<Worsened> worsened_;
};

class Flaps final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I9 flaps"; }

  void on_look() override {
    if (!world_.pristine() || !world_.whole()) return;
    counts_ = world_.scenario().same_intervals();
    promotions_ = 0;
    silences_before_ = world_.network().silences();
  }
  void before_fault(const Fault& fault, NodeId) override {
    if (fault.kind != FaultKind::kLoss && fault.kind != FaultKind::kBurstLoss) counts_ = false;
  }
  void on_disturbance() override { counts_ = false; }
  void on_transition(NodeId, Role role, const Transition& what) override {
    const bool promoted = what.from == State::kBackup && what.to == State::kMaster;
    if (!counts_ || role != world_.scenario().lead() || !promoted) return;
    const int silences = world_.network().silences() - silences_before_;
    if (++promotions_ > silences)
      fail(std::to_string(promotions_) + " promotions after " + std::to_string(silences) + " silences");
  }

 private:
  bool counts_ = false;
  int promotions_ = 0;
  int silences_before_ = 0;
};

}  // namespace

void add_election_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<OneMaster>(world));
  to.push_back(std::make_unique<Convergence>(world));
  to.push_back(std::make_unique<Preemption>(world));
  to.push_back(std::make_unique<Flaps>(world));
}

}  // namespace vipra::sim
