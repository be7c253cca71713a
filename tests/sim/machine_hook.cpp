// Sees every step of every machine: what went in, what came out. The linker puts this function in the place
// of election::Machine::step (--wrap), so that the shipped objects need nothing for it.
#include <algorithm>
#include <optional>

#include "tests/sim/coverage.hpp"

namespace vipra::election {

// Their names are set here and in the linker's option together (CMakeLists.txt). To the ABI, a member
// function is a function whose first parameter is the object.
Actions real_step(Machine* machine, const Instant& now, const Event& event) __asm__("__real_" VIPRA_SIM_STEP);
Actions wrapped_step(Machine* machine, const Instant& now,
                     const Event& event) __asm__("__wrap_" VIPRA_SIM_STEP);

}  // namespace vipra::election

namespace vipra::sim {
namespace {

using namespace election;

Coverage* g_coverage = nullptr;
plan::PreemptionPolicy g_policy{};
vrrp::Version g_version{};

struct Before {
  explicit Before(const Machine& machine)
      : state{machine.state()},
        priority{machine.priority()},
        master{machine.heard_master()},
        master_priority{machine.heard_priority()},
        holds{machine.holds_addresses()},
        deadline{machine.deadline()},
        reason{machine.reason()} {}
  State state;
  int priority;
  std::optional<IpAddress> master;
  int master_priority;
  bool holds;
  std::optional<TimePoint> deadline;
  Reason reason;
};

class Judge {
 public:
  Judge(const Before& before, const Machine& machine, const Actions& actions)
      : before_{before}, machine_{machine}, after_{machine.state()} {
    for (const auto& action : actions) {
      if (const auto* advert = std::get_if<SendAdvert>(&action))
        ++(advert->priority == 0 ? resigned_ : sent_);
      removed_ |= std::holds_alternative<RemoveAddresses>(action);
      evidence_ |= std::holds_alternative<Announce>(action);
      if (const auto* transition = std::get_if<Transition>(&action)) reason_ = transition->reason;
    }
  }

  void operator()(const DeadlineReached&) const {
    if (before_.state == State::kBackup && after_ == State::kMaster) {
      hit(reason_ == Reason::kMasterSilent     ? Guard::kSkewedTakeover
          : reason_ == Reason::kMasterResigned ? Guard::kTakeoverAfterResign
                                               : Guard::kTakeoverFromWorsened);
    } else if (before_.state == State::kBackup && after_ == State::kBackup) {
      if (before_.reason != machine_.reason() && machine_.reason() == Reason::kLeadIsNotMaster)
        hit(Guard::kWaitsForLead);
      if (machine_.reason() == Reason::kGroupMember && machine_.deadline() != before_.deadline && !removed_)
        hit(Guard::kWaitsForGroup);
      if (removed_) hit(Guard::kHoldEndsAtBound);
    } else if (before_.state == State::kReleasing && after_ == State::kInit) {
      hit(machine_.heard_master() || before_.master ? Guard::kReleaseEndsByTaker
                                                    : Guard::kReleaseEndsAtBound);
    }
    if (before_.state != State::kBackup && sent_ == 0 && resigned_ > 0) hit(Guard::kEarlyDeadline);
  }
  void operator()(const AdvertReceived& advert) const {
    if (reason_ == Reason::kStalled) return;
    if (before_.state == State::kBackup) in_backup(advert);
    if (before_.state == State::kMaster) in_master(advert);
    if (before_.state == State::kReleasing) {
      if (after_ == State::kReleasing && advert.priority > 0) hit(Guard::kSuccessorNoted);
    }
  }
  void operator()(const Startup& start) const {
    if (reason_ == Reason::kAdopted) hit(Guard::kAdopted);
    if (start.adoption && start.adoption->was_master && after_ == State::kBackup) hit(Guard::kAdoptionTooOld);
  }
  void operator()(const Release&) const {
    if (before_.state == State::kBackup && after_ == State::kReleasing) hit(Guard::kReleaseWhileHolding);
  }
  void operator()(const PriorityChanged& change) const {
    if (before_.state != State::kBackup) return;
    if (machine_.deadline() < before_.deadline) hit(Guard::kPriorityShortens);
    if (change.priority < before_.priority && machine_.deadline() == before_.deadline)
      hit(Guard::kPriorityNeverExtends);
  }
  void operator()(const ConfigChanged&) const {
    if (before_.state == State::kBackup && machine_.deadline() != before_.deadline) hit(Guard::kConfigRearms);
  }
  void operator()(const GroupJudged& judged) const {
    if (before_.state == State::kMaster && after_ == State::kBackup) hit(Guard::kYieldsForGroup);
    if (judged.may_stand && after_ == State::kBackup) hit(Guard::kStandsForGroupAgain);
  }
  void operator()(const Faulted& fault) const {
    if (before_.state == State::kMaster && fault.reason == Reason::kGroupMember) hit(Guard::kFaultOfMember);
    if (before_.state == State::kMaster && resigned_ > 0) hit(Guard::kFaultResigns);
  }
  void operator()(const TakerAnnounced&) const {
    if (before_.holds && before_.state == State::kBackup && machine_.deadline() < before_.deadline)
      hit(Guard::kHoldEndsByTaker);
  }
  void operator()(const LeadChanged& change) const {
    if (before_.state == State::kBackup && after_ == State::kMaster) hit(Guard::kPromotedByLead);
    if (before_.state == State::kMaster && after_ == State::kBackup && reason_ == Reason::kLeadIsNotMaster)
      hit(change.lead == LeadState::kBackup ? Guard::kFallsWithLead : Guard::kFallsAsLeadLeaves);
  }
  template <class Other>
  void operator()(const Other&) const {}

  void in_any_event() const {
    if (before_.state == State::kMaster && reason_ == Reason::kStalled) hit(Guard::kListensAfterStall);
  }

 private:
  static void hit(Guard guard) { g_coverage->guard(guard); }

  void in_backup(const AdvertReceived& advert) const {
    const bool moved = machine_.deadline() != before_.deadline;
    if (advert.priority == 0) {
      hit(machine_.deadline() < before_.deadline ? Guard::kResignationShortens
                                                 : Guard::kResignationNotExtending);
      return;
    }
    // Whoever counts is the master heard from there on.
    if (machine_.heard_master() != advert.source) {
      if (advert.priority < before_.priority) hit(Guard::kLesserOfTwo);
      return;
    }
    if (machine_.heard_priority() == vrrp::kResign) {
      hit(Guard::kOvertakenIgnored);
      return;
    }
    if (advert.priority >= before_.priority) {
      if (advert.priority == before_.priority) hit(Guard::kEqualAccepted);
      return;
    }
    if (machine_.reason() == Reason::kMasterWorsened) {
      if (before_.reason != Reason::kMasterWorsened) hit(Guard::kWorsenedHeard);
      return;
    }
    if (g_policy == plan::PreemptionPolicy::kDelayed) {
      hit(moved ? Guard::kLowerTolerated : Guard::kLowerNoLonger);
    } else {
      hit(moved ? Guard::kLowerAccepted : Guard::kLowerDiscarded);
    }
  }
  void in_master(const AdvertReceived& advert) const {
    if (advert.priority == 0) {
      hit(sent_ > 0 ? Guard::kReplyToResignation : Guard::kReplyCapped);
    } else if (after_ == State::kBackup) {
      hit(advert.priority == before_.priority ? Guard::kYieldsAtTie : Guard::kYieldsToHigher);
    } else if (evidence_) {
      hit(sent_ > 0                         ? Guard::kRepliesToLosing
          : g_version == vrrp::Version::kV2 ? Guard::kUnansweredInV2
                                            : Guard::kReplyCapped);
      if (advert.priority == before_.priority) hit(Guard::kKeepsAtTie);
    } else if (after_ == State::kMaster) {
      hit(Guard::kCopyUnanswered);
    }
  }

  const Before& before_;
  const Machine& machine_;
  State after_;
  int sent_ = 0;
  int resigned_ = 0;
  bool removed_ = false;
  bool evidence_ = false;
  Reason reason_ = Reason::kNone;
};

}  // namespace

void count_steps_into(Coverage* coverage, plan::PreemptionPolicy policy, vrrp::Version version) noexcept {
  g_coverage = coverage;
  g_policy = policy;
  g_version = version;
}

}  // namespace vipra::sim

vipra::election::Actions vipra::election::wrapped_step(Machine* machine, const Instant& now,
                                                       const Event& event) {
  using namespace vipra::sim;
  if (g_coverage == nullptr) return real_step(machine, now, event);
  const Before before{*machine};
  auto actions = real_step(machine, now, event);
  const Judge judge{before, *machine, actions};
  judge.in_any_event();
  std::visit(judge, event);
  g_coverage->step(before.state, event, machine->state());
  return actions;
}
