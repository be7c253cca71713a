// The terms of the channel that the schema cannot express: its version, how large anything may be, and how a
// conversation begins.
//
// Order on control's socket: both sides send Hello first. The supervisor's Hello has ROLE_SUPERVISOR; every
// speaker that came up is announced by a Hello of ROLE_SPEAKER with its own epoch (a new epoch: its counters
// began at zero). Whoever sees a Hello of another version closes the connection and says so in its log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "sys/seqpacket.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::channel {

inline constexpr std::uint32_t kVersion = 1;

// Memory files.
inline constexpr std::uint64_t kMaxDesiredStateBytes = 64ULL * 1024 * 1024;
inline constexpr std::uint64_t kMaxContributionSetBytes = 16ULL * 1024 * 1024;
// One router of a desired state, as bytes: what a reader holds in memory at once while it checks.
inline constexpr std::size_t kMaxRouterBytes = 512 * 1024;

// Counts. kMaxRouters is the number of slots of the shared page (agent/owned_page.hpp).
inline constexpr std::size_t kMaxRouters = 2048;
inline constexpr std::size_t kMaxRouterAddresses = 1024;  // as many as a VirtualIP lists
inline constexpr std::size_t kMaxPeers = 1024;
inline constexpr std::size_t kMaxPeerAddresses = 16;
inline constexpr std::size_t kMaxRouterPeers = kMaxPeers * kMaxPeerAddresses;  // of one router
inline constexpr std::size_t kMaxContributions = 32 * 1024;
inline constexpr std::size_t kMaxHandles = 4 * kMaxRouters;
// Descriptors beside one HandleTable message.
inline constexpr std::size_t kMaxHandlesInMessage = sys::kMaxFds;

// Texts, in bytes.
inline constexpr std::size_t kMaxRouterIdBytes = 271;
inline constexpr std::size_t kMaxNameBytes = 253;  // of an object or a node
inline constexpr std::size_t kMaxInterfaceNameBytes = 15;
inline constexpr std::size_t kMaxPatternBytes = 256;
inline constexpr std::size_t kMaxSourceBytes = 316;  // of a contribution: "check/" and a name
inline constexpr std::size_t kMaxDetailBytes = 1024;
inline constexpr std::size_t kMaxBuildBytes = 64;

// An AgentMessage travels inside FromSpeaker.agent_message, with a tag and a length before it.
inline constexpr std::size_t kMaxAgentMessageBytes = sys::kMaxDatagram - 16;

[[nodiscard]] v1::Hello make_hello(v1::Role role, std::string_view build, std::uint64_t epoch);

// Fails with one sentence that names what is wrong: another version, another role, an oversized build name.
[[nodiscard]] Status check_hello(const v1::Hello& hello, v1::Role expected);

[[nodiscard]] std::string_view to_string(v1::Role role) noexcept;

}  // namespace vipra::channel
