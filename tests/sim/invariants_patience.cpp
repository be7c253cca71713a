// I15: a better master who was heard just now, and has not resigned, is well: nobody takes over from him,
// whatever other masters say beside him.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

class Patience final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I15 patience"; }

  void on_heard(NodeId id, Role role, const IpAddress& source, int priority, vrrp::Path) override {
    if (role != world_.scenario().lead() || world_.host(id).state(role) != State::kBackup) return;
    auto& all = heard_[id];
    auto known = std::find_if(all.begin(), all.end(), [&](const Heard& one) { return one.source == source; });
    const auto interval = known != all.end() ? known->interval : interval_of(source);
    if (known == all.end()) known = all.insert(all.end(), Heard{source, 0, interval});
    if (priority == vrrp::kResign) {
      known->resigned_at = world_.now();
      return;
    }
    if (reads_late(id, interval)) return;
    // Of two ways, one may still bring what a resignation by the other one has overtaken: long after it,
    // where frames are held up.
    const bool may_be_old = world_.scenario().transport == plan::TransportMode::kBoth && world_.noisy();
    if (known->resigned_at && (may_be_old || world_.now() - *known->resigned_at < interval)) return;
    // Whom it was better than then, it did not wait for.
    const bool better = priority > world_.host(id).router(role)->effective_priority();
    *known = {source, priority, interval, world_.now(), better, std::nullopt};
  }
  void on_transition(NodeId id, Role role, const election::Transition& what) override {
    if (role != world_.scenario().lead()) return;
    const bool by_itself = what.reason == Reason::kMasterSilent || what.reason == Reason::kMasterResigned;
    if (what.from == State::kBackup && what.to == State::kMaster && by_itself) judge(id);
    heard_[id].clear();
  }
  // Another interval, or another number of misses.
  void before_fault(const Fault& fault, NodeId target) override {
    if (fault.kind == FaultKind::kReconfigured || makes_late(fault.kind)) heard_[target].clear();
    if (makes_late(fault.kind)) ++late_[target];
  }
  void after_fault(const Fault& fault, NodeId target) override {
    if (!makes_late(fault.kind)) return;
    --late_[target];
    late_until_[target] = world_.now();
  }

 private:
  struct Heard {
    IpAddress source;
    int priority = 0;
    Duration interval{};
    WorldTime at{};
    bool better = false;
    std::optional<WorldTime> resigned_at{};
  };
  // What waited in its socket is older than it looks.
  static bool makes_late(FaultKind kind) {
    return kind == FaultKind::kPause || kind == FaultKind::kSuspend || kind == FaultKind::kSlowScheduler ||
           kind == FaultKind::kDeepQueue || kind == FaultKind::kReceiveOverflow;
  }
  [[nodiscard]] bool reads_late(NodeId id, Duration interval) const {
    return late_[id] > 0 || world_.now() - late_until_[id] < interval;
  }
  // A stranger's is not known: he may hurry everybody, and nobody is to wait for him.
  [[nodiscard]] Duration interval_of(const IpAddress& source) const {
    const auto lead = world_.scenario().lead();
    for (NodeId id = 0; id < world_.size(); ++id) {
      if (world_.host(id).primary(lead) == source) return world_.host(id).desired(lead).interval;
    }
    return {};
  }
  void judge(NodeId id) {
    const int own = world_.host(id).router(world_.scenario().lead())->effective_priority();
    for (const auto& one : heard_[id]) {
      const auto passed = world_.now() - one.at;
      if (!one.better || one.resigned_at || one.priority <= own ||
          passed >= one.interval * (world_.scenario().misses - 1))
        continue;
      // RFC 9568 section 6.4.2: the interval of the last one that is no worse counts.
      const bool hurried = std::any_of(heard_[id].begin(), heard_[id].end(), [&](const Heard& other) {
        return other.at >= one.at && other.priority >= own && other.interval < one.interval;
      });
      // He has yielded to a better one, or else would have spoken again by now.
      const bool yielded = passed >= one.interval &&
                           std::any_of(heard_[id].begin(), heard_[id].end(), [&](const Heard& other) {
                             return other.at >= one.at && other.priority > one.priority;
                           });
      if (!hurried && !yielded)
        fail("node " + std::to_string(id) + " takes over " + in_milliseconds(passed) + " ms after it heard " +
             one.source.to_string() + ", who is better and has not resigned");
    }
  }

  std::array<std::vector<Heard>, kMaxNodes> heard_;
  std::array<int, kMaxNodes> late_{};
  std::array<WorldTime, kMaxNodes> late_until_{};
};

}  // namespace

void add_patience_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<Patience>(world));
}

}  // namespace vipra::sim
