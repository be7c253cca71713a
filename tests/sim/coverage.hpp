// What the seeds have exercised: every fault, every transition of the machine and every guard of it. A
// simulation that never gets somewhere proves nothing about it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/reason.hpp"
#include "election/machine.hpp"
#include "router/virtual_router.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/speaker.hpp"

namespace vipra::sim {

// Decisions of the machine, told by what went in and what came out. Not among them is what no speaker ever
// sends: Shutdown (a speaker that ends releases), Stalled (a master sees it by itself, in its overdue
// advertisement), PeerEvidence (nobody brings any yet) and a release that is not for good. They are tested in
// tests/election alone.
enum class Guard : std::uint8_t {
  kSkewedTakeover,        // a Backup's deadline, and nobody was heard
  kTakeoverAfterResign,   // ... after a resignation
  kTakeoverFromWorsened,  // ... of a master that fell below
  kEarlyDeadline,         // a deadline event that is for something else
  kEqualAccepted,         // a Backup hears its own priority: no reason to take over
  kLowerAccepted,         // preemption Never: the lower master is left alone
  kLowerDiscarded,        // preemption Immediate, or the address owner
  kLowerTolerated,        // preemption Delayed, before its time
  kLowerNoLonger,         // ... and after
  kResignationShortens,
  kResignationNotExtending,  // a further one does not put it off
  kWorsenedHeard,
  kRepliesToLosing,
  kReplyCapped,
  kReplyToResignation,
  kYieldsToHigher,
  kYieldsAtTie,
  kKeepsAtTie,
  kUnansweredInV2,    // a losing advertisement, which version 2 answers by an announcement alone
  kCopyUnanswered,    // by the other way
  kOvertakenIgnored,  // a resignation came first, by the other way
  kLesserOfTwo,       // of two masters with different intervals hurries nobody
  kFollowerKeepsAtTie,
  kSelfEcho,
  kListensAfterStall,
  kAdopted,
  kAdoptionTooOld,
  kWaitsForLead,
  kPromotedByLead,
  kFallsWithLead,
  kFallsAsLeadLeaves,
  kHoldEndsAtBound,
  kHoldEndsByTaker,
  kReleaseEndsByTaker,
  kReleaseEndsAtBound,
  kReleaseWhileHolding,
  kSuccessorNoted,
  kPriorityShortens,
  kPriorityNeverExtends,
  kConfigRearms,
  kFaultResigns,
  kYieldsForGroup,
  kWaitsForGroup,
  kStandsForGroupAgain,
  kFaultOfMember,
};
inline constexpr std::size_t kGuards = static_cast<std::size_t>(Guard::kFaultOfMember) + 1;
[[nodiscard]] std::string_view to_string(Guard guard) noexcept;

// How nodes are configured, and what only some of it leads to.
enum class Setting : std::uint8_t {
  kMulticast,
  kUnicast,
  kUnicastGlobal,
  kBoth,
  kBothGlobal,
  kPeerMissing,
  kVersion2,
  kPassword,
  kOtherVersion,  // by Misfit
  kOtherPassword,
  kOtherAuthentication,
  kOtherInterval,
  kOneWayWarned,
  kNoPeers,
};
inline constexpr std::size_t kSettings = static_cast<std::size_t>(Setting::kNoPeers) + 1;

class Coverage {
 public:
  using Step = std::tuple<State, std::size_t, State>;  // from, the event's alternative, to

  void add(const Coverage& other);
  void fault(FaultKind kind, std::uint64_t times = 1) { faults_[static_cast<std::size_t>(kind)] += times; }
  void foreign(Foreign kind) { ++foreigns_[static_cast<std::size_t>(kind)]; }
  void boundary(Boundary boundary) { ++boundaries_[static_cast<std::size_t>(boundary)]; }
  void guard(Guard guard) { ++guards_[static_cast<std::size_t>(guard)]; }
  void step(State from, const election::Event& event, State to) { ++steps_[{from, event.index(), to}]; }
  void setting(Setting setting) { ++settings_[static_cast<std::size_t>(setting)]; }
  void settings(const Scenario& scenario);
  void warned(Reason reason) {
    if (reason == Reason::kOneWayMulticast) setting(Setting::kOneWayWarned);
  }
  void drops(const router::Counters& counters);
  void supervisor_resigned() { ++supervisor_resignations_; }

  // One line with the least exercised of each kind; then, one a line, what was never exercised, and
  // transitions that nobody foresaw. Empty lists: covered.
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] std::string table() const;
  [[nodiscard]] std::vector<std::string> missing() const;

 private:
  [[nodiscard]] std::uint64_t times_of(const Step& step) const;

  std::array<std::uint64_t, kFaultKinds> faults_{};
  std::array<std::uint64_t, kForeigns> foreigns_{};
  std::array<std::uint64_t, kBoundaries> boundaries_{};
  std::array<std::uint64_t, kGuards> guards_{};
  std::array<std::uint64_t, kSettings> settings_{};
  std::array<std::uint64_t, kAllDropReasonValues.size()> drops_{};
  std::map<Step, std::uint64_t> steps_;
  std::uint64_t supervisor_resignations_ = 0;
};

// Where the hook on Machine::step (machine_hook.cpp) counts; null counts nothing. The policy and the
// version tell apart what a machine does not show.
void count_steps_into(Coverage* coverage, plan::PreemptionPolicy policy = {},
                      vrrp::Version version = {}) noexcept;

}  // namespace vipra::sim
