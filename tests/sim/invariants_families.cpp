// I8: the families of one VirtualIP have one owner. Groups of several VirtualIPs do not exist; the rule of
// the lead is the one that binds routers together.
#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

class Lead final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I8 lead"; }

  void on_turn(NodeId id) override {
    if (!world_.scenario().dual()) return;
    const auto& host = world_.host(id);
    if (host.state(Family::kIpv6) == State::kMaster && host.state(Family::kIpv4) != State::kMaster)
      fail("node " + std::to_string(id) + " is Master for IPv6 beside a lead that is " +
           std::string{to_string(host.state(Family::kIpv4))});
  }
  void on_look() override {
    if (!world_.scenario().dual() || !world_.quiet()) return;
    for (NodeId id = 0; id < world_.size(); ++id) {
      const auto& host = world_.host(id);
      if (!host.stands(Family::kIpv4) || !host.stands(Family::kIpv6)) continue;
      if (host.state(Family::kIpv4) != host.state(Family::kIpv6))
        fail("node " + std::to_string(id) + " is " + std::string{to_string(host.state(Family::kIpv4))} +
             " for IPv4 and " + std::string{to_string(host.state(Family::kIpv6))} + " for IPv6 at rest");
    }
  }
};

}  // namespace

void add_family_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<Lead>(world));
}

}  // namespace vipra::sim
