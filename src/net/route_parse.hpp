// Routes out of netlink messages: of the main table, to the destinations that are asked for. Everything else
// is dropped before anything is allocated, because a node may have a million routes. Pure.
#pragma once

#include <cstdint>
#include <span>

#include "ownership/routes.hpp"

namespace vipra::net {

class RouteVisitor {
 public:
  virtual ~RouteVisitor() = default;
  virtual void on_route(ownership::Route route, bool removed) = 0;
};

// `wanted` is sorted. Routes that serve some packets of their destination only (by source or by type of
// service) are none of it. Malformed messages are skipped; nothing is read beyond `bytes`.
void parse_routes(std::span<const std::uint8_t> bytes, std::span<const IpPrefix> wanted,
                  RouteVisitor& visitor);

}  // namespace vipra::net
