// I8: the families of one VirtualIP have one owner, and so has a group.
#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

std::string who(NodeId id, Role role) {
  return "node " + std::to_string(id) + " " + std::string{short_name(role)};
}

class Lead final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I8 lead"; }

  void on_turn(NodeId id) override {
    const auto& scenario = world_.scenario();
    const auto& host = world_.host(id);
    const auto lead = host.state(scenario.lead());
    for (const auto role : kAllRoles) {
      if (!scenario.follows(role)) continue;
      if (host.state(role) == State::kMaster && lead != State::kMaster)
        fail(who(id, role) + " is Master beside a lead that is " + std::string{to_string(lead)});
      if (scenario.group && host.state(role) == State::kFault && lead == State::kMaster)
        fail(who(id, role) + " is in Fault, and its lead is Master");
    }
  }
  void on_look() override {
    if (!world_.quiet()) return;
    const auto& scenario = world_.scenario();
    const auto lead = scenario.lead();
    for (NodeId id = 0; id < world_.size(); ++id) {
      const auto& host = world_.host(id);
      for (const auto role : kAllRoles) {
        if (!scenario.follows(role) || !host.stands(lead) || !host.stands(role)) continue;
        // Where a list of peers cuts IPv4 alone (an IPv6 neighbour needs no entry), so are the families.
        if (!scenario.group && !heard_alike(id, role)) continue;
        if (host.state(role) != host.state(lead))
          fail(who(id, role) + " is " + std::string{to_string(host.state(role))} + " at rest, and its lead " +
               std::string{to_string(host.state(lead))});
      }
    }
    one_owner();
  }

 private:
  [[nodiscard]] bool heard_alike(NodeId id, Role role) const {
    for (NodeId other = 0; other < world_.size(); ++other) {
      if (other != id && world_.hears(id, other) != world_.hears(id, other, role)) return false;
    }
    return true;
  }
  // However the lead's segment is cut: where the member's is whole, its master decides.
  void one_owner() {
    const auto lead = world_.scenario().lead();
    if (!world_.scenario().group || world_.whole() || !world_.whole(Role::kMember)) return;
    int standing = 0;
    for (NodeId id = 0; id < world_.size(); ++id) standing += world_.host(id).stands(lead) ? 1 : 0;
    if (standing > 0 && world_.masters(lead) != 1)
      fail(std::to_string(world_.masters(lead)) + " nodes have a group whose member's segment is whole");
  }
};

}  // namespace

void add_family_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<Lead>(world));
}

}  // namespace vipra::sim
