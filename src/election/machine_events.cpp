// The machine's answers to what reaches it: deadlines, advertisements, releases, faults, leads, takers. The
// states themselves, and how one enters them, are in machine.cpp.
#include <algorithm>

#include "election/machine.hpp"

namespace vipra::election {
namespace {

void shorten(std::optional<TimePoint>& at, TimePoint limit) {
  if (at) at = std::min(*at, limit);
}

// The same advertisement by the other path: copies are sent together, the next advertisement comes an
// interval later (a resignation: later on the same path).
bool is_copy(const AdvertReceived& a, const AdvertReceived& b) {
  return a.path != b.path && a.source == b.source && a.priority == b.priority &&
         std::chrono::abs(a.received_at - b.received_at) < b.interval / 2;
}

}  // namespace

void Machine::on_deadline(const Instant& now, Actions& out) {
  while (resignations_left_ > 0 && now.mono >= next_resignation_at_) {
    out.push_back(SendAdvert{vrrp::kResign});
    --resignations_left_;
    next_resignation_at_ += kResignationSpacing;
  }
  if (auto* master = std::get_if<Master>(&state_)) {
    if (now.mono < master->next_advert_at) return;
    out.push_back(SendAdvert{static_cast<vrrp::Priority>(priority_)});
    master->last_advert = now;
    master->next_advert_at += config_.interval;
    if (master->next_advert_at <= now.mono) master->next_advert_at = now.mono + config_.interval;
    return;
  }
  if (auto* backup = std::get_if<Backup>(&state_)) {
    if (!backup->waiting_for_lead && now.mono >= backup->master_down_at) {
      if (!may_stand()) {
        backup->waiting_for_lead = true;
      } else {
        const auto reason = backup->taking_over ? Reason::kMasterWorsened
                            : backup->master && backup->master_priority == vrrp::kResign
                                ? Reason::kMasterResigned
                                : Reason::kMasterSilent;
        promote(now, reason, out);
        return;
      }
    }
    if (backup->hold_until && now.mono >= *backup->hold_until) {
      backup->hold_until.reset();
      out.push_back(RemoveAddresses{});
    }
    return;
  }
  if (const auto* releasing = std::get_if<Releasing>(&state_);
      releasing != nullptr && now.mono >= releasing->give_up_at) {
    out.push_back(RemoveAddresses{});
    to_init(entered_because_, out);
  }
}

void Machine::on_advert(const Instant& now, const AdvertReceived& advert, Actions& out) {
  if (advert.source == primary_) return;  // our own, looped back
  if (is_overtaken(advert)) return;
  if (auto* backup = std::get_if<Backup>(&state_)) {
    on_advert_in_backup(now, advert, *backup);
  } else if (auto* master = std::get_if<Master>(&state_)) {
    on_advert_in_master(now, advert, *master, out);
  } else if (auto* releasing = std::get_if<Releasing>(&state_)) {
    on_advert_in_releasing(now, advert, *releasing, out);
  }
}

// Remembers resignations for one interval (no skew is longer), and tells what they have overtaken. On the
// path of the resignation the order holds: there an ordinary advertisement means that the master is back.
bool Machine::is_overtaken(const AdvertReceived& advert) {
  const auto path = static_cast<std::size_t>(advert.path);
  const bool resigned_before =
      resigned_ && resigned_->source == advert.source && advert.received_at < resigned_->until;
  if (advert.priority == vrrp::kResign) {
    if (!resigned_before) resigned_ = Resigned{advert.source, {}, advert.received_at + advert.interval};
    resigned_->on_path[path] = true;
    return false;
  }
  if (!resigned_before) return false;
  if (!resigned_->on_path[path]) return true;
  resigned_.reset();
  return false;
}

void Machine::on_resignation_in_backup(const AdvertReceived& advert, Backup& backup) {
  // The last of three resignations may be overtaken by the taker's first advertisement: it is not the
  // taker's.
  const bool another_serves = backup.master && backup.master != advert.source &&
                              backup.master_priority != vrrp::kResign && backup.master_priority >= priority_;
  auto at = advert.received_at + skew(backup.master_interval);
  for (auto& waits : backup.waits_for) {
    if (waits.source == advert.source) waits = {};
    at = std::max(at, waits.until);
  }
  if (another_serves) return;
  if (backup.master == advert.source || !backup.master) backup.master_priority = vrrp::kResign;
  if (!backup.master) backup.master = advert.source;
  backup.master_down_at = std::min(backup.master_down_at, at);
}

void Machine::wait_for(Backup& backup, const AdvertReceived& master, TimePoint until) const {
  auto& [last, other] = backup.waits_for;
  if (last.source != master.source && last.until != TimePoint{}) {
    const bool is_best =
        other.source != master.source && other.until > master.received_at && other.priority > last.priority;
    if (!is_best) other = last;
    // Who hears a better one is silent from now on; who does not, speaks again within an interval of his.
    if (other.priority < master.priority)
      other.until = std::min(other.until, master.received_at + other.again);
  }
  last = {master.source, master.priority, until, backup.master_interval + skew(backup.master_interval)};
}

void Machine::on_advert_in_backup(const Instant& now, const AdvertReceived& advert, Backup& backup) {
  // Older than what he has said since, and read later.
  if (backup.master == advert.source && advert.received_at < backup.heard_at) return;
  if (advert.priority == vrrp::kResign) return on_resignation_in_backup(advert, backup);
  const bool lower = advert.priority < priority_;
  const bool worsened = lower && backup.master == advert.source && backup.master_priority >= priority_;
  // Of masters that do not hear one another, the one who is better than this router is waited for as long as
  // his own interval wants, however fast a lesser one speaks.
  const auto until = advert.received_at + down_interval(advert.interval);
  const bool lesser =
      lower && std::any_of(backup.waits_for.begin(), backup.waits_for.end(), [&](const auto& better) {
        return better.source != advert.source && better.priority >= priority_ && until < better.until;
      });
  if (lesser) return;
  backup.master = advert.source;
  backup.master_priority = advert.priority;
  // Somebody serves: what is held from an earlier mastership is his now.
  shorten(backup.hold_until, now.mono + hold_after_better());
  // A follower whose lead stands tolerates nobody whom it would win against, whatever the policy: that one's
  // lead and this one's do not hear each other.
  if (config_.follows_lead && lead_ == LeadState::kMaster && wins_against(advert)) return;
  if (!lower) {
    backup.taking_over = false;
    backup.better_since.reset();
  } else if (worsened || backup.taking_over) {
    // A backup that takes over from a worsened master is not held back by its further advertisements.
    backup.taking_over = true;
    if (worsened) {
      backup.master_down_at =
          std::min(backup.master_down_at, advert.received_at + skew(backup.master_interval));
    }
    return;
  } else if (priority_ == vrrp::kOwnerPriority ||
             config_.preemption.policy == plan::PreemptionPolicy::kImmediate) {
    return;
  } else if (config_.preemption.policy == plan::PreemptionPolicy::kDelayed) {
    if (!backup.better_since) {
      backup.better_since = advert.received_at;
      backup.listens_until = backup.listen_until.value_or(advert.received_at);
    }
    if (advert.received_at >= std::max(*backup.better_since + config_.preemption.delay, backup.listens_until))
      return;
  }
  if (config_.version == vrrp::Version::kV3) backup.master_interval = advert.interval;
  backup.heard_at = advert.received_at;
  backup.master_down_at = advert.received_at + down_interval(backup.master_interval);
  wait_for(backup, advert, backup.master_down_at);
  backup.listen_until.reset();
  backup.waiting_for_lead = false;
}

void Machine::on_advert_in_master(const Instant& now, const AdvertReceived& advert, Master& master,
                                  Actions& out) {
  // Whatever is answered counts: a stranger's resignations without end make no storm either.
  const auto reply = [&] {
    if (now.mono - master.reply_window >= config_.interval)
      master.reply_window = now.mono, master.replies = 0;
    if (master.replies >= kMaxRepliesPerInterval) return false;
    ++master.replies;
    out.push_back(SendAdvert{static_cast<vrrp::Priority>(priority_)});
    master.last_advert = now;
    return true;
  };
  const bool answered = master.answered && is_copy(*master.answered, advert);
  if (advert.priority == vrrp::kResign) {
    if (answered) return;
    master.answered = advert;
    if (reply()) master.next_advert_at = now.mono + config_.interval;
    return;
  }
  if (wins_against(advert)) {
    if (answered) return;
    master.answered = advert;
    if (config_.version == vrrp::Version::kV3) static_cast<void>(reply());
    out.push_back(Announce{AnnounceCause::kEvidence});
    return;
  }
  last_word(out);
  auto backup = fresh_backup(now);
  if (config_.version == vrrp::Version::kV3) backup.master_interval = advert.interval;
  backup.heard_at = advert.received_at;
  backup.master_down_at = advert.received_at + down_interval(backup.master_interval);
  backup.master = advert.source;
  backup.master_priority = advert.priority;
  wait_for(backup, advert, backup.master_down_at);
  backup.hold_until = now.mono + hold_after_better();
  to_backup(now, backup, Reason::kPreempted, out);
}

void Machine::on_advert_in_releasing(const Instant& now, const AdvertReceived& advert, Releasing& releasing,
                                     Actions& out) {
  if (advert.priority != vrrp::kResign) {
    releasing.successor = advert.source;
    releasing.successor_priority = advert.priority;
    return;
  }
  // The successor resigns as well: somebody must stand, and we still have the addresses. But not who goes for
  // good: a deleted router, or a node that shuts down, would be master for ever.
  if (releasing.successor == advert.source && !releasing.for_good)
    to_backup(now, quick_backup(now), Reason::kMasterResigned, out);
}

void Machine::on_release(const Instant& now, const Release& release, Actions& out) {
  if (std::holds_alternative<Master>(state_)) {
    resign(now, out);
    out.push_back(StopAnnouncing{});
    enter(Releasing{now.mono + release_bound(), std::nullopt, 0, release.for_good}, State::kReleasing,
          release.reason, out);
  } else if (const auto* backup = std::get_if<Backup>(&state_); backup != nullptr && backup->hold_until) {
    enter(Releasing{*backup->hold_until, backup->master, backup->master_priority, release.for_good},
          State::kReleasing, release.reason, out);
  } else if (auto* releasing = std::get_if<Releasing>(&state_)) {
    releasing->for_good |= release.for_good;
  } else {
    to_init(release.reason, out);
  }
}

void Machine::on_priority(const PriorityChanged& change) {
  priority_ = change.priority;
  if (auto* backup = std::get_if<Backup>(&state_)) {
    // From the last accepted advertisement, and never later than before: a change must not delay a takeover.
    if (!backup->listen_until) {
      backup->master_down_at =
          std::min(backup->master_down_at, backup->heard_at + down_interval(backup->master_interval));
    }
  }
}

void Machine::on_config(const Instant& now, const ConfigChanged& change) {
  const auto old = config_;
  config_ = change.config;
  if (auto* backup = std::get_if<Backup>(&state_);
      backup != nullptr && backup->waiting_for_lead && old.follows_lead && !config_.follows_lead) {
    // It stands for itself from here on, and listens first like everybody.
    backup->waiting_for_lead = false;
    backup->master_down_at = now.mono + down_interval(backup->master_interval);
  }
  if (old.interval == config_.interval && old.misses == config_.misses && old.version == config_.version)
    return;
  if (auto* backup = std::get_if<Backup>(&state_)) {
    if (!backup->master) backup->master_interval = config_.interval;
    if (!backup->taking_over && !backup->listen_until)
      backup->master_down_at = now.mono + down_interval(backup->master_interval);
  } else if (auto* master = std::get_if<Master>(&state_)) {
    master->next_advert_at = std::min(master->next_advert_at, now.mono + config_.interval);
  }
}

void Machine::on_taker(const TakerAnnounced& taker) {
  const auto until = taker.at + kHoldAfterAnnouncement;
  if (auto* backup = std::get_if<Backup>(&state_)) {
    shorten(backup->hold_until, until);
  } else if (auto* releasing = std::get_if<Releasing>(&state_)) {
    releasing->give_up_at = std::min(releasing->give_up_at, until);
  }
}

void Machine::on_lead(const Instant& now, LeadState lead, Actions& out) {
  lead_ = lead;
  if (!config_.follows_lead) return;
  if (lead == LeadState::kMaster) {
    if (std::holds_alternative<Backup>(state_)) promote(now, Reason::kLeadIsMaster, out);
    return;
  }
  if (!std::holds_alternative<Master>(state_)) return;
  auto backup = fresh_backup(now);
  if (lead == LeadState::kBackup) {
    last_word(out);
    backup.hold_until =
        now.mono + hold_after_better();  // the taker's router of this family moves with its lead
  } else {
    resign(now, out);
    backup.hold_until = now.mono + release_bound();
  }
  to_backup(now, backup, Reason::kLeadIsNotMaster, out);
}

void Machine::on_group(const Instant& now, bool may_stand, Actions& out) {
  group_lets_stand_ = may_stand;
  if (auto* backup = std::get_if<Backup>(&state_)) {
    // Its time may have come long ago: then it stands at once.
    if (may_stand && !config_.follows_lead) backup->waiting_for_lead = false;
  } else if (std::holds_alternative<Master>(state_) && !may_stand) {
    resign(now, out);
    auto held = fresh_backup(now);
    held.hold_until = now.mono + release_bound();
    to_backup(now, held, Reason::kGroupMember, out);
  }
}

}  // namespace vipra::election
