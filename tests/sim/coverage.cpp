#include "tests/sim/coverage.hpp"

#include <algorithm>
#include <type_traits>
#include <variant>

namespace vipra::sim {
namespace {

constexpr std::array<std::string_view, kGuards> kGuardNames{"skewed-takeover",
                                                            "takeover-after-resign",
                                                            "takeover-from-worsened",
                                                            "early-deadline",
                                                            "equal-accepted",
                                                            "lower-accepted",
                                                            "lower-discarded",
                                                            "lower-tolerated",
                                                            "lower-no-longer",
                                                            "resignation-shortens",
                                                            "resignation-not-extending",
                                                            "worsened-heard",
                                                            "replies-to-losing",
                                                            "reply-capped",
                                                            "reply-to-resignation",
                                                            "yields-to-higher",
                                                            "yields-at-tie",
                                                            "keeps-at-tie",
                                                            "unanswered-in-version-2",
                                                            "copy-unanswered",
                                                            "overtaken-ignored",
                                                            "lesser-of-two-ignored",
                                                            "follower-keeps-at-tie",
                                                            "self-echo",
                                                            "listens-after-stall",
                                                            "adopted",
                                                            "adoption-too-old",
                                                            "waits-for-lead",
                                                            "promoted-by-lead",
                                                            "falls-with-lead",
                                                            "falls-as-lead-leaves",
                                                            "hold-ends-at-bound",
                                                            "hold-ends-by-taker",
                                                            "release-ends-by-taker",
                                                            "release-ends-at-bound",
                                                            "release-while-holding",
                                                            "successor-noted",
                                                            "priority-shortens",
                                                            "priority-never-extends",
                                                            "config-rearms",
                                                            "fault-resigns",
                                                            "yields-for-group",
                                                            "waits-for-group",
                                                            "stands-for-group-again",
                                                            "fault-of-member"};

constexpr std::array<std::string_view, kSettings> kSettingNames{"multicast",
                                                                "unicast",
                                                                "unicast-to-global-addresses",
                                                                "both-ways",
                                                                "both-ways-to-global-addresses",
                                                                "a-peer-not-listed",
                                                                "version-2",
                                                                "password",
                                                                "one-with-another-version",
                                                                "one-with-another-password",
                                                                "one-with-another-authentication",
                                                                "one-with-another-interval",
                                                                "one-way-warned-of",
                                                                "no-peers"};

// Those that only a node with another family, or a frame that no kernel lets through, could cause are left
// out.
constexpr std::array kRequiredDrops{DropReason::kSelfEcho,
                                    DropReason::kDestination,
                                    DropReason::kTtl,
                                    DropReason::kVersion,
                                    DropReason::kType,
                                    DropReason::kAddrCount,
                                    DropReason::kChecksum,
                                    DropReason::kAuthType,
                                    DropReason::kAuthFail,
                                    DropReason::kSource,
                                    DropReason::kIntervalMismatch};

constexpr std::array<std::string_view, kBoundaries> kBoundaryNames{"send", "add", "remove", "announce",
                                                                   "page"};

constexpr std::array<std::string_view, std::variant_size_v<election::Event>> kEventNames{
    "Startup",         "Shutdown",       "Release",         "CancelRelease",
    "DeadlineReached", "AdvertReceived", "PriorityChanged", "PrimaryAddressChanged",
    "ConfigChanged",   "Faulted",        "Recovered",       "TakerAnnounced",
    "LeadChanged",     "GroupJudged",    "Stalled",         "PeerEvidence"};

template <class Event, std::size_t Index = 0>
constexpr std::size_t index_of() {
  if constexpr (std::is_same_v<std::variant_alternative_t<Index, election::Event>, Event>) {
    return Index;
  } else {
    return index_of<Event, Index + 1>();
  }
}
template <class Event>
constexpr Coverage::Step step(State from, State to) {
  return {from, index_of<Event>(), to};
}

using namespace election;
// From reading the machine; every one of them must happen.
constexpr std::array kRequired{step<Startup>(State::kInit, State::kBackup),
                               step<Startup>(State::kInit, State::kMaster),
                               step<AdvertReceived>(State::kInit, State::kInit),
                               step<PriorityChanged>(State::kInit, State::kInit),
                               step<PrimaryAddressChanged>(State::kInit, State::kInit),
                               step<Faulted>(State::kInit, State::kFault),
                               step<TakerAnnounced>(State::kInit, State::kInit),
                               step<LeadChanged>(State::kInit, State::kInit),
                               step<Release>(State::kBackup, State::kInit),
                               step<Release>(State::kBackup, State::kReleasing),
                               step<DeadlineReached>(State::kBackup, State::kBackup),
                               step<DeadlineReached>(State::kBackup, State::kMaster),
                               step<AdvertReceived>(State::kBackup, State::kBackup),
                               step<PriorityChanged>(State::kBackup, State::kBackup),
                               step<PrimaryAddressChanged>(State::kBackup, State::kBackup),
                               step<ConfigChanged>(State::kBackup, State::kBackup),
                               step<Faulted>(State::kBackup, State::kFault),
                               step<TakerAnnounced>(State::kBackup, State::kBackup),
                               step<LeadChanged>(State::kBackup, State::kBackup),
                               step<LeadChanged>(State::kBackup, State::kMaster),
                               step<Release>(State::kMaster, State::kReleasing),
                               step<DeadlineReached>(State::kMaster, State::kBackup),
                               step<DeadlineReached>(State::kMaster, State::kMaster),
                               step<AdvertReceived>(State::kMaster, State::kBackup),
                               step<AdvertReceived>(State::kMaster, State::kMaster),
                               step<PriorityChanged>(State::kMaster, State::kMaster),
                               step<PrimaryAddressChanged>(State::kMaster, State::kMaster),
                               step<ConfigChanged>(State::kMaster, State::kBackup),
                               step<ConfigChanged>(State::kMaster, State::kMaster),
                               step<Faulted>(State::kMaster, State::kFault),
                               step<LeadChanged>(State::kMaster, State::kBackup),
                               step<GroupJudged>(State::kMaster, State::kBackup),
                               step<GroupJudged>(State::kBackup, State::kBackup),
                               step<CancelRelease>(State::kReleasing, State::kBackup),
                               step<DeadlineReached>(State::kReleasing, State::kInit),
                               step<DeadlineReached>(State::kReleasing, State::kReleasing),
                               step<AdvertReceived>(State::kReleasing, State::kReleasing),
                               step<TakerAnnounced>(State::kReleasing, State::kReleasing),
                               step<LeadChanged>(State::kReleasing, State::kReleasing),
                               step<Release>(State::kFault, State::kInit),
                               step<DeadlineReached>(State::kFault, State::kFault),
                               step<AdvertReceived>(State::kFault, State::kFault),
                               step<PriorityChanged>(State::kFault, State::kFault),
                               step<PrimaryAddressChanged>(State::kFault, State::kFault),
                               step<ConfigChanged>(State::kFault, State::kFault),
                               step<Faulted>(State::kFault, State::kFault),
                               step<Recovered>(State::kFault, State::kBackup),
                               step<Recovered>(State::kFault, State::kMaster),
                               step<TakerAnnounced>(State::kFault, State::kFault),
                               step<LeadChanged>(State::kFault, State::kFault)};

// What may happen as well, but takes a coincidence: any event finds a Master that has stalled, and a
// configuration or a release one that has not begun; and a group is judged whatever its lead is.
bool may_happen(const Coverage::Step& happened) {
  const auto& [from, event, to] = happened;
  if (from == State::kMaster && to == State::kBackup) return true;
  // In the middle of a hand-over.
  if (happened == step<Faulted>(State::kReleasing, State::kFault)) return true;
  const bool changes = event == index_of<PriorityChanged>() || event == index_of<PrimaryAddressChanged>() ||
                       event == index_of<ConfigChanged>() || event == index_of<Release>() ||
                       event == index_of<DeadlineReached>();
  const bool waits = from == State::kInit || from == State::kReleasing;
  return from == to && ((changes && waits) || (event == index_of<GroupJudged>() && from != State::kMaster));
}

std::string name_of(const Coverage::Step& step) {
  const auto& [from, event, to] = step;
  return std::string{to_string(from)} + " + " + std::string{kEventNames[event]} + " -> " +
         std::string{to_string(to)};
}

}  // namespace

std::string_view to_string(Guard guard) noexcept {
  return kGuardNames[static_cast<std::size_t>(guard)];
}

void Coverage::add(const Coverage& other) {
  for (std::size_t i = 0; i < kFaultKinds; ++i) faults_[i] += other.faults_[i];
  for (std::size_t i = 0; i < kForeigns; ++i) foreigns_[i] += other.foreigns_[i];
  for (std::size_t i = 0; i < kBoundaries; ++i) boundaries_[i] += other.boundaries_[i];
  for (std::size_t i = 0; i < kGuards; ++i) guards_[i] += other.guards_[i];
  for (std::size_t i = 0; i < kSettings; ++i) settings_[i] += other.settings_[i];
  for (std::size_t i = 0; i < drops_.size(); ++i) drops_[i] += other.drops_[i];
  for (const auto& [step, times] : other.steps_) steps_[step] += times;
  supervisor_resignations_ += other.supervisor_resignations_;
}

void Coverage::settings(const Scenario& scenario) {
  const bool global = scenario.v6 && scenario.global_peers;
  switch (scenario.transport) {
    case plan::TransportMode::kMulticast:
      setting(Setting::kMulticast);
      break;
    case plan::TransportMode::kUnicast:
      setting(global ? Setting::kUnicastGlobal : Setting::kUnicast);
      break;
    case plan::TransportMode::kBoth:
      setting(global ? Setting::kBothGlobal : Setting::kBoth);
      break;
  }
  if (!scenario.lists_are_complete()) setting(Setting::kPeerMissing);
  if (scenario.version == vrrp::Version::kV2) setting(Setting::kVersion2);
  if (scenario.nodes.front().password) setting(Setting::kPassword);
  if (!scenario.misfit) return;
  constexpr std::array kByMisfit{Setting::kOtherVersion, Setting::kOtherPassword,
                                 Setting::kOtherAuthentication, Setting::kOtherInterval};
  setting(kByMisfit[static_cast<std::size_t>(*scenario.misfit)]);
}

void Coverage::drops(const router::Counters& counters) {
  for (std::size_t i = 0; i < drops_.size(); ++i) drops_[i] += counters.drops[i];
}

std::string Coverage::table() const {
  std::string text;
  const auto line = [&](std::string_view what, std::string_view name, std::uint64_t times) {
    text += std::string{what} + " " + std::string{name} + ": " + std::to_string(times) + "\n";
  };
  for (std::size_t i = 0; i < kFaultKinds; ++i)
    line("fault", to_string(static_cast<FaultKind>(i)), faults_[i]);
  for (std::size_t i = 0; i < kForeigns; ++i)
    line("foreign", to_string(static_cast<Foreign>(i)), foreigns_[i]);
  for (std::size_t i = 0; i < kBoundaries; ++i) line("crash before", kBoundaryNames[i], boundaries_[i]);
  line("process", "supervisor-resigns", supervisor_resignations_);
  for (std::size_t i = 0; i < kGuards; ++i) line("guard", kGuardNames[i], guards_[i]);
  for (std::size_t i = 0; i < kSettings; ++i) line("setting", kSettingNames[i], settings_[i]);
  for (const auto reason : kRequiredDrops)
    line("drop", to_string(reason), drops_[static_cast<std::size_t>(reason)]);
  for (const auto& [step, times] : steps_) line("transition", name_of(step), times);
  return text;
}

std::string Coverage::summary() const {
  std::string text = "coverage:";
  const auto part = [&](std::string_view kind, const auto& counts, auto&& name) {
    std::size_t least = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] < counts[least]) least = i;
    }
    text += " " + std::to_string(counts.size()) + " " + std::string{kind} + ", the least " +
            std::string{name(least)} + " x" + std::to_string(counts[least]) + ";";
  };
  part("faults", faults_, [](std::size_t i) { return to_string(static_cast<FaultKind>(i)); });
  part("foreign peers", foreigns_, [](std::size_t i) { return to_string(static_cast<Foreign>(i)); });
  part("places to crash", boundaries_, [](std::size_t i) { return kBoundaryNames[i]; });
  part("guards", guards_, [](std::size_t i) { return kGuardNames[i]; });
  part("settings", settings_, [](std::size_t i) { return kSettingNames[i]; });
  std::vector<std::uint64_t> drops;
  for (const auto reason : kRequiredDrops) drops.push_back(drops_[static_cast<std::size_t>(reason)]);
  part("reasons to drop", drops, [](std::size_t i) { return to_string(kRequiredDrops[i]); });
  std::vector<std::uint64_t> times;
  for (const auto& step : kRequired) times.push_back(times_of(step));
  part("transitions", times, [](std::size_t i) { return name_of(kRequired[i]); });
  return text + " the supervisor resigned x" + std::to_string(supervisor_resignations_);
}

std::vector<std::string> Coverage::missing() const {
  std::vector<std::string> all;
  const auto demand = [&](std::string_view what, std::string_view name, std::uint64_t times) {
    if (times == 0) all.push_back("never exercised: " + std::string{what} + " " + std::string{name});
  };
  for (std::size_t i = 0; i < kFaultKinds; ++i)
    demand("fault", to_string(static_cast<FaultKind>(i)), faults_[i]);
  for (std::size_t i = 0; i < kForeigns; ++i)
    demand("foreign", to_string(static_cast<Foreign>(i)), foreigns_[i]);
  for (std::size_t i = 0; i < kBoundaries; ++i) demand("crash before", kBoundaryNames[i], boundaries_[i]);
  for (std::size_t i = 0; i < kGuards; ++i) demand("guard", kGuardNames[i], guards_[i]);
  for (std::size_t i = 0; i < kSettings; ++i) demand("setting", kSettingNames[i], settings_[i]);
  for (const auto reason : kRequiredDrops)
    demand("drop", to_string(reason), drops_[static_cast<std::size_t>(reason)]);
  for (const auto& step : kRequired) demand("transition", name_of(step), times_of(step));
  demand("process", "supervisor-resigns", supervisor_resignations_);
  for (const auto& [step, times] : steps_) {
    const bool foreseen =
        std::find(kRequired.begin(), kRequired.end(), step) != kRequired.end() || may_happen(step);
    if (!foreseen) all.push_back("unforeseen transition: " + name_of(step) + " x" + std::to_string(times));
  }
  return all;
}

std::uint64_t Coverage::times_of(const Step& step) const {
  const auto found = steps_.find(step);
  return found == steps_.end() ? 0 : found->second;
}

}  // namespace vipra::sim
