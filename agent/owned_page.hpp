// The shared page: what the speaker owns and how to give it up, in memory that the supervisor keeps over any
// number of speakers. The speaker writes, the supervisor reads it only when no speaker runs (or to see the
// heartbeat), and hands it to the next speaker, which adopts what is still its own.
//
// Plain data in a memfd: fixed layout, no pointers. Each slot is guarded by a sequence number (odd while it
// is being written), because a SIGKILL may come between any two stores; a torn slot is not trusted.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"
#include "vrrp/types.hpp"

namespace vipra::agent {

inline constexpr std::uint32_t kOwnedPageVersion = 3;
inline constexpr std::size_t kOwnedSlots = 2048;
inline constexpr std::size_t kMaxRouterId = 271;
// The group and 64 peers, as many as a definition lists. Of a larger directory the peers beyond wait for the
// Active_Down_Interval when somebody else has to resign for the speaker.
inline constexpr std::size_t kOwnedDestinations = 65;

struct OwnedDestination {
  std::array<std::uint8_t, 16> source{};  // 4 or 16 bytes by family
  std::array<std::uint8_t, 16> destination{};
};

struct OwnedRouter {
  std::array<char, kMaxRouterId + 1> id{};  // NUL-terminated
  State state = State::kInit;
  std::uint8_t family = 4;
  std::uint8_t vrid = 0;
  bool holds_addresses = false;  // some address of it may be in the kernel
  std::uint32_t interface_index = 0;
  std::int64_t last_advert_boot_ns = 0;  // of the last one sent as master
  std::int64_t interval_ns = 0;
  std::int32_t misses = 3;
  std::uint32_t failed_tracks = 0;  // track::Tracker::failed_tracks
  vrrp::ChecksumForm checksum_form = vrrp::ChecksumForm::kRfc9568;
  std::uint16_t message_size = 0;  // the last advertisement, unsigned: set_priority(0) makes a resignation
  std::array<std::uint8_t, 1460> message{};
  std::uint16_t destination_count = 0;
  std::array<OwnedDestination, kOwnedDestinations> destinations{};  // the message is as the first one gets it

  [[nodiscard]] std::string_view id_view() const noexcept { return {id.data()}; }
};

struct OwnedSlot {
  std::atomic<std::uint32_t> sequence{0};  // 0: never used; odd: being written
  std::uint32_t in_use = 0;
  OwnedRouter router;
};

struct OwnedPage {
  std::uint32_t version = kOwnedPageVersion;
  std::atomic<std::int64_t> heartbeat_ns{0};      // CLOCK_MONOTONIC of the speaker's last turn of its loop
  std::atomic<std::int64_t> next_deadline_ns{0};  // when it means to wake; 0: not running yet
  std::atomic<std::uint32_t> slots_used{0};       // slots beyond were never written
  std::array<OwnedSlot, kOwnedSlots> slots{};
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

}  // namespace vipra::agent
