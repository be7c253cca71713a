// Everything that the routers of a node track, and what is known of it. Pure: the kernel's state, neighbours'
// answers and the time come in; questions to gateways go out by a port.
//
// One thread. In steady state (the same routers, links and routes; gateways that answer) nothing is
// allocated, and n gateways cost n frames an interval.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "ownership/kernel_view.hpp"
#include "ownership/routes.hpp"
#include "plan/desired_state.hpp"
#include "track/gateways.hpp"
#include "track/verdict.hpp"
#include "vrrp/neighbour_frame.hpp"

namespace vipra::track {

// One track of a router, as it stands.
struct Tracked {
  plan::Track track;
  Verdict verdict;
  // A gateway: whom it asks now.
  std::optional<IpAddress> gateway;
};

[[nodiscard]] std::string_view kind_of(const plan::Track& track) noexcept;  // "link", "gateway", "route"

// Where a router looks for its gateways.
struct Place {
  int index = 0;
  std::string name;
  bool operator==(const Place&) const = default;
};

class Tracker {
 public:
  // What a router tracks. The verdicts of tracks that are the same as before stay. New ones are unknown, or
  // failed, where a predecessor left so (`failed_before`, as failed_tracks() has it): until this one knows
  // better, which for a gateway is its answer.
  void set_router(const plan::VirtualRouter& router, std::uint32_t failed_before = 0);
  // Forgets those that `is_there(id)` denies.
  template <class Predicate>
  void keep_only(Predicate&& is_there) {
    std::erase_if(routers_, [&](const auto& known) { return !is_there(known.first); });
  }
  void set_place(const plan::RouterId& id, const Place& place);

  // After any change of the above, of links, or of routes.
  void judge(const ownership::KernelView& kernel, const ownership::RouteView& routes);
  void on_claim(int index, const vrrp::NeighbourClaim& claim);
  void step(TimePoint now, ProbePort& port);
  [[nodiscard]] std::optional<TimePoint> deadline(TimePoint now) const { return gateways_.deadline(now); }

  // Calls `handler(id, const Tracked&, Outcome before)` for each track whose definition or verdict is another
  // since the last call.
  template <class Handler>
  void drain_changes(Handler&& handler);

  // Calls `handler(const Tracked&)` for each track of a router.
  template <class Handler>
  void for_tracks(const plan::RouterId& id, Handler&& handler) const {
    const auto found = routers_.find(id);
    if (found == routers_.end()) return;
    for (const Tracked& tracked : found->second.tracks) handler(tracked);
  }
  // A bit for each track of a router that has failed, by its position; the first 32.
  [[nodiscard]] std::uint32_t failed_tracks(const plan::RouterId& id) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return routers_.empty(); }
  // Which routes have to be known, sorted.
  [[nodiscard]] std::vector<IpPrefix> destinations() const;
  [[nodiscard]] const Gateways& gateways() const noexcept { return gateways_; }

 private:
  struct Entry : Tracked {
    bool changed = false;
    bool presumed = false;  // by a predecessor's word alone
    Verdict::Outcome told = Verdict::Outcome::kUnknown;
  };
  struct Router {
    Family family = Family::kIpv4;
    std::optional<Place> place;
    std::vector<Entry> tracks;
  };

  static void set(Entry& entry, Verdict verdict);
  void presume_gateways(Router& router);
  void find_gateways(Router& router, const ownership::RouteView& routes);
  void judge_gateways(Router& router);

  std::map<plan::RouterId, Router> routers_;  // those that track something
  Gateways gateways_;
  bool any_changed_ = false;
};

template <class Handler>
void Tracker::drain_changes(Handler&& handler) {
  if (!any_changed_) return;
  any_changed_ = false;
  for (auto& [id, router] : routers_) {
    for (auto& entry : router.tracks) {
      if (!std::exchange(entry.changed, false)) continue;
      handler(id, static_cast<const Tracked&>(entry), std::exchange(entry.told, entry.verdict.outcome));
    }
  }
}

}  // namespace vipra::track
