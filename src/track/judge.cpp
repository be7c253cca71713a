#include "track/judge.hpp"

#include <algorithm>
#include <vector>

namespace vipra::track {
namespace {

using Outcome = Verdict::Outcome;
using ownership::Route;

std::vector<const Route*> by_metric(const ownership::RouteView& routes, const IpPrefix& to) {
  std::vector<const Route*> out;
  for (const auto& route : routes.routes) {
    if (route.destination == to) out.push_back(&route);
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto* a, const auto* b) { return a->metric < b->metric; });
  return out;
}

std::string describe(const IpPrefix& destination) {
  if (destination.length == 0) {
    return std::string{destination.address.is_v4() ? "IPv4" : "IPv6"} + " default route";
  }
  return "route to " + destination.to_string();
}

std::string name_of(const ownership::KernelView& kernel, int index) {
  const auto* link = kernel.link(index);
  return link != nullptr ? link->name : "an interface that is gone";
}

}  // namespace

Verdict judge_link(const ownership::KernelView& kernel, const plan::LinkTrack& track) {
  const auto down = [&](const char* why) {
    return Verdict{Outcome::kFailed, Reason::kTrackedLinkDown, "interface " + track.interface + why};
  };
  for (const auto& [index, link] : kernel.links()) {
    if (link.name != track.interface) continue;
    if (!link.enabled) return down(" is down");
    if (!link.up) return down(" has no carrier");
    return {Outcome::kOk, Reason::kNone, "interface " + track.interface + " is up"};
  }
  return down(" does not exist");
}

Verdict judge_route(const ownership::KernelView& kernel, const ownership::RouteView& routes,
                    const plan::RouteTrack& track) {
  const IpPrefix destination{track.destination, track.prefix_length};
  if (!routes.knows(destination)) return {};
  const auto missing = [](std::string why) {
    return Verdict{Outcome::kFailed, Reason::kRouteMissing, std::move(why)};
  };
  std::string why = "there is no " + describe(destination);
  for (const auto* route : by_metric(routes, destination)) {
    if (!route->forwards) return missing("the " + describe(destination) + " refuses packets");
    for (const auto& hop : route->next_hops) {
      const auto* link = kernel.link(hop.index);
      const bool up = hop.index == 0 || (link != nullptr && link->up);
      if (up && !hop.dead) {
        return {Outcome::kOk, Reason::kNone,
                "the " + describe(destination) + " leaves by " + name_of(kernel, hop.index)};
      }
      why = "the " + describe(destination) + " leaves by " + name_of(kernel, hop.index) + ", which is down";
    }
  }
  return missing(std::move(why));
}

IpPrefix default_destination(Family family) {
  constexpr std::array<std::uint8_t, 16> kZero{};
  return {*IpAddress::from_bytes(std::span{kZero}.first(address_size(family))), 0};
}

std::optional<IpAddress> default_gateway(const ownership::RouteView& routes, Family family, int index) {
  for (const auto* route : by_metric(routes, default_destination(family))) {
    if (!route->forwards) continue;
    for (const auto& hop : route->next_hops) {
      if (hop.index == index && hop.gateway && hop.gateway->family() == family) return hop.gateway;
    }
  }
  return std::nullopt;
}

}  // namespace vipra::track
