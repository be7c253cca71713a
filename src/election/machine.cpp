#include "election/machine.hpp"

#include <algorithm>

namespace vipra::election {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

Actions Machine::step(const Instant& now, const Event& event) {
  Actions out;
  if (const auto* master = std::get_if<Master>(&state_);
      master != nullptr && peers_may_have_moved(now, *master)) {
    listen_after_stall(now, out);
  }
  std::visit(
      Overloaded{
          [&](const Startup& e) {
            if (std::holds_alternative<Init>(state_)) start(now, e.adoption, out);
          },
          [&](const Shutdown&) {
            const bool was_master = std::holds_alternative<Master>(state_);
            if (was_master) resign(now, out);
            if (holds_addresses()) out.push_back(RemoveAddresses{});
            if (was_master) out.push_back(StopAnnouncing{});
            to_init(Reason::kShutdown, out);
          },
          [&](const Release& e) { on_release(now, e, out); },
          [&](const CancelRelease&) {
            if (!std::holds_alternative<Releasing>(state_)) return;
            to_backup(now, quick_backup(now), Reason::kReleaseCancelled, out);
          },
          [&](const DeadlineReached&) { on_deadline(now, out); },
          [&](const AdvertReceived& e) { on_advert(now, e, out); },
          [&](const PriorityChanged& e) { on_priority(e); },
          [&](const PrimaryAddressChanged& e) { primary_ = e.primary; },
          [&](const ConfigChanged& e) { on_config(now, e); },
          [&](const Faulted& e) { to_fault(now, e.reason, out); },
          [&](const Recovered&) {
            if (!std::holds_alternative<Fault>(state_)) return;
            start(now, std::nullopt, out);
          },
          [&](const TakerAnnounced& e) { on_taker(e); },
          [&](const LeadChanged& e) { on_lead(now, e.lead, out); },
          [&](const GroupJudged& e) { on_group(now, e.may_stand, out); },
          [&](const Stalled& e) {
            if (std::holds_alternative<Master>(state_) && e.duration > config_.interval * config_.misses) {
              listen_after_stall(now, out);
            } else if (auto* backup = std::get_if<Backup>(&state_);
                       backup != nullptr && backup->master && backup->master_priority >= priority_) {
              // Its master may have spoken: he is given the time to do so again.
              const auto again = now.mono + backup->master_interval + skew(backup->master_interval);
              backup->master_down_at = std::max(backup->master_down_at, again);
            }
          },
          [&](const PeerEvidence& e) {
            auto* backup = std::get_if<Backup>(&state_);
            if (backup == nullptr || backup->master != e.peer) return;
            backup->master_down_at =
                std::min(backup->master_down_at, now.mono + skew(backup->master_interval));
          },
      },
      event);
  return out;
}

std::optional<TimePoint> Machine::deadline() const {
  std::optional<TimePoint> at;
  const auto consider = [&at](TimePoint candidate) { at = at ? std::min(*at, candidate) : candidate; };
  if (resignations_left_ > 0) consider(next_resignation_at_);
  std::visit(Overloaded{
                 [](const Init&) {},
                 [](const Fault&) {},
                 [&](const Backup& s) {
                   if (!s.waiting_for_lead) consider(s.master_down_at);
                   if (s.hold_until) consider(*s.hold_until);
                 },
                 [&](const Master& s) { consider(s.next_advert_at); },
                 [&](const Releasing& s) { consider(s.give_up_at); },
             },
             state_);
  return at;
}

State Machine::state() const noexcept {
  constexpr State kByIndex[] = {State::kInit, State::kBackup, State::kMaster, State::kReleasing,
                                State::kFault};
  return kByIndex[state_.index()];
}

Reason Machine::reason() const noexcept {
  const auto* backup = std::get_if<Backup>(&state_);
  if (backup == nullptr || !backup->master) return entered_because_;
  if (backup->waiting_for_lead) return config_.follows_lead ? Reason::kLeadIsNotMaster : Reason::kGroupMember;
  if (backup->taking_over) return Reason::kMasterWorsened;
  if (backup->master_priority > priority_) return Reason::kLowerPriority;
  if (backup->master_priority == priority_) return Reason::kLowerAddress;
  if (backup->master_priority == vrrp::kResign) return Reason::kMasterResigned;
  return config_.preemption.policy == plan::PreemptionPolicy::kImmediate ? Reason::kHighestPriority
                                                                         : Reason::kNotPreempting;
}

std::optional<IpAddress> Machine::heard_master() const noexcept {
  if (const auto* backup = std::get_if<Backup>(&state_)) return backup->master;
  if (const auto* releasing = std::get_if<Releasing>(&state_)) return releasing->successor;
  return std::nullopt;
}

int Machine::heard_priority() const noexcept {
  if (const auto* backup = std::get_if<Backup>(&state_)) return backup->master_priority;
  if (const auto* releasing = std::get_if<Releasing>(&state_)) return releasing->successor_priority;
  return 0;
}

bool Machine::listens_first() const noexcept {
  const auto* backup = std::get_if<Backup>(&state_);
  return backup != nullptr && backup->listen_until.has_value();
}

bool Machine::holds_addresses() const noexcept {
  if (const auto* backup = std::get_if<Backup>(&state_)) return backup->hold_until.has_value();
  return std::holds_alternative<Master>(state_) || std::holds_alternative<Releasing>(state_);
}

// ---- arithmetic
// ---------------------------------------------------------------------------------------------

Duration Machine::skew(Duration interval) const {
  return vrrp::skew_time(config_.version, interval, priority_);
}

Duration Machine::down_interval(Duration interval) const {
  return vrrp::active_down_interval(config_.version, interval, priority_, config_.misses);
}

Duration Machine::release_bound() const {
  // The largest skew any backup can have (priority 1), plus what a taker needs to install and announce.
  return vrrp::skew_time(config_.version, config_.interval, 1) + kReleaseMargin + config_.install_time;
}

bool Machine::peers_may_have_moved(const Instant& now, const Master& master) const {
  // The fastest peer (priority 254) waits misses intervals and next to no skew. The clock that counts suspend
  // decides: a suspended machine was silent too.
  return now.boot - master.last_advert.boot > config_.interval * config_.misses;
}

bool Machine::wins_against(const AdvertReceived& advert) const {
  if (advert.priority != priority_) return advert.priority < priority_;
  // The tie between followers is the lead's to break: theirs would tear the families apart.
  if (config_.follows_lead && lead_ == LeadState::kMaster) return true;
  return !(advert.source > advert.own_source.value_or(primary_));
}

bool Machine::may_stand() const noexcept {
  return group_lets_stand_ && (!config_.follows_lead || lead_ == LeadState::kMaster);
}

Machine::Backup Machine::fresh_backup(const Instant& now) const {
  Backup backup;
  backup.heard_at = now.mono;
  backup.master_interval = config_.interval;
  backup.master_down_at = now.mono + down_interval(config_.interval);
  return backup;
}

// Until when a router that comes out of Init or Fault may not claim; nullopt when an ordinary election is as
// long.
std::optional<TimePoint> Machine::end_of_delay(const Instant& now) const {
  auto end = began_at_.value_or(now.mono) + config_.startup_delay;
  const auto* fault = std::get_if<Fault>(&state_);
  if (fault != nullptr && fault->link_was_down) end = std::max(end, now.mono + config_.link_up_delay);
  if (fault != nullptr && fault->was_real) end = std::max(end, now.mono + config_.recovery_delay);
  const auto ordinary =
      priority_ == vrrp::kOwnerPriority ? Duration::zero() : down_interval(config_.interval);
  return end > now.mono + ordinary ? std::optional{end} : std::nullopt;
}

// Nobody may be master now: wait for one skew only, with the addresses still in place.
Machine::Backup Machine::quick_backup(const Instant& now) const {
  auto backup = fresh_backup(now);
  backup.master_down_at = now.mono + skew(config_.interval);
  backup.hold_until = backup.master_down_at + hold_after_better();
  return backup;
}

// ---- transitions
// --------------------------------------------------------------------------------------------

void Machine::transition(State to, Reason reason, Actions& out, Duration silence) {
  const auto from = state();
  entered_because_ = reason;
  if (from != to) out.push_back(Transition{from, to, reason, silence});
}

void Machine::start(const Instant& now, const std::optional<Adoption>& adoption, Actions& out) {
  if (!began_at_) began_at_ = now.mono;
  // A follower goes on beside its lead only: its lead may have yielded just before the crash.
  if (adoption && adoption->was_master && may_stand() &&
      now.boot - adoption->last_advert <= config_.interval * config_.misses) {
    promote(now, Reason::kAdopted, out);
    return;
  }
  if (config_.follows_lead && may_stand()) {
    // No delay of its own, and no silence to wait for: its lead has the right to stand already.
    promote(now, Reason::kLeadIsMaster, out);
    return;
  }
  if (adoption) out.push_back(RemoveAddresses{});  // whatever the crashed speaker left: the peers have moved
  auto backup = fresh_backup(now);
  backup.listen_until = end_of_delay(now);
  if (priority_ == vrrp::kOwnerPriority && !config_.follows_lead && may_stand() && !backup.listen_until) {
    promote(now, Reason::kAddressOwner, out);
    return;
  }
  if (backup.listen_until) backup.master_down_at = *backup.listen_until;
  to_backup(now, backup, Reason::kStartup, out);
}

void Machine::promote(const Instant& now, Reason reason, Actions& out) {
  resignations_left_ = 0;
  out.push_back(SendAdvert{static_cast<vrrp::Priority>(priority_)});
  out.push_back(InstallAddresses{});
  out.push_back(Announce{AnnounceCause::kPromotion});
  Master master;
  master.next_advert_at = now.mono + config_.interval;
  master.last_advert = now;
  master.reply_window = now.mono;
  const auto* backup = std::get_if<Backup>(&state_);
  transition(State::kMaster, reason, out,
             backup != nullptr && backup->master ? now.mono - backup->heard_at : Duration{});
  state_ = master;
}

void Machine::to_backup(const Instant&, Backup backup, Reason reason, Actions& out) {
  if (std::holds_alternative<Master>(state_)) out.push_back(StopAnnouncing{});
  enter(backup, State::kBackup, reason, out);
}

void Machine::to_fault(const Instant& now, Reason reason, Actions& out) {
  if (std::holds_alternative<Master>(state_)) {
    resign(now, out);
    out.push_back(StopAnnouncing{});
  }
  if (holds_addresses()) out.push_back(RemoveAddresses{});
  if (!began_at_) began_at_ = now.mono;
  // What else is wrong meanwhile does not make the link older.
  const auto* before = std::get_if<Fault>(&state_);
  const bool link_was_down = reason == Reason::kInterfaceDown || (before != nullptr && before->link_was_down);
  const bool was_real = reason != Reason::kReconfigured || (before != nullptr && before->was_real);
  enter(Fault{link_was_down, was_real}, State::kFault, reason, out);
}

void Machine::to_init(Reason reason, Actions& out) {
  enter(Init{}, State::kInit, reason, out);
}

void Machine::resign(const Instant& now, Actions& out) {
  out.push_back(SendAdvert{vrrp::kResign});
  resignations_left_ = kResignations - 1;
  next_resignation_at_ = now.mono + kResignationSpacing;
}

// One more advertisement with the real priority, from a master that yields: the survivor of two masters hears
// a losing advertisement and announces again. Without it, one that never heard the other would leave the
// clients of the other's side with a dead entry. (A version 2 survivor answers with announcements alone.)
void Machine::last_word(Actions& out) const {
  out.push_back(SendAdvert{static_cast<vrrp::Priority>(priority_)});
}

void Machine::listen_after_stall(const Instant& now, Actions& out) {
  // Listen for one interval before claiming again. The addresses stay meanwhile: if nobody took over, nobody
  // notices; if somebody did, its first advertisement ends the hold.
  auto backup = fresh_backup(now);
  backup.master_down_at = now.mono + config_.interval + skew(config_.interval);
  backup.hold_until = backup.master_down_at + hold_after_better();
  to_backup(now, backup, Reason::kStalled, out);
}

}  // namespace vipra::election
