// The plan carried out: what each fault does when it begins, while it lasts and when it ends.
#include <algorithm>

#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

using namespace std::chrono_literals;

}  // namespace

NodeId World::target_of(const Fault& fault) const {
  if (fault.at_master) {
    if (const auto master = only_master(scenario_.lead())) return *master;
  }
  return fault.a;
}

void World::begin_fault(std::uint32_t index) {
  const auto& fault = scenario_.faults[index];
  const auto target = target_of(fault);
  targets_[index] = target;
  history_.hash(now_, 6, fault.kind, target);
  if (history_.keeps_lines()) {
    auto shown = fault;
    shown.a = target;
    shown.at_master = false;
    history_.line(now_, "FAULT " + describe(shown));
  }
  for (const auto& observer : observers_) observer->before_fault(fault, target);
  const auto kind = class_of(fault);
  if (kind == FaultClass::kHarmless && fault.kind != FaultKind::kLostResignation) ++harmless_active_;
  if (kind == FaultClass::kNoise) ++noise_active_;
  if (kind != FaultClass::kHarmless) last_disturbance_ = now_;
  network_.fault_begins(fault);
  hearing_is_known_ = false;
  if (fault.kind != FaultKind::kReceiveOverflow && fault.kind != FaultKind::kLostResignation)
    coverage_.fault(fault.kind);
  apply(fault, *hosts_[target]);
  hearing_is_known_ = false;
  if (!fault.forever) queue_.push(fault.end(), EventKind::kFaultEnds, index);
  const bool acts = fault.kind == FaultKind::kForeignPeer || fault.kind == FaultKind::kResignationFlood ||
                    fault.kind == FaultKind::kLosingFlood || fault.kind == FaultKind::kStrangerClaims ||
                    fault.kind == FaultKind::kRollingRestart;
  if (acts) queue_.push(now_, EventKind::kFaultAct, index, 0);
}

void World::end_fault(std::uint32_t index) {
  const auto& fault = scenario_.faults[index];
  const auto target = targets_[index];
  for (const auto& observer : observers_) observer->before_lift(fault);
  history_.line(now_, "FAULT OVER " + std::string{to_string(fault.kind)});
  if (network_.effects(FaultKind::kLostResignation) > 0 && fault.kind == FaultKind::kLostResignation)
    coverage_.fault(fault.kind);
  network_.fault_ends(fault);
  hearing_is_known_ = false;
  const auto kind = class_of(fault);
  if (kind == FaultClass::kHarmless && fault.kind != FaultKind::kLostResignation) --harmless_active_;
  if (kind == FaultClass::kNoise) --noise_active_;
  const bool holds_up = fault.kind == FaultKind::kDelay || fault.kind == FaultKind::kJitter ||
                        fault.kind == FaultKind::kReorder;
  // What comes behind a frame that was held up waits for it.
  if (holds_up) held_up_until_ = std::max(held_up_until_, now() + std::chrono::microseconds{fault.amount});
  if (kind == FaultClass::kNoise || kind == FaultClass::kTopology) last_disturbance_ = now_;
  lift(fault, index, *hosts_[target]);
  for (const auto& observer : observers_) observer->after_fault(fault, target);
}

void World::apply(const Fault& fault, Host& host) {
  const auto& vip = host.desired().front().addresses.front().ip;
  switch (fault.kind) {
    case FaultKind::kPause:
    case FaultKind::kDeepQueue:
      host.pause();
      break;
    case FaultKind::kSuspend:
      host.suspend();
      break;
    case FaultKind::kSlowScheduler:
      ++host.burden.slow;
      break;
    case FaultKind::kReceiveOverflow:
      ++host.burden.short_queue;
      ++host.burden.slow;
      break;
    case FaultKind::kKernelRefuses:
      ++host.burden.kernel_refuses;
      host.kernel().remove_ours(vip);
      break;
    case FaultKind::kKernelBusy:
      ++host.burden.kernel_busy;
      break;
    case FaultKind::kKernelSlow:
      ++host.burden.kernel_slow;
      break;
    case FaultKind::kResultLost:
      ++host.burden.results_lost;
      host.kernel().remove_ours(vip);
      break;
    case FaultKind::kEventsLost:
      host.drop_all_events(true);
      host.kernel().remove_ours(vip);
      break;
    case FaultKind::kAddressDeleted:
      host.kernel().remove_ours(vip);
      break;
    case FaultKind::kStrangerAddress:
      if (host.powered()) host.kernel().add_strangers(vip);
      break;
    case FaultKind::kLinkFlap:
      if (!host.powered()) break;
      host.kernel().set_link(Role::kIpv4, false);
      if (fault.amount == 1) host.kernel().drop_ipv6();
      break;
    case FaultKind::kMemberLinkDown:
      if (host.powered()) host.kernel().set_link(Role::kMember, false);
      break;
    case FaultKind::kMemberSocketFails:
      host.fail_members_socket(true);
      break;
    case FaultKind::kMemberWorsened:
      host.contribute(Role::kMember, -fault.amount, false);
      break;
    case FaultKind::kMemberCheckFails:
      host.contribute(Role::kMember, 0, true);
      break;
    case FaultKind::kPrimaryChange:
      if (host.powered()) host.change_primary(scenario_.lead());
      break;
    case FaultKind::kSpeakerCrash:
      host.crash_at_action(fault.amount);
      break;
    case FaultKind::kSpeakerCrashLoop:
      host.crash_at_action(1);
      host.crash_loop();
      break;
    case FaultKind::kAgentKilled:
      host.kill_agent();
      break;
    case FaultKind::kPowerLoss:
      host.power_off();
      break;
    case FaultKind::kRelease:
      host.release_agent();
      break;
    case FaultKind::kLateJoin:
      host.power_on();
      break;
    case FaultKind::kWorsened:
      host.contribute(scenario_.lead(), -fault.amount, false);
      break;
    case FaultKind::kBettered:
      host.contribute(scenario_.lead(), fault.amount, false);
      break;
    case FaultKind::kCheckFails:
      host.contribute(scenario_.lead(), 0, true);
      break;
    case FaultKind::kStandsAside:
      host.wish_to_stand_aside(true);
      break;
    case FaultKind::kReconfigured:
      host.reconfigure(fault.amount);
      break;
    default:
      break;  // the network's
  }
}

void World::lift(const Fault& fault, std::uint32_t index, Host& host) {
  const auto& vip = host.desired().front().addresses.front().ip;
  switch (fault.kind) {
    case FaultKind::kPause:
    case FaultKind::kDeepQueue:
      host.resume();
      break;
    case FaultKind::kSuspend:
      host.wake_up();
      break;
    case FaultKind::kSlowScheduler:
      host.scheduler_free();
      break;
    case FaultKind::kReceiveOverflow:
      --host.burden.short_queue;
      host.scheduler_free();
      break;
    case FaultKind::kKernelRefuses:
      --host.burden.kernel_refuses;
      break;
    case FaultKind::kKernelBusy:
      host.kernel_free();
      break;
    case FaultKind::kKernelSlow:
      --host.burden.kernel_slow;
      break;
    case FaultKind::kResultLost:
      --host.burden.results_lost;
      break;
    case FaultKind::kEventsLost:
      host.drop_all_events(false);
      break;
    case FaultKind::kStrangerAddress:
      host.kernel().remove_strangers(vip);
      break;
    case FaultKind::kLinkFlap:
      if (host.powered()) host.kernel().set_link(Role::kIpv4, true);
      break;
    case FaultKind::kSpeakerCrash:
      host.crash_at_action(1);  // where it had not come to so many
      break;
    case FaultKind::kPowerLoss:
      host.power_on();
      break;
    case FaultKind::kAgentKilled:
    case FaultKind::kRelease:
      queue_.push(now_, EventKind::kFaultAct, index, 0);
      break;
    case FaultKind::kWorsened:
    case FaultKind::kBettered:
    case FaultKind::kCheckFails:
      last_disturbance_ = now_;
      host.contribute(scenario_.lead(), 0, false);
      break;
    case FaultKind::kStandsAside:
      last_disturbance_ = now_;
      host.wish_to_stand_aside(false);
      break;
    case FaultKind::kMemberLinkDown:
      last_disturbance_ = now_;
      if (host.powered()) host.kernel().set_link(Role::kMember, true);
      break;
    case FaultKind::kMemberSocketFails:
      last_disturbance_ = now_;
      host.fail_members_socket(false);
      break;
    case FaultKind::kMemberWorsened:
    case FaultKind::kMemberCheckFails:
      last_disturbance_ = now_;
      host.contribute(Role::kMember, 0, false);
      break;
    default:
      break;
  }
}

void World::act(std::uint32_t index, std::uint32_t step) {
  const auto& fault = scenario_.faults[index];
  const auto target = targets_[index];
  const bool over = now_ >= fault.end() && !fault.forever;
  switch (fault.kind) {
    case FaultKind::kAgentKilled:
    case FaultKind::kRelease:
      // A release takes its time: the agent starts when the old one is gone.
      if (hosts_[target]->agent_runs() && fault.kind == FaultKind::kRelease) {
        queue_.push(now_ + 50ms, EventKind::kFaultAct, index, step);
      } else {
        hosts_[target]->start_agent();
      }
      break;
    case FaultKind::kRollingRestart:
      restart_rolling(fault, step);
      if (step + 1 < 2 * size())
        queue_.push(now_ + fault.length / static_cast<int>(2 * size()), EventKind::kFaultAct, index,
                    step + 1);
      break;
    case FaultKind::kStrangerClaims:
      if (over || step >= 4) break;
      act_as_claimant(fault, fault.a, step);
      queue_.push(now_ + fault.length / 4, EventKind::kFaultAct, index, step + 1);
      break;
    case FaultKind::kForeignPeer:
      if (over) break;
      act_as_foreign(fault, fault.a);
      queue_.push(now_ + scenario_.shortest_interval(), EventKind::kFaultAct, index, step + 1);
      break;
    case FaultKind::kResignationFlood:
    case FaultKind::kLosingFlood:
      if (over) break;
      act_as_foreign(fault, fault.a);
      queue_.push(now_ + scenario_.shortest_interval() / fault.amount, EventKind::kFaultAct, index, step + 1);
      break;
    default:
      break;
  }
}

void World::restart_rolling(const Fault& fault, std::uint32_t step) {
  auto& host = *hosts_[step / 2];
  // To whoever waits for a fault that comes alone, each of these is another one.
  for (const auto& observer : observers_) observer->before_fault(fault, host.id());
  last_disturbance_ = now_;
  if (step % 2 == 0) {
    host.release_agent();
  } else {
    host.start_agent();
  }
}

}  // namespace vipra::sim
