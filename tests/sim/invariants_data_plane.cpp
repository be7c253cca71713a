// I11: what the kernels have, against what the machines say.
#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

using election::Transition;

std::string node(NodeId id) {
  return "node " + std::to_string(id);
}

std::vector<IpAddress> addresses_of(const plan::VirtualRouter& router) {
  std::vector<IpAddress> all;
  if (router.link_local) all.push_back(*router.link_local);
  for (const auto& address : router.addresses) all.push_back(address.ip);
  return all;
}

class KernelTruth final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I11 kernel truth"; }

  void on_turn(NodeId id) override {
    const auto& host = world_.host(id);
    for (const auto& router : host.desired()) judge(host, router);
  }
  void on_look() override {
    for (NodeId id = 0; id < world_.size(); ++id) {
      if (world_.host(id).runs()) on_turn(id);
      if (world_.quiet()) judge_at_rest(world_.host(id));
    }
  }
  void before_fault(const Fault& fault, NodeId target) override {
    if (fault.kind == FaultKind::kAgentKilled) killed_ |= 1U << target;
    // Who is made deaf now may not have heard the taker.
    if (class_of(fault) != FaultClass::kNoise) return;
    for (auto& slots : slots_) {
      for (auto& slot : slots) slot.release_due.reset();
    }
  }
  void on_disturbance() override {
    for (NodeId id = 0; id < world_.size(); ++id) {
      for (const auto role : kAllRoles) {
        auto& slot = slots_[id][index_of(role)];
        slot.wrong_since.reset();
        // What a dead process held is not its heir's hold.
        if (world_.host(id).router(role) == nullptr) slot.release_due.reset();
      }
    }
  }
  void after_fault(const Fault& fault, NodeId target) override {
    const bool stood_still = fault.kind == FaultKind::kPause || fault.kind == FaultKind::kDeepQueue ||
                             fault.kind == FaultKind::kSuspend;
    if (stood_still || fault.kind == FaultKind::kEventsLost) told_at_[target] = world_.now();
    if (!stood_still) return;
    for (auto& slot : slots_[target]) slot.wrong_since.reset();
  }
  void on_address(NodeId id, const IpAddress& ip, bool present) override {
    if (!present) gone_at_[{id, ip}] = world_.now();
  }
  void on_transition(NodeId id, Role role, const Transition&) override {
    auto& slot = slots_[id][index_of(role)];
    slot = {{}, {}, world_.now()};
  }
  void on_announced(const Packet& packet, const IpAddress& ip) override {
    if (packet.sender == kStranger) return;
    const auto& host = world_.host(packet.sender);
    const auto gone = gone_at_.find({packet.sender, ip});
    const bool just_gone = gone != gone_at_.end() && world_.now() - gone->second < kKernelSettles;
    // What was lost with the events, the dump that is asked for now will tell.
    const bool being_told = world_.now() - told_at_[packet.sender] < kKernelSettles;
    if (!host.kernel().has(ip) && !just_gone && !being_told && !burdened(host))
      fail(node(packet.sender) + " announces " + ip.to_string() + ", which it has not");
    expect_holds_to_end(packet, ip);
  }

 private:
  struct Slot {
    std::optional<WorldTime> wrong_since;
    std::optional<WorldTime> release_due;
    WorldTime changed_at{};
  };

  static bool burdened(const Host& host) {
    const auto& burden = host.burden;
    return !host.runs() || host.slow_backlog() ||
           burden.kernel_refuses + burden.kernel_busy + burden.kernel_slow + burden.results_lost +
                   burden.events_lost + burden.slow >
               0;
  }

  // After a resignation, and after a stall.
  static Duration longest_hold(const router::VirtualRouter& router) {
    return router.desired().interval * 2 + election::kReleaseMargin;
  }

  void judge(const Host& host, const plan::VirtualRouter& desired) {
    auto& slot = slots_[host.id()][index_of(role_of(desired))];
    const auto* router = host.router(role_of(desired));
    if (router == nullptr || burdened(host)) {
      slot.wrong_since.reset();
      slot.release_due.reset();
      return;
    }
    const bool master = router->state() == State::kMaster;
    const bool may_hold = router->machine().holds_addresses();
    bool wrong = false;
    bool any = false;
    for (const auto& ip : addresses_of(desired)) {
      const bool present = host.kernel().has_ours(ip);
      any |= present;
      wrong |= master ? !host.kernel().has(ip) : present && !may_hold;
    }
    if (!wrong) {
      slot.wrong_since.reset();
    } else if (!slot.wrong_since) {
      slot.wrong_since = world_.now();
    } else if (world_.now() - *slot.wrong_since > kKernelSettles) {
      fail(node(host.id()) +
           (master ? " is Master without its addresses since "
                   : " still has addresses that it must not have, since ") +
           in_milliseconds(*slot.wrong_since));
    }
    if (!any || master) slot.release_due.reset();
    if (slot.release_due && world_.now() > *slot.release_due)
      fail(node(host.id()) + " keeps addresses longer than 10 ms after the taker's announcement");
  }

  void judge_at_rest(const Host& host) {
    const bool unattended = !host.agent_runs() && (killed_ >> host.id() & 1U) != 0;
    if (!host.powered() || unattended || (host.agent_runs() && !host.runs())) return;
    for (const auto& desired : host.desired()) {
      const auto* router = host.router(role_of(desired));
      if (router != nullptr && router->state() == State::kMaster) continue;
      // What is held for a taker who does not come is held for its bound, which is longer than rest where
      // intervals are short.
      const bool may_hold = router != nullptr && router->machine().holds_addresses();
      const auto longest = kKernelSettles + (may_hold ? longest_hold(*router) : Duration{});
      if (world_.now() - slots_[host.id()][index_of(role_of(desired))].changed_at < longest) continue;
      for (const auto& ip : addresses_of(desired)) {
        if (host.kernel().has_ours(ip))
          fail(node(host.id()) + " has " + ip.to_string() + " at rest, and is not Master");
      }
    }
  }

  // Whoever holds addresses for a taker lets go once this is heard.
  void expect_holds_to_end(const Packet& packet, const IpAddress& ip) {
    if (world_.noisy()) return;
    const auto bound = election::kHoldAfterAnnouncement + world_.scenario().most_delay +
                       world_.scenario().most_lateness * 3 + kKernelSettles;
    for (NodeId id = 0; id < world_.size(); ++id) {
      const auto& host = world_.host(id);
      const auto* router = host.router(packet.role);
      if (id == packet.sender || router == nullptr || !host.runs() || !host.kernel().up(packet.role) ||
          !world_.network().frames_pass(packet.port, id, packet.role))
        continue;
      // An address that this node has not says nothing to it.
      if (!router->addresses().contains(ip)) continue;
      if (router->state() == State::kMaster || !router->machine().holds_addresses()) continue;
      auto& due = slots_[id][index_of(packet.role)].release_due;
      if (!due) due = world_.now() + bound + drift(bound);
    }
  }

  std::array<std::array<Slot, kRoles>, kMaxNodes> slots_{};
  std::map<std::pair<NodeId, IpAddress>, WorldTime> gone_at_;
  std::array<WorldTime, kMaxNodes> told_at_{};
  std::uint32_t killed_ = 0;
};

}  // namespace

void add_data_plane_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<KernelTruth>(world));
}

}  // namespace vipra::sim
