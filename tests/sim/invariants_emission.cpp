// I10 and Stall: how much a node says, and after what silence it must not go on.
#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "tests/sim/invariants.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

using election::Transition;

std::string node(NodeId id) {
  return "node " + std::to_string(id);
}

class Emission final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "I10 emission"; }

  void on_sent(NodeId id, Role role, int priority) override {
    auto& voice = voices_[id][index_of(role)];
    if (priority == 0) {
      // The speaker's three, and the supervisor's for one that crashed in the middle of them.
      if (++voice.resignations > 2 * election::kResignations) fail(node(id) + " resigns without end");
      return;
    }
    ++voice.sent;
    voice.owes_an_answer = false;
    const auto interval = world_.scenario().nodes[id].interval;
    const auto oldest = std::exchange(voice.last[voice.next], world_.now());
    voice.next = (voice.next + 1) % voice.last.size();
    if (voice.total++ >= voice.last.size() && world_.now() - oldest < interval - drift(interval))
      fail(node(id) + " sends " + std::to_string(kMostInAnInterval + 1) + " advertisements in one interval");
    if (world_.host(id).state(role) != State::kMaster || !voice.tenured) return;
    const auto tenure = world_.now() - voice.since;
    const auto regular = (tenure + drift(tenure)) / interval + 2;
    if (voice.sent > regular + voice.heard)
      fail(node(id) + " sends " + std::to_string(voice.sent) + " advertisements where " +
           std::to_string(regular) + " are due, and heard " + std::to_string(voice.heard));
  }
  // What its heir says first is its own, whatever it was before.
  void on_disturbance() override {
    for (NodeId id = 0; id < world_.size(); ++id) {
      for (const auto role : kAllRoles) {
        if (world_.host(id).router(role) != nullptr) continue;
        voices_[id][index_of(role)].tenured = false;
        voices_[id][index_of(role)].owes_an_answer = false;
      }
    }
  }
  void on_heard(NodeId id, Role role, const IpAddress& source, int priority, vrrp::Path path) override {
    if (source == world_.host(id).primary(role)) return;
    auto& voice = voices_[id][index_of(role)];
    const Heard what{source, priority, path, world_.now()};
    const auto& before = voice.last_counted;
    // A copy by the other way is answered once; and version 2 answers resignations alone. Which is whose copy
    // is hard to say where the network copies too.
    const bool orderly = !world_.noisy() && !world_.network().duplicates();
    const bool copy = orderly && before.source == source && before.priority == priority &&
                      before.path != path &&
                      what.at - before.at < world_.scenario().most_delay + world_.scenario().most_lateness;
    const bool answered =
        world_.host(id).desired(role).version == vrrp::Version::kV3 || priority == vrrp::kResign;
    if (copy || !answered) return;
    voice.last_counted = what;
    ++voice.heard;
    voice.owes_an_answer |= is_owed(world_.host(id), role, priority, voice);
  }
  void after_fault(const Fault& fault, NodeId) override {
    if (class_of(fault) == FaultClass::kNoise) noise_over_at_ = world_.now();
  }
  void on_turn(NodeId id) override {
    for (const auto role : kAllRoles) {
      if (std::exchange(voices_[id][index_of(role)].owes_an_answer, false))
        fail(node(id) + " leaves a losing advertisement unanswered");
    }
  }
  void on_transition(NodeId id, Role role, const Transition& what) override {
    auto& voice = voices_[id][index_of(role)];
    voice.tenured = what.to == State::kMaster;
    voice.owes_an_answer = false;
    if (!voice.tenured) return;
    voice.since = world_.now();
    voice.sent = 1;
    voice.total = 0;
    voice.heard = 0;
    voice.last_counted = {};
    voice.resignations = 0;
  }

 private:
  struct Heard {
    IpAddress source;
    int priority = 0;
    vrrp::Path path = vrrp::Path::kMulticast;
    WorldTime at{};
  };
  struct Voice {
    Heard last_counted;  // since it is master
    bool tenured = false;
    WorldTime since{};
    std::int64_t sent = 0;
    std::int64_t heard = 0;
    int resignations = 0;
    std::array<WorldTime, kMostInAnInterval> last{};
    std::size_t next = 0;
    std::size_t total = 0;
    bool owes_an_answer = false;
  };

  // RFC 9568 section 6.4.3, and the limit of its answers. Not where there are two ways: what a resignation
  // has overtaken is none.
  [[nodiscard]] bool is_owed(const Host& host, Role role, int priority, const Voice& voice) const {
    const auto* router = host.router(role);
    if (router == nullptr || router->state() != State::kMaster || !host.kernel().up(role)) return false;
    if (router->desired().version == vrrp::Version::kV2 || priority == vrrp::kResign) return false;
    if (world_.scenario().transport == plan::TransportMode::kBoth) return false;
    // A clock that stood still counts its interval otherwise.
    if (world_.noisy() || world_.now() - noise_over_at_ < router->desired().interval) return false;
    const auto begin = world_.now() - router->desired().interval - drift(router->desired().interval);
    const auto lately = std::count_if(voice.last.begin(), voice.last.end(),
                                      [&](WorldTime at) { return at != WorldTime{} && at >= begin; });
    return priority < router->effective_priority() && lately < election::kMaxRepliesPerInterval;
  }

  std::array<std::array<Voice, kRoles>, kMaxNodes> voices_{};
  WorldTime noise_over_at_{};
};

class Stall final : public Observer {
 public:
  using Observer::Observer;
  [[nodiscard]] std::string_view name() const noexcept override { return "Stall"; }

  void on_sent(NodeId id, Role role, int priority) override {
    if (priority == 0) return;
    auto& voice = voices_[id][index_of(role)];
    const auto now = world_.host(id).instant().boot;
    voice.silence = now - std::exchange(voice.last, now);
    voice.goes_on = true;
  }
  void on_transition(NodeId id, Role role, const Transition& what) override {
    auto& voice = voices_[id][index_of(role)];
    // A promotion is preceded by silence, and what yields says its last word; an heir goes on.
    if (what.reason != Reason::kAdopted) voice.goes_on = false;
  }
  // Who is not told that his link is down takes himself for heard.
  void after_fault(const Fault& fault, NodeId target) override {
    if (fault.kind != FaultKind::kEventsLost) return;
    for (auto& voice : voices_[target]) voice.last = world_.host(target).instant().boot;
  }
  void on_turn(NodeId id) override {
    for (const auto role : kAllRoles) {
      auto& voice = voices_[id][index_of(role)];
      if (!std::exchange(voice.goes_on, false)) continue;
      const auto* router = world_.host(id).router(role);
      // One that died while it was being promoted, and its heir has not begun.
      if (router == nullptr || router->state() != State::kMaster) continue;
      // It did try, and nobody told it that its link was down.
      if (world_.host(id).burden.events_lost > 0) continue;
      const auto patience = router->desired().interval * world_.scenario().misses;
      if (voice.silence > patience)
        fail(node(id) + " goes on as master after " + in_milliseconds(voice.silence) +
             " ms without an advertisement; its peers wait " + in_milliseconds(patience));
    }
  }

 private:
  struct Voice {
    BootTimePoint last{};
    Duration silence{};
    bool goes_on = false;
  };
  std::array<std::array<Voice, kRoles>, kMaxNodes> voices_{};
};

}  // namespace

void add_emission_invariants(World& world, Observers& to) {
  to.push_back(std::make_unique<Emission>(world));
  to.push_back(std::make_unique<Stall>(world));
}

}  // namespace vipra::sim
