// I14: one of two ways that is silent raises an alarm, and nothing else does. That it moves nothing is I1's:
// to it such a fault is none.
#include <optional>

#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

class OneWay final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I14 one way"; }

  void before_fault(const Fault& fault, NodeId) override { judge_again(fault); }
  void after_fault(const Fault& fault, NodeId) override { judge_again(fault); }

  void on_transition(NodeId, Role, const election::Transition&) override { changed_at_ = world_.now(); }

  void on_look() override {
    // Two Active_Down_Intervals, and then some: the silence is one, and counts from the last advertisement.
    if (!world_.quiet() || world_.now() - changed_at_ < world_.scenario().convergence()) return;
    for (const auto role : kAllRoles) {
      for (NodeId id = 0; id < world_.size(); ++id) judge(id, role);
    }
  }

 private:
  void judge_again(const Fault& fault) {
    if (is_of_a_path(fault.kind)) changed_at_ = world_.now();
  }

  void judge(NodeId id, Role role) {
    const auto* router = world_.host(id).router(role);
    const auto master = world_.only_master(role);
    if (router == nullptr || !master || *master == id || !world_.host(id).stands(role)) return;
    const auto* warning = router->warning();
    // What is more important hides it.
    if (warning != nullptr && warning->reason == Reason::kConflict) return;
    const auto ways = world_.paths(id, *master, role);
    const bool one_is_silent =
        world_.scenario().transport == plan::TransportMode::kBoth && ways.any() && !ways.all();
    const bool warned = warning != nullptr && warning->reason == Reason::kOneWayMulticast;
    if (warned == one_is_silent) return;
    fail("node " + std::to_string(id) + " " + std::string{short_name(role)} +
         (warned ? " warns of a way that is well"
                 : " hears its master by one way alone, and does not say so"));
  }

  WorldTime changed_at_{};
};

}  // namespace

void add_path_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<OneWay>(world));
}

}  // namespace vipra::sim
