// A virtual router in a group: what a follower tells its lead, and what the lead makes of it.
#include <algorithm>

#include "router/virtual_router.hpp"

namespace vipra::router {

Duration VirtualRouter::down_interval() const {
  return vrrp::active_down_interval(desired_.version, desired_.interval, effective_priority(),
                                    desired_.misses);
}

MemberState VirtualRouter::member_state() const {
  MemberState out;
  if (const auto* current = fault()) {
    out.fault = desired_.id + ": " +
                (current->detail.empty() ? std::string{to_string(current->reason)} : current->detail);
  }
  out.beaten = contest_.has_value();
  out.patience = down_interval();
  return out;
}

// Whom it hears last may be a worse one than whom it hears: the best is remembered. At a tie a follower
// leaves the word to its lead. On a segment of its own that may mean two masters for as long as the leads do
// not hear one another: the one with the lower address says so.
void VirtualRouter::note_contest(const vrrp::Advertisement& advertisement, const IpAddress& source,
                                 TimePoint received_at) {
  if (desired_.group.empty() || !desired_.lead || !segment_) return;
  const bool better = advertisement.priority > effective_priority() ||
                      (advertisement.priority == effective_priority() && source > segment_->primary);
  if (better) {
    contest_ = Contest{source, received_at + down_interval()};
  } else if (contest_ && contest_->by == source) {
    contest_.reset();  // he resigns, or is worse now
  }
}

void VirtualRouter::set_members(const Instant& now, const std::vector<RouterIndex>& members) {
  members_.keep(members);
  judge_group(now);
}

void VirtualRouter::on_member(const Instant& now, RouterIndex member, const MemberState& state) {
  // Who beats it is remembered for one Active_Down_Interval: he has done so for long only where he goes on
  // after that. Otherwise the few advertisements of a move would take a group from its winner. The leads may
  // be slower to meet than the members.
  auto patient = state;
  patient.patience += std::max(state.patience, down_interval());
  if (members_.set(member, patient)) judge_group(now);
}

void VirtualRouter::judge_group(const Instant& now) {
  const bool could = members_.may_stand();
  // Only a better one has the word. A worse one took over when this one yielded, and will yield to the same
  // member: the two of them would take turns without end.
  const auto why = machine_.reason();
  const bool hears = state() == State::kBackup && machine_.heard_master() &&
                     (why == Reason::kLowerPriority || (why == Reason::kLowerAddress && segment_ &&
                                                        *machine_.heard_master() > segment_->primary));
  members_.judge(now.mono, state() == State::kMaster, hears);
  const auto& fault = members_.fault();
  const auto& told = faults_[static_cast<std::size_t>(FaultSource::kGroup)];
  if (fault.empty() ? told.has_value() : !told || told->detail != fault) {
    set_fault(now, FaultSource::kGroup,
              fault.empty() ? std::nullopt : std::optional{FaultInfo{Reason::kGroupMember, fault}});
  }
  if (could == members_.may_stand()) return;
  step(now, election::GroupJudged{members_.may_stand()});
  ports_.journal.on_change(*this);
}

}  // namespace vipra::router
