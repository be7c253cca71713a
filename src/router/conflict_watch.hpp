// Whether somebody else uses addresses of a virtual router: a host that claims one of them, another virtual
// router that advertises one. Pure; never allocates.
//
// Claims are ordinary while masters meet: the loser had the address for a moment, and answers for it. Whoever
// claims when no master was promoted and none was heard lately is a stranger. He is told from a loser whose
// advertisement is still on its way by waiting a little before he is called one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "announce/schedule.hpp"
#include "base/ip_address.hpp"
#include "base/mac_address.hpp"
#include "base/time.hpp"

namespace vipra::router {

// How long a stranger is remembered after his last claim. Hosts and daemons that say where an address lives
// do so again about once a minute (their refresh, or their neighbours' questions): whoever stays is heard
// twice before he is forgotten, so that one lost frame ends no alert.
inline constexpr Duration kClaimMemory = std::chrono::seconds{150};
// Another virtual router says so with every advertisement: its own interval tells when it is gone, at the
// earliest after this.
inline constexpr Duration kAdvertisedMemory = 2 * announce::kDefendInterval;

class ConflictWatch {
 public:
  enum class Verdict : std::uint8_t {
    kOrdinary,  // evidence that masters met
    kStrange,
  };
  struct Claimant {
    IpAddress ip;
    MacAddress mac;
    bool operator==(const Claimant&) const = default;
  };
  struct OtherRouter {
    IpAddress ip;
    IpAddress source;
    std::uint8_t vrid = 0;
    bool operator==(const OtherRouter&) const = default;
  };

  // How far the traces of a meeting of masters reach: two intervals, at least a second, but never so long
  // that a stranger's second defence would come before his name.
  void set_interval(Duration interval) noexcept;
  void promoted(TimePoint at) noexcept { promoted_at_ = at; }
  // No longer master: what is claimed is another's to defend.
  void stood_down() noexcept;
  // A master heard an advertisement of this virtual router.
  void met_master(TimePoint at) noexcept;
  // A master heard that one of its addresses is at a MAC address that is no peer's.
  [[nodiscard]] Verdict claimed(const IpAddress& ip, const MacAddress& mac, TimePoint at) noexcept;
  // Under another virtual router id somebody advertises one of the addresses; forgotten after `patience`.
  void advertised(const OtherRouter& other, TimePoint at, Duration patience) noexcept;

  // The router is another one, or carries others.
  void forget() noexcept {
    claim_.reset();
    advertised_.reset();
  }
  void expire(TimePoint now) noexcept;
  [[nodiscard]] std::optional<TimePoint> deadline() const noexcept;

  // Both name the first of several, and another one at most once in kDefendInterval: who forges many must not
  // make many words.
  [[nodiscard]] std::optional<Claimant> claimant() const noexcept;
  [[nodiscard]] std::optional<OtherRouter> other_router() const noexcept;

 private:
  struct Claim {
    Claimant named;
    TimePoint first{};
    TimePoint last{};
    TimePoint named_at{};
    bool strange = false;
  };
  struct Advertised {
    OtherRouter named;
    TimePoint named_at{};
    TimePoint until{};
  };

  Duration window_{std::chrono::seconds{1}};
  std::optional<TimePoint> promoted_at_;
  std::optional<TimePoint> met_at_;
  std::optional<Claim> claim_;
  std::optional<Advertised> advertised_;
};

}  // namespace vipra::router
