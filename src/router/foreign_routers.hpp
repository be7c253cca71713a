// The virtual routers of others on one segment and family: whoever is heard with a VRID that no router of
// this node has there. A table of fixed size; pure, never allocates.
//
// They are no mistake: segments are shared. But whoever looks for a free VRID, or for the other end of a
// conflict, wants to know them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "vrrp/packet.hpp"

namespace vipra::router {

struct ForeignRouter {
  static constexpr std::size_t kAddresses = 8;

  // Together they say who it is.
  std::uint8_t vrid = 0;
  vrrp::Version version = vrrp::Version::kV3;
  IpAddress source;

  vrrp::Priority priority = 0;
  Duration interval{};
  std::array<IpAddress, kAddresses> first_addresses{};
  std::size_t address_count = 0;  // of the whole list
  std::uint64_t packets = 0;
  TimePoint first_seen{};
  TimePoint last_seen{};
  TimePoint examined_at{};

  [[nodiscard]] std::span<const IpAddress> addresses() const noexcept {
    return {first_addresses.data(), address_count < kAddresses ? address_count : kAddresses};
  }
  // How long it may be silent before it counts as gone: some of its intervals, but never minutes without end.
  [[nodiscard]] Duration patience() const noexcept;
};

class ForeignRouters {
 public:
  static constexpr std::size_t kCapacity = 64;
  // How often the address list of one is looked at; whoever sends faster is not listened to any better.
  static constexpr Duration kExamination = std::chrono::seconds{1};
  // Not before: while a VRID is changed, nodes hear each other under the old one for a moment.
  static constexpr Duration kSettling = std::chrono::seconds{3};

  struct Heard {
    const ForeignRouter* router = nullptr;  // null: no room, or a resignation
    bool appeared = false;
    bool examine = false;  // look at its whole list now
  };
  // A good advertisement with a foreign VRID.
  Heard heard(const IpAddress& source, const vrrp::Advertisement& advertisement, TimePoint at) noexcept;

  // Calls `gone(const ForeignRouter&)` for each that has been silent for too long.
  template <class Gone>
  void expire(TimePoint now, Gone&& gone) {
    for (std::size_t i = 0; i < count_;) {
      if (now - routers_[i].last_seen < routers_[i].patience()) {
        ++i;
        continue;
      }
      gone(routers_[i]);
      routers_[i] = routers_[--count_];
    }
    find_wake();
  }
  // When expire() may have something to do. May be early, never late.
  [[nodiscard]] std::optional<TimePoint> deadline() const noexcept { return wake_; }

  [[nodiscard]] std::span<const ForeignRouter> all() const noexcept { return {routers_.data(), count_}; }
  [[nodiscard]] std::uint64_t packets() const noexcept { return packets_; }
  // Advertisements of those for whom there was no room.
  [[nodiscard]] std::uint64_t untracked() const noexcept { return untracked_; }

 private:
  void find_wake() noexcept;

  std::array<ForeignRouter, kCapacity> routers_{};
  std::size_t count_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t untracked_ = 0;
  std::optional<TimePoint> wake_;
};

}  // namespace vipra::router
