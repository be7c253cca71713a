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
      if (port == packet.port || world_.network().frames_pass(packet.port, port))
        last_[{port, ip}] = packet.sender;
    }
    if (packet.sender != kStranger) return;
    due_of(packet.family).reset();
    // Who goes on claiming is answered at the end of the interval that the last answer began.
    const auto claimed = claimed_.find(ip);
    const bool again = claimed != claimed_.end() && world_.now() - claimed->second < announce::kDefendInterval;
    if (!again) claimed_[ip] = world_.now();
    if (world_.quiet() && world_.whole()) expect(packet.family, again ? announce::kDefendInterval : Duration{});
  }
  void on_transition(NodeId id, Family family, const Transition& what) override {
    if (what.from != State::kMaster || what.to != State::kBackup || world_.noisy() || !world_.whole()) return;
    const bool followed =
        what.reason == Reason::kLeadIsNotMaster && world_.host(id).state(Family::kIpv4) == State::kBackup;
    if (what.reason == Reason::kPreempted || followed) expect(family);
  }
  void before_fault(const Fault& fault, NodeId) override {
    if (class_of(fault) != FaultClass::kHarmless) due_ = {};
  }
  void after_fault(const Fault& fault, NodeId) override {
    if (class_of(fault) != FaultClass::kHarmless) due_ = {};
  }
  void on_disturbance() override { due_ = {}; }
  void on_look() override {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      auto& due = due_of(family);
      if (!due || world_.now() < *due) continue;
      due.reset();
      check(family);
    }
  }

 private:
  [[nodiscard]] std::optional<WorldTime>& due_of(Family family) {
    return due_[family == Family::kIpv4 ? 0 : 1];
  }
  void expect(Family family, Duration later = {}) {
    due_of(family) = world_.now() + kAnnouncementsAtRest + later;
  }
  void check(Family family) {
    const auto master = world_.only_master(family);
    if (!master) return;
    for (const auto& [where, sender] : last_) {
      const auto& [port, ip] = where;
      if (ip.family() != family || sender == *master || !world_.host(port).powered()) continue;
      if (!world_.host(*master).kernel().has_ours(ip)) continue;
      fail("beside node " + std::to_string(port) + ", " + ip.to_string() + " was last announced by " +
           (sender == kStranger ? "a stranger" : "node " + std::to_string(sender)) +
           ", but the master is node " + std::to_string(*master));
    }
  }
  std::map<std::pair<NodeId, IpAddress>, NodeId> last_;
  std::map<IpAddress, WorldTime> claimed_;  // by a stranger, the first time in an interval
  std::array<std::optional<WorldTime>, 2> due_{};
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
  return all;
}

}  // namespace vipra::sim
