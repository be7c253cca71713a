#include "tests/sim/faults.hpp"

#include <cstdio>

namespace vipra::sim {
namespace {

constexpr std::array<std::string_view, kFaultKinds> kNames{"loss",
                                                           "burst-loss",
                                                           "delay",
                                                           "jitter",
                                                           "reorder",
                                                           "duplicate",
                                                           "corrupt",
                                                           "lost-resignation",
                                                           "cut",
                                                           "split",
                                                           "multicast-filter",
                                                           "group-pruned",
                                                           "unicast-filter",
                                                           "member-cut",
                                                           "member-split",
                                                           "self-echo",
                                                           "stranger-claims",
                                                           "stranger-address",
                                                           "foreign-peer",
                                                           "resignation-flood",
                                                           "losing-flood",
                                                           "pause",
                                                           "suspend",
                                                           "slow-scheduler",
                                                           "deep-queue",
                                                           "clock-rate",
                                                           "receive-overflow",
                                                           "kernel-refuses",
                                                           "kernel-busy",
                                                           "kernel-slow",
                                                           "result-lost",
                                                           "events-lost",
                                                           "address-deleted",
                                                           "link-flap",
                                                           "member-link-down",
                                                           "primary-change",
                                                           "speaker-crash",
                                                           "speaker-crash-loop",
                                                           "agent-killed",
                                                           "power-loss",
                                                           "release",
                                                           "rolling-restart",
                                                           "late-join",
                                                           "worsened",
                                                           "bettered",
                                                           "check-fails",
                                                           "stands-aside",
                                                           "member-socket-fails",
                                                           "member-worsened",
                                                           "member-check-fails",
                                                           "reconfigured"};

constexpr std::array<std::string_view, kForeigns> kForeignNames{
    "another version",        "another password", "another VRID",   "a bad checksum", "TTL 254",
    "our own source address", "other list",       "other interval", "second owner"};

std::string nodes_of(std::uint32_t mask) {
  std::string text = "{";
  for (NodeId node = 0; node < kMaxNodes; ++node) {
    if ((mask >> node & 1U) == 0) continue;
    if (text.size() > 1) text += ' ';
    text += std::to_string(node);
  }
  return text + "}";
}

}  // namespace

std::string in_milliseconds(Duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(duration.count() / 1'000'000),
                static_cast<long long>(duration.count() / 1000 % 1000));
  return text;
}

std::string_view to_string(FaultKind kind) noexcept {
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Foreign kind) noexcept {
  return kForeignNames[static_cast<std::size_t>(kind)];
}

FaultClass class_of(const Fault& fault) noexcept {
  if (fault.spared) return FaultClass::kHarmless;
  switch (fault.kind) {
    case FaultKind::kLoss:
    case FaultKind::kBurstLoss:
    case FaultKind::kDelay:
    case FaultKind::kJitter:
    case FaultKind::kReorder:
    case FaultKind::kCorrupt:
    case FaultKind::kResignationFlood:
    case FaultKind::kLosingFlood:
    case FaultKind::kPause:
    case FaultKind::kSuspend:
    case FaultKind::kSlowScheduler:
    case FaultKind::kDeepQueue:
    case FaultKind::kReceiveOverflow:
    case FaultKind::kKernelRefuses:
    case FaultKind::kKernelBusy:
    case FaultKind::kKernelSlow:
    case FaultKind::kResultLost:
    case FaultKind::kLinkFlap:
    case FaultKind::kStrangerAddress:
      return FaultClass::kNoise;
    case FaultKind::kForeignPeer:
      return static_cast<Foreign>(fault.amount) < Foreign::kSameSource ? FaultClass::kHarmless
                                                                       : FaultClass::kNoise;
    case FaultKind::kCut:
    case FaultKind::kSplit:
    case FaultKind::kMulticastFilter:
    case FaultKind::kGroupPruned:
    case FaultKind::kUnicastFilter:
    case FaultKind::kMemberCut:
    case FaultKind::kMemberSplit:
      return FaultClass::kTopology;
    case FaultKind::kSpeakerCrash:
    case FaultKind::kSpeakerCrashLoop:
    case FaultKind::kAgentKilled:
    case FaultKind::kPowerLoss:
    case FaultKind::kRelease:
    case FaultKind::kRollingRestart:
    case FaultKind::kLateJoin:
    case FaultKind::kPrimaryChange:
    case FaultKind::kWorsened:
    case FaultKind::kBettered:
    case FaultKind::kCheckFails:
    case FaultKind::kStandsAside:
    case FaultKind::kMemberLinkDown:
    case FaultKind::kMemberSocketFails:
    case FaultKind::kMemberWorsened:
    case FaultKind::kMemberCheckFails:
    case FaultKind::kReconfigured:
      return FaultClass::kMomentary;
    case FaultKind::kDuplicate:
    case FaultKind::kLostResignation:
    case FaultKind::kSelfEcho:
    case FaultKind::kStrangerClaims:
    case FaultKind::kClockRate:
    case FaultKind::kEventsLost:
    case FaultKind::kAddressDeleted:
      return FaultClass::kHarmless;
  }
  return FaultClass::kNoise;
}

std::string describe(const Fault& fault) {
  std::string text = "at " + in_milliseconds(fault.begin) + " ms";
  if (fault.forever) {
    text += " and for good";
  } else if (fault.length > Duration{}) {
    text += " for " + in_milliseconds(fault.length) + " ms";
  }
  text += ": ";
  text += to_string(fault.kind);
  if (fault.spared) text += " (beside the way)";
  switch (fault.kind) {
    case FaultKind::kCut:
    case FaultKind::kMemberCut:
      text += " from node " + std::to_string(fault.a) + " to node " + std::to_string(fault.b);
      break;
    case FaultKind::kLoss:
    case FaultKind::kDuplicate:
    case FaultKind::kCorrupt:
    case FaultKind::kBurstLoss:
      text += " of " + std::to_string(fault.amount) + "%, nodes " + nodes_of(fault.mask);
      break;
    case FaultKind::kDelay:
    case FaultKind::kJitter:
    case FaultKind::kReorder:
      text += " up to " + std::to_string(fault.amount) + " us, nodes " + nodes_of(fault.mask);
      break;
    case FaultKind::kSplit:
    case FaultKind::kMemberSplit:
    case FaultKind::kGroupPruned:
    case FaultKind::kLostResignation:
      text += " nodes " + nodes_of(fault.mask);
      break;
    case FaultKind::kForeignPeer:
      text += " with ";
      text += to_string(static_cast<Foreign>(fault.amount));
      text += " beside node " + std::to_string(fault.a);
      break;
    default:
      text += fault.at_master ? " the master" : " node " + std::to_string(fault.a);
      if (fault.amount != 0) text += " (" + std::to_string(fault.amount) + ")";
      break;
  }
  return text;
}

}  // namespace vipra::sim
