// When the addresses of a virtual router are announced: the table of ARCHITECTURE.md, or what a definition
// says.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include "base/inline_vector.hpp"
#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "plan/desired_state.hpp"

namespace vipra::announce {

inline constexpr std::size_t kMaxRepeats = 8;

// How often one address is defended against a host that goes on claiming it (RFC 5227 section 2.4 (c)).
inline constexpr Duration kDefendInterval = std::chrono::seconds{10};

struct Schedule {
  InlineVector<Duration, kMaxRepeats> repeats;  // since the start, in order
  Duration refresh{};                           // after the last round, once the repeats are through
  Duration round_gap{};  // scheduled rounds that are late (a full bucket, a stall) start no closer than this
  Duration evidence_gap{};               // rounds for evidence start no closer than this
  InlineVector<Duration, 2> follow_ups;  // after a round for evidence: ours shall be the last word
  Duration spacing{};                    // between two announcements of one address, whatever they are for
  bool operator==(const Schedule&) const = default;
};

// The table.
[[nodiscard]] Schedule for_family(Family family);
// What a definition says; the second between two advertisements of one IPv6 address stays, whatever it says.
[[nodiscard]] Schedule schedule_of(Family family, const plan::Announcements& announcements);

}  // namespace vipra::announce
