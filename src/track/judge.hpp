// Verdicts that follow from what the kernel says about links and routes. Pure.
#pragma once

#include <optional>

#include "base/ip_address.hpp"
#include "ownership/kernel_view.hpp"
#include "ownership/routes.hpp"
#include "plan/desired_state.hpp"
#include "track/verdict.hpp"

namespace vipra::track {

// It is there, up, and has carrier.
[[nodiscard]] Verdict judge_link(const ownership::KernelView& kernel, const plan::LinkTrack& track);

// The main table has a route to exactly this destination that packets can take: of those with the lowest
// metric first, one by a device that is up, before one that refuses (blackhole, unreachable, prohibit).
[[nodiscard]] Verdict judge_route(const ownership::KernelView& kernel, const ownership::RouteView& routes,
                                  const plan::RouteTrack& track);

// The next hop of the default route of the family that leaves by this interface and has the lowest metric.
[[nodiscard]] std::optional<IpAddress> default_gateway(const ownership::RouteView& routes, Family family,
                                                       int index);

[[nodiscard]] IpPrefix default_destination(Family family);

}  // namespace vipra::track
