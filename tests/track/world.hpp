// A kernel of a few links and routes, and a port that keeps the questions.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "track/tracker.hpp"

namespace vipra::track {

using namespace std::chrono_literals;
using Outcome = Verdict::Outcome;

struct World : ProbePort {
  void add_link(int index, std::string name, bool enabled = true, bool up = true) {
    ownership::Link link;
    link.index = index;
    link.name = std::move(name);
    link.enabled = enabled;
    link.up = up;
    kernel.set_link(link);
  }
  void ask(const std::vector<const char*>& prefixes) {
    for (const auto* prefix : prefixes) routes.asked.push_back(*IpPrefix::parse(prefix));
    std::sort(routes.asked.begin(), routes.asked.end());
    routes.current = true;
  }
  ownership::Route& add_route(const char* prefix, int index, const char* gateway) {
    auto& route = routes.routes.emplace_back();
    route.destination = *IpPrefix::parse(prefix);
    route.forwards = true;
    route.next_hops.push_back({index, gateway == nullptr ? std::nullopt : IpAddress::parse(gateway), false});
    return route;
  }
  bool send(const Probe& probe) override {
    if (!can_send) return false;
    ++sent;
    last = probe;
    return true;
  }

  ownership::KernelView kernel;
  ownership::RouteView routes;
  bool can_send = true;
  int sent = 0;
  Probe last;
};

inline TimePoint at(Duration since_start) {
  return TimePoint{1h + since_start};
}

inline plan::VirtualRouter router(const std::string& object, std::vector<plan::Track> tracks,
                                  Family family = Family::kIpv4) {
  plan::VirtualRouter out;
  out.id = object + (family == Family::kIpv4 ? "/ipv4" : "/ipv6");
  out.family = family;
  out.seniority.name = object;
  out.tracks = std::move(tracks);
  return out;
}

inline plan::Track link_track(const std::string& interface, std::optional<int> delta = -20) {
  return {interface, plan::LinkTrack{interface}, delta};
}
inline plan::Track gateway_track(const char* address, Duration interval = 1s, int misses = 3) {
  return {"gateway",
          plan::GatewayTrack{address == nullptr ? std::nullopt : IpAddress::parse(address), interval, misses},
          -30};
}
inline plan::Track route_track(const char* prefix) {
  const auto wanted = *IpPrefix::parse(prefix);
  return {"route", plan::RouteTrack{wanted.address, wanted.length}, std::nullopt};
}

}  // namespace vipra::track
