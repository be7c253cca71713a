// One network interface as the speaker uses it: its sockets for each family, who listens for which VRID
// there, and the announcements of all routers on it, behind one token bucket.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/speaker/repeat_plan.hpp"
#include "announce/announcer.hpp"
#include "base/ip_address.hpp"
#include "net/neighbour_socket.hpp"
#include "net/vrrp_socket.hpp"
#include "router/foreign_routers.hpp"
#include "router/virtual_router.hpp"

namespace vipra::agent {

// Looks a router up by its index; nullptr if it is gone.
class RouterDirectory {
 public:
  virtual ~RouterDirectory() = default;
  [[nodiscard]] virtual router::VirtualRouter* find(router::RouterIndex index) = 0;
};

// How fast one interface may announce.
struct AnnounceLimit {
  int burst = announce::kBurst;
  int per_second = announce::kPerSecond;
};

// The sockets of one family on one interface.
struct FamilySockets {
  std::optional<net::VrrpSocket> vrrp;
  std::optional<net::VrrpSocket> repeats;  // of advertisements, while the plan holds them back
  RepeatPlan repeat_plan;
  std::uint32_t repeats_lost = 0;  // for want of room, as the kernel counts them
  std::optional<net::NeighbourSocket> neighbours;
  bool requested = false;  // handles were asked of the supervisor
  bool join_posted = false;
  bool joined = false;
  bool join_failed = false;      // tried again when links or addresses change, not before
  std::string error;             // why there are none
  std::set<IpAddress> groups{};  // joined beside VRRP's
  // Routers by VRID: usually one; a second while an older one of the same number is still releasing.
  std::array<std::vector<router::RouterIndex>, 256> by_vrid;

  [[nodiscard]] bool ready() const noexcept { return vrrp && neighbours && joined; }
};

class Interface final : private announce::Sink {
 public:
  Interface(int index, RouterDirectory& routers, const AnnounceLimit& limit)
      : index_{index}, routers_{routers}, announcer_{announce::TokenBucket{limit.burst, limit.per_second}} {}

  [[nodiscard]] int index() const noexcept { return index_; }
  [[nodiscard]] FamilySockets& sockets(Family family) noexcept {
    return families_[family == Family::kIpv4 ? 0 : 1];
  }

  // Who is on this interface now, from scratch: after every change of the set of routers or of their
  // addresses.
  void clear_routers();
  void add_router(const router::VirtualRouter& router);
  [[nodiscard]] bool has_routers(Family family) const noexcept;

  // The routers whose address this is (0, 1, or 2 while one is releasing).
  [[nodiscard]] const std::vector<router::RouterIndex>& owners_of(const IpAddress& ip) const;

  // The virtual routers of others that are heard here.
  [[nodiscard]] router::ForeignRouters& foreign(Family family) noexcept {
    return foreign_[family == Family::kIpv4 ? 0 : 1];
  }
  // Whether one more of them may be told in the log: there may be many, and forged.
  [[nodiscard]] bool may_tell_foreign(TimePoint now) noexcept { return foreign_lines_.try_take(now); }

  // Announcements.
  void start_announcing(const router::VirtualRouter& router, TimePoint now);
  void add_evidence(router::RouterIndex router, TimePoint now);
  void defend(router::RouterIndex router, std::uint32_t address_index, TimePoint now);
  void stop_announcing(router::RouterIndex router);
  void forget_announcements(router::RouterIndex router);
  [[nodiscard]] std::optional<TimePoint> announce_deadline() const noexcept { return announcer_.deadline(); }
  void announce_due(TimePoint now);

 private:
  void announce(router::RouterIndex router, std::uint32_t address_index) override;
  void flush(Family family);

  const int index_;
  RouterDirectory& routers_;
  std::array<FamilySockets, 2> families_;
  std::array<router::ForeignRouters, 2> foreign_;
  announce::TokenBucket foreign_lines_{8, std::chrono::seconds{10}};
  announce::Announcer announcer_;
  std::map<router::RouterIndex, std::size_t> announced_;  // with how many addresses
  std::map<IpAddress, std::vector<router::RouterIndex>> owners_;
  std::array<std::vector<vrrp::NeighbourFrame>, 2> frames_;
  bool forwards_ipv6_ = false;  // the R flag the kernel puts into its own advertisements
};

}  // namespace vipra::agent
