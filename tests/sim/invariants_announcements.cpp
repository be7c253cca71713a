// I12: the last announcement is the survivor's. Towards every port, because frames of a divided segment
// reached some neighbours and not others; chance loss aside, because nobody can answer for a frame that
// nobody received.
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "announce/schedule.hpp"
#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

using election::Transition;

class LastWord final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I12 last word"; }

  void on_announced(const Packet& packet, const IpAddress& ip) override {
    for (NodeId port = 0; port < world_.size(); ++port) {
      if (port == packet.port || world_.network().frames_pass(packet.port, port, packet.role))
        last_[{port, ip}] = packet.sender;
    }
    if (packet.sender != kStranger) {
      // Of two masters that do not meet, each is a stranger to the other, and is answered like one: at the
      // latest at the end of an interval, which begins another.
      if (world_.masters(packet.role) > 1) answered_[ip] = world_.now() + announce::kDefendInterval;
      return;
    }
    due_of(packet.role).reset();
    // Who goes on claiming is answered at the end of the interval that the last answer began.
    const auto [answer, first] = answered_.try_emplace(ip, world_.now());
    const bool again = !first && world_.now() - answer->second < announce::kDefendInterval;
    if (!again) {
      answer->second = world_.now();
    } else if (world_.now() >= answer->second) {
      answer->second += announce::kDefendInterval;  // this one begins an interval in its turn
    }
    if (world_.quiet() && world_.whole(packet.role))
      claim_due_[ip] = world_.now() + kAnnouncementsAtRest + (again ? announce::kDefendInterval : Duration{});
  }
  void on_transition(NodeId id, Role role, const Transition& what) override {
    if (what.from != State::kMaster || what.to != State::kBackup || world_.noisy() || !world_.whole(role))
      return;
    const bool followed = what.reason == Reason::kLeadIsNotMaster &&
                          world_.host(id).state(world_.scenario().lead()) == State::kBackup;
    if (what.reason == Reason::kPreempted || followed) expect(role);
  }
  void before_fault(const Fault& fault, NodeId) override {
    if (class_of(fault) != FaultClass::kHarmless) on_disturbance();
  }
  void after_fault(const Fault& fault, NodeId) override {
    if (class_of(fault) != FaultClass::kHarmless) on_disturbance();
  }
  void on_disturbance() override {
    due_ = {};
    claim_due_.clear();
  }
  void on_look() override {
    for (const auto role : kAllRoles) {
      auto& due = due_of(role);
      if (!due || world_.now() < *due) continue;
      due.reset();
      check(role);
    }
    std::erase_if(claim_due_, [&](const auto& claim) {
      if (world_.now() < claim.second) return false;
      check(role_of(claim.first), claim.first);
      return true;
    });
  }

 private:
  [[nodiscard]] std::optional<WorldTime>& due_of(Role role) { return due_[index_of(role)]; }
  void expect(Role role) { due_of(role) = world_.now() + kAnnouncementsAtRest; }
  // Of all its addresses, or of one that was claimed: the master answers for that alone.
  void check(Role role, std::optional<IpAddress> claimed = std::nullopt) {
    const auto master = world_.only_master(role);
    if (!master) return;
    for (const auto& [where, sender] : last_) {
      const auto& [port, ip] = where;
      if (role_of(ip) != role || claimed.value_or(ip) != ip || sender == *master ||
          !world_.host(port).powered())
        continue;
      if (!world_.host(*master).kernel().has_ours(ip)) continue;
      fail("beside node " + std::to_string(port) + ", " + ip.to_string() + " was last announced by " +
           (sender == kStranger ? "a stranger" : "node " + std::to_string(sender)) +
           ", but the master is node " + std::to_string(*master));
    }
  }
  std::map<std::pair<NodeId, IpAddress>, NodeId> last_;
  std::map<IpAddress, WorldTime> answered_;  // a stranger's claim, or will be
  std::array<std::optional<WorldTime>, kRoles> due_{};
  std::map<IpAddress, WorldTime> claim_due_;
};

}  // namespace

void add_announcement_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<LastWord>(world));
}

Observers make_invariants(World& world) {
  Observers all;
  add_election_invariants(world, all);
  add_takeover_invariants(world, all);
  add_family_invariants(world, all);
  add_emission_invariants(world, all);
  add_data_plane_invariants(world, all);
  add_announcement_invariants(world, all);
  add_path_invariants(world, all);
  add_patience_invariants(world, all);
  return all;
}

}  // namespace vipra::sim
