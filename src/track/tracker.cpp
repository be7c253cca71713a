#include "track/tracker.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "track/judge.hpp"

namespace vipra::track {
namespace {

using Outcome = Verdict::Outcome;

constexpr std::size_t kMostRemembered = 32;  // tracks of a router over a restart: as many bits

// A gateway is the same while nobody else is asked: patience may change.
bool is_same(const plan::Track& a, const plan::Track& b) {
  const auto* x = std::get_if<plan::GatewayTrack>(&a.what);
  const auto* y = std::get_if<plan::GatewayTrack>(&b.what);
  if (x != nullptr && y != nullptr) return a.name == b.name && x->address == y->address;
  return a.name == b.name && a.what == b.what;
}

Verdict judge_gateway(const Gateways::Gateway& gateway, const plan::GatewayTrack& track, const Place& place) {
  const auto name = gateway.ip.to_string();
  if (gateway.is_silent(track.interval, track.misses)) {
    return {Outcome::kFailed, Reason::kGatewayUnreachable,
            name + " does not answer on " + place.name + " (" + std::to_string(track.misses) +
                " questions in a row)"};
  }
  if (!gateway.ever_answered) return {Outcome::kUnknown, Reason::kNone, name + " is asked on " + place.name};
  return {Outcome::kOk, Reason::kNone, name + " answers on " + place.name};
}

Outcome outcome_of(const Gateways::Gateway& gateway, const plan::GatewayTrack& track) {
  if (gateway.is_silent(track.interval, track.misses)) return Outcome::kFailed;
  return gateway.ever_answered ? Outcome::kOk : Outcome::kUnknown;
}

// What a predecessor knew, in its own words no more.
Verdict failed_before_the_start(const plan::Track& track) {
  constexpr Reason kReasons[] = {Reason::kTrackedLinkDown, Reason::kGatewayUnreachable,
                                 Reason::kRouteMissing};
  return {Outcome::kFailed, kReasons[track.what.index()], "had failed before the speaker was started again"};
}

}  // namespace

std::string_view kind_of(const plan::Track& track) noexcept {
  constexpr std::string_view kKinds[] = {"link", "gateway", "route"};
  return kKinds[track.what.index()];
}

void Tracker::set_router(const plan::VirtualRouter& router, std::uint32_t failed_before) {
  if (router.tracks.empty()) {
    routers_.erase(router.id);
    return;
  }
  auto& known = routers_[router.id];
  known.family = router.family;
  auto before = std::exchange(known.tracks, {});
  for (const auto& track : router.tracks) {
    auto& tracked = known.tracks.emplace_back();
    const auto old = std::find_if(before.begin(), before.end(),
                                  [&](const auto& candidate) { return is_same(candidate.track, track); });
    if (old != before.end()) {
      tracked = std::move(*old);
    } else if (const auto i = known.tracks.size() - 1;
               i < kMostRemembered && (failed_before >> i & 1U) != 0) {
      tracked.verdict = failed_before_the_start(track);
      tracked.presumed = true;
    }
    // What follows from a failure may be another now.
    if (tracked.track != track || old == before.end()) tracked.changed = any_changed_ = true;
    tracked.track = track;
  }
}

void Tracker::set_place(const plan::RouterId& id, const Place& place) {
  const auto found = routers_.find(id);
  if (found == routers_.end() || found->second.place == place) return;
  found->second.place = place;
}

std::uint32_t Tracker::failed_tracks(const plan::RouterId& id) const noexcept {
  const auto found = routers_.find(id);
  if (found == routers_.end()) return 0;
  const auto& tracks = found->second.tracks;
  std::uint32_t failed = 0;
  for (std::size_t i = 0; i < std::min(tracks.size(), kMostRemembered); ++i)
    failed |= tracks[i].verdict.failed() ? 1U << i : 0U;
  return failed;
}

void Tracker::set(Entry& entry, Verdict verdict) {
  entry.presumed = false;
  if (entry.verdict == verdict) return;
  entry.verdict = std::move(verdict);
  entry.changed = true;
}

void Tracker::judge(const ownership::KernelView& kernel, const ownership::RouteView& routes) {
  gateways_.begin();
  for (auto& [id, router] : routers_) {
    for (auto& entry : router.tracks) {
      const auto& what = entry.track.what;
      if (const auto* link = std::get_if<plan::LinkTrack>(&what)) {
        set(entry, judge_link(kernel, *link));
      } else if (const auto* route = std::get_if<plan::RouteTrack>(&what)) {
        auto verdict = judge_route(kernel, routes, *route);
        // The kernel takes routes away without a word when a link goes down: a failure is over only once
        // they were read anew.
        const bool may_heal = routes.current || !entry.verdict.failed();
        if (verdict.outcome != Outcome::kUnknown && (verdict.failed() || may_heal))
          set(entry, std::move(verdict));
      }
    }
    find_gateways(router, routes);
  }
  gateways_.end();
  // Only now is it known how often each is asked.
  for (auto& [id, router] : routers_) presume_gateways(router);
  for (auto& [id, router] : routers_) judge_gateways(router);
  any_changed_ = true;
}

void Tracker::find_gateways(Router& router, const ownership::RouteView& routes) {
  if (!router.place) return;
  for (auto& tracked : router.tracks) {
    const auto* track = std::get_if<plan::GatewayTrack>(&tracked.track.what);
    if (track == nullptr) continue;
    if (track->address) {
      tracked.gateway = track->address;
    } else if (routes.knows(default_destination(router.family))) {
      tracked.gateway = default_gateway(routes, router.family, router.place->index);
      if (!tracked.gateway) {
        set(tracked, {Outcome::kFailed, Reason::kGatewayUnreachable,
                      "no " + std::string{to_string(router.family)} + " default route leaves by " +
                          router.place->name});
      }
    }
    if (tracked.gateway)
      gateways_.want(router.place->index, *tracked.gateway, track->interval, track->misses);
  }
}

void Tracker::presume_gateways(Router& router) {
  if (!router.place) return;
  for (auto& entry : router.tracks) {
    const auto* track = std::get_if<plan::GatewayTrack>(&entry.track.what);
    if (track == nullptr || !entry.presumed || !entry.gateway) continue;
    gateways_.presume_silent(router.place->index, *entry.gateway, track->interval, track->misses);
  }
}

void Tracker::judge_gateways(Router& router) {
  if (!router.place) return;
  for (auto& tracked : router.tracks) {
    const auto* track = std::get_if<plan::GatewayTrack>(&tracked.track.what);
    if (track == nullptr || !tracked.gateway) continue;
    const auto* gateway = gateways_.find(router.place->index, *tracked.gateway);
    if (gateway != nullptr) set(tracked, judge_gateway(*gateway, *track, *router.place));
  }
}

void Tracker::on_claim(int index, const vrrp::NeighbourClaim& claim) {
  if (!gateways_.on_claim(index, claim)) return;
  for (auto& [id, router] : routers_) judge_gateways(router);
  any_changed_ = true;
}

void Tracker::step(TimePoint now, ProbePort& port) {
  if (!gateways_.step(now, port)) return;
  for (auto& [id, router] : routers_) {
    if (!router.place) continue;
    for (const auto& tracked : router.tracks) {
      const auto* track = std::get_if<plan::GatewayTrack>(&tracked.track.what);
      if (track == nullptr || !tracked.gateway) continue;
      const auto* gateway = gateways_.find(router.place->index, *tracked.gateway);
      if (gateway == nullptr || outcome_of(*gateway, *track) == tracked.verdict.outcome) continue;
      judge_gateways(router);
      any_changed_ = true;
      break;
    }
  }
}

std::vector<IpPrefix> Tracker::destinations() const {
  std::vector<IpPrefix> out;
  for (const auto& [id, router] : routers_) {
    for (const auto& tracked : router.tracks) {
      if (const auto* route = std::get_if<plan::RouteTrack>(&tracked.track.what)) {
        out.push_back({route->destination, route->prefix_length});
      } else if (const auto* gateway = std::get_if<plan::GatewayTrack>(&tracked.track.what);
                 gateway != nullptr && !gateway->address) {
        out.push_back(default_destination(router.family));
      }
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace vipra::track
