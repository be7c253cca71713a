// What wants attention although a virtual router elects: judged often, told when it is new.
#include <chrono>
#include <cstdlib>

#include "router/virtual_router.hpp"
#include "vrrp/timers.hpp"

namespace vipra::router {
namespace {

FaultInfo forms_mixed() {
  return {Reason::kChecksumFormsMixed,
          "the nodes of this router send both IPv4 checksum forms: set spec.vrrp.ipv4Checksum, or the peers' "
          "equivalent, to one form everywhere"};
}

FaultInfo one_way(const PathWatch& paths) {
  const bool multicast = paths.silent() == vrrp::Path::kMulticast;
  return {Reason::kOneWayMulticast,
          paths.sender().to_string() + " is heard by " +
              (multicast ? "unicast but not by multicast" : "multicast but not by unicast")};
}

FaultInfo claimed_by(const ConflictWatch::Claimant& who) {
  return {Reason::kConflict, "another host, " + who.mac.to_string() + ", says that it has " +
                                 who.ip.to_string() + " too: find it and take the address from it"};
}

FaultInfo advertised_by(const ConflictWatch::OtherRouter& who) {
  return {Reason::kConflict, who.source.to_string() + " advertises " + who.ip.to_string() +
                                 " under virtual router id " + std::to_string(who.vrid) +
                                 ": only one virtual router may carry an address"};
}

FaultInfo too_close(int own, int other, const IpAddress& who, Duration interval) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(interval).count();
  return {Reason::kPriorityGap, "priority " + std::to_string(own) + " and " + std::to_string(other) + " of " +
                                    who.to_string() + " differ by " + std::to_string(std::abs(own - other)) +
                                    ": with an interval of " + std::to_string(milliseconds) +
                                    "ms two nodes take over at the same time unless they differ by " +
                                    std::to_string(vrrp::least_priority_gap(interval))};
}

}  // namespace

const FaultInfo* VirtualRouter::warning() const noexcept {
  for (const auto& warning : warnings_) {
    if (warning) return &*warning;
  }
  return nullptr;
}

// Only who hears another's priority can say it, and only of the one that he hears. Who follows takes nothing
// over.
bool VirtualRouter::gap_is_too_small(const Instant& now) {
  const Closeness found{machine_.priority(), machine_.heard_priority(), now.mono};
  const bool close = state() == State::kBackup && !desired_.lead && machine_.heard_master() &&
                     found.other != vrrp::kResign && found.own == desired_.base_priority &&
                     vrrp::are_too_close(found.own, found.other, desired_.interval);
  if (!close) {
    close_since_.reset();
  } else if (!close_since_ || close_since_->own != found.own || close_since_->other != found.other) {
    close_since_ = found;
  }
  return close_since_ && now.mono - close_since_->since >= kGapPatience;
}

FaultInfo VirtualRouter::words_for(WarningSource source) const {
  switch (source) {
    case WarningSource::kClaimant:
      return claimed_by(*conflicts_.claimant());
    case WarningSource::kOtherRouter:
      return advertised_by(*conflicts_.other_router());
    case WarningSource::kSilentPath:
      return one_way(paths_);
    case WarningSource::kNoPeers:
      return no_peers();
    case WarningSource::kChecksumForms:
      return forms_mixed();
    case WarningSource::kPriorityGap:
      return too_close(close_since_->own, close_since_->other, *machine_.heard_master(), desired_.interval);
  }
  return {};
}

// Judged with every advertisement: the words are made only when they are new.
void VirtualRouter::judge_warnings(const Instant& now) {
  conflicts_.expire(now.mono);
  if (desired_.transport.mode != plan::TransportMode::kBoth) paths_.reset();
  const bool elects = state() == State::kMaster || state() == State::kBackup;
  const auto claimant = conflicts_.claimant();
  const auto other = conflicts_.other_router();
  const std::array<bool, kWarningSources> is_so{
      claimant.has_value(),
      other.has_value(),
      paths_.silent().has_value(),
      elects && segment_ && desired_.transport.unicast() && segment_->unicast.peers.empty(),
      counters_.checksum_form_mixed > 0,
      gap_is_too_small(now)};
  std::array<bool, kWarningSources> is_new{};
  is_new[0] = std::exchange(claimant_told_, claimant) != claimant;
  is_new[1] = std::exchange(other_told_, other) != other;

  const auto* const shown = warning();
  bool changed = false;
  bool shown_anew = false;
  for (std::size_t i = 0; i < kWarningSources; ++i) {
    auto& slot = warnings_[i];
    if (slot.has_value() == is_so[i] && !(is_so[i] && is_new[i])) continue;
    slot = is_so[i] ? std::optional{words_for(static_cast<WarningSource>(i))} : std::nullopt;
    changed = true;
    shown_anew |= slot && &*slot == shown;
  }
  if (!changed) return;
  if (shown_anew || warning() != shown) ports_.journal.on_warning(*this);
  ports_.journal.on_change(*this);
}

}  // namespace vipra::router
