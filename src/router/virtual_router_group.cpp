// A virtual router in a group: what a follower tells its lead, and what the lead makes of it.
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
  const auto why = machine_.reason();
  out.beaten =
      contested_until_.has_value() || (state() == State::kBackup && machine_.heard_master() &&
                                       (why == Reason::kLowerPriority || why == Reason::kLowerAddress));
  // Two for masters that meet: a contest counts for one after its last advertisement.
  out.patience = 2 * down_interval();
  return out;
}

// At a tie a follower leaves the word to its lead. On a segment of its own that may mean two masters for as
// long as the leads do not hear one another: the one with the lower address says so.
void VirtualRouter::note_contest(const vrrp::Advertisement& advertisement, const IpAddress& source,
                                 TimePoint received_at) {
  if (desired_.group.empty() || !desired_.lead || state() != State::kMaster) return;
  if (advertisement.priority != effective_priority() || !segment_ || !(source > segment_->primary)) return;
  contested_until_ = received_at + down_interval();
}

void VirtualRouter::set_members(const Instant& now, const std::vector<RouterIndex>& members) {
  members_.keep(members);
  judge_group(now);
}

void VirtualRouter::on_member(const Instant& now, RouterIndex member, const MemberState& state) {
  auto patient = state;
  patient.patience += down_interval();  // the leads may be slower to meet than the members
  if (members_.set(member, patient)) judge_group(now);
}

void VirtualRouter::judge_group(const Instant& now) {
  const bool could = members_.may_stand();
  members_.judge(now.mono, state() == State::kMaster,
                 state() == State::kBackup && machine_.heard_master().has_value());
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
