// When the addresses of a virtual router are announced: one table for each address family.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include "base/ip_address.hpp"
#include "base/time.hpp"

namespace vipra::announce {

struct Schedule {
  std::array<Duration, 3> repeats{};  // after the start; the first `repeat_count` of them
  std::size_t repeat_count = 0;
  Duration refresh{};    // after the last round, once the repeats are through
  Duration round_gap{};  // scheduled rounds that are late (a full bucket, a stall) start no closer than this
  Duration evidence_gap{};  // rounds for evidence start no closer than this
  Duration spacing{};       // between two announcements of one address, whatever they are for
};

[[nodiscard]] constexpr Schedule for_family(Family family) noexcept {
  using namespace std::chrono_literals;
  if (family == Family::kIpv4) {
    return {.repeats = {100ms, 1s, 5s},
            .repeat_count = 3,
            .refresh = 60s,
            .round_gap = 100ms,
            .evidence_gap = 1s,
            .spacing = 0s};
  }
  // RFC 4861 section 7.2.6: at most MAX_NEIGHBOR_ADVERTISEMENT (3) in a row, at least RetransTimer (1 s)
  // apart.
  return {.repeats = {1s, 2s},
          .repeat_count = 2,
          .refresh = 60s,
          .round_gap = 1s,
          .evidence_gap = 1s,
          .spacing = 1s};
}

}  // namespace vipra::announce
