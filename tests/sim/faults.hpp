// The faults of a simulated segment: what there is, what one of them says, and what it means for the checks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "tests/sim/clock.hpp"

namespace vipra::sim {

using NodeId = std::uint32_t;
inline constexpr std::size_t kMaxNodes = 7;

// Not here, because nothing simulated could tell: an API server that is away (nothing simulated ever asks
// one), a jump of the realtime clock (the machines use none), a peer of another release (there is none yet
// with another wire format). A witness, and evidence of a peer by another way than the wire, are not built.
enum class FaultKind : std::uint8_t {
  // The network, on the links of `mask`'s nodes or on one link.
  kLoss,
  kBurstLoss,
  kDelay,
  kJitter,
  kReorder,
  kDuplicate,
  kCorrupt,
  kLostResignation,  // one priority-0 advertisement goes astray
  // Its topology.
  kCut,              // a -> b only
  kSplit,            // `mask` against the rest
  kMulticastFilter,  // node a receives no advertisements to the group; neighbour frames and unicast pass
  kGroupPruned,      // the switch sends the group's frames to none of `mask`
  kUnicastFilter,    // node a receives no advertisements by unicast
  kMemberCut,        // as kCut and kSplit, on the second segment: the first one's leave it alone
  kMemberSplit,
  kSelfEcho,  // node a receives what it sends
  // Other parties on the segment.
  kStrangerClaims,   // announces our addresses
  kStrangerAddress,  // somebody configures one of our addresses on node a
  kForeignPeer,      // speaks VRRP, wrongly configured: Foreign
  kResignationFlood,
  kLosingFlood,
  // Time.
  kPause,          // SIGSTOP or a stalled hypervisor: clocks go on
  kSuspend,        // monotonic time stands still
  kSlowScheduler,  // every wake-up is late, with a heavy tail
  kDeepQueue,      // stands still just long enough that advertisements and expiry are ready together
  kClockRate,      // drawn with the nodes, never in the list: up to 200 ppm
  // The kernel of node a.
  kReceiveOverflow,
  kKernelRefuses,   // ENOBUFS: an address is not added
  kKernelBusy,      // the queue of commands is full
  kKernelSlow,      // answers after up to 60 ms
  kResultLost,      // done, but answered as failed
  kEventsLost,      // ENOBUFS on the event socket
  kAddressDeleted,  // by somebody else
  kLinkFlap,
  kMemberLinkDown,
  kPrimaryChange,
  // Processes of node a.
  kSpeakerCrash,      // at the `amount`-th action from now
  kSpeakerCrashLoop,  // until the supervisor resigns for it
  kAgentKilled,
  kPowerLoss,
  kRelease,
  kRollingRestart,
  kLateJoin,
  // Checks, wishes and configuration of node a.
  kWorsened,
  kBettered,
  kCheckFails,
  kStandsAside,  // a switchover is wished, or maintenance: handed over in good health, and taken back
  // ... of its group's member.
  kMemberSocketFails,
  kMemberWorsened,
  kMemberCheckFails,
  kReconfigured,
};
inline constexpr std::size_t kFaultKinds = static_cast<std::size_t>(FaultKind::kReconfigured) + 1;

// What a wrongly configured peer does wrong.
enum class Foreign : std::uint8_t {
  kOtherVersion,
  kOtherPassword,  // of version 2
  kOtherVrid,
  kBadChecksum,
  kRouted,         // TTL below 255
  kSameSource,     // accepted: the address and the priority of node a
  kOtherList,      // accepted: another list of addresses, the other checksum form, the lowest priority
  kOtherInterval,  // accepted by version 3: four times the interval, a priority of its own
  kSecondOwner,    // accepted: priority 255
};
inline constexpr std::size_t kForeigns = static_cast<std::size_t>(Foreign::kSecondOwner) + 1;

enum class FaultClass : std::uint8_t {
  kNoise,      // nothing steady can be asked for while it lasts
  kTopology,   // while it lasts, each side is a segment of its own
  kMomentary,  // over once it has begun, though its consequences are not
  kHarmless,   // must not move anything
};

struct Fault {
  FaultKind kind{};
  WorldTime begin{};
  Duration length{};
  NodeId a = 0;
  NodeId b = 0;
  std::uint32_t mask = 0;
  int amount = 0;
  bool forever = false;
  bool at_master = false;  // who is master then, instead of node a
  // It concerns nobody: advertisements have another way, or come by one on which nobody listens to them.
  bool spared = false;

  [[nodiscard]] WorldTime end() const noexcept { return begin + length; }
};

[[nodiscard]] std::string_view to_string(FaultKind kind) noexcept;
[[nodiscard]] std::string_view to_string(Foreign kind) noexcept;
[[nodiscard]] FaultClass class_of(const Fault& fault) noexcept;
// Of one way of the advertisements alone.
[[nodiscard]] constexpr bool is_of_a_path(FaultKind kind) noexcept {
  return kind == FaultKind::kMulticastFilter || kind == FaultKind::kGroupPruned ||
         kind == FaultKind::kUnicastFilter;
}
// One line: when, for how long, what, where.
[[nodiscard]] std::string describe(const Fault& fault);

}  // namespace vipra::sim
