#include "net/route_parse.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "net/netlink_attributes.hpp"

namespace vipra::net {
namespace {

using namespace attributes;
using ownership::NextHop;
using ownership::Route;

constexpr unsigned kNotUsed = RTNH_F_DEAD | RTNH_F_LINKDOWN | RTNH_F_UNRESOLVED;

std::optional<IpPrefix> destination_of(const rtmsg& header, Bytes payload) {
  const bool v4 = header.rtm_family == AF_INET;
  if (!v4 && header.rtm_family != AF_INET6) return std::nullopt;
  if (header.rtm_dst_len > (v4 ? 32 : 128) || header.rtm_src_len != 0 || header.rtm_tos != 0)
    return std::nullopt;
  if ((header.rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  std::uint32_t table = header.rtm_table;
  static constexpr std::array<std::uint8_t, 16> kZero{};
  auto address = IpAddress::from_bytes(Bytes{kZero}.first(v4 ? 4 : 16));
  bool named = header.rtm_dst_len == 0;
  while (const auto attribute = next_attribute(payload)) {
    if (attribute->type == RTA_TABLE) {
      table = attribute->as<std::uint32_t>().value_or(table);
    } else if (attribute->type == RTA_DST) {
      address = as_address(attribute->value, header.rtm_family);
      named = true;
    }
  }
  if (table != RT_TABLE_MAIN || !named || !address) return std::nullopt;
  return IpPrefix{*address, header.rtm_dst_len};
}

// RTA_GATEWAY in a next hop of its own, or in the route.
std::optional<IpAddress> gateway_of(const Attribute& attribute, std::uint8_t family) {
  const auto gateway = as_address(attribute.value, family);
  return gateway && !gateway->is_unspecified() ? gateway : std::nullopt;
}

void add_next_hops(Bytes hops, std::uint8_t family, Route& route) {
  while (hops.size() >= sizeof(rtnexthop)) {
    rtnexthop header;
    std::memcpy(&header, hops.data(), sizeof(header));
    if (header.rtnh_len < sizeof(header) || header.rtnh_len > hops.size()) return;
    NextHop hop;
    hop.index = std::max(header.rtnh_ifindex, 0);
    hop.dead = (header.rtnh_flags & kNotUsed) != 0;
    auto rest = hops.subspan(sizeof(header), header.rtnh_len - sizeof(header));
    while (const auto attribute = next_attribute(rest)) {
      if (attribute->type == RTA_GATEWAY) hop.gateway = gateway_of(*attribute, family);
    }
    route.next_hops.push_back(hop);
    hops = hops.subspan(std::min<std::size_t>(RTNH_ALIGN(header.rtnh_len), hops.size()));
  }
}

Route route_of(const rtmsg& header, const IpPrefix& destination, Bytes payload) {
  Route route;
  route.destination = destination;
  route.forwards = header.rtm_type == RTN_UNICAST;
  NextHop hop;
  hop.dead = (header.rtm_flags & kNotUsed) != 0;
  while (const auto attribute = next_attribute(payload)) {
    switch (attribute->type) {
      case RTA_PRIORITY:
        route.metric = attribute->as<std::uint32_t>().value_or(0);
        break;
      case RTA_OIF:
        hop.index = std::max(attribute->as<std::int32_t>().value_or(0), 0);
        break;
      case RTA_GATEWAY:
        hop.gateway = gateway_of(*attribute, header.rtm_family);
        break;
      case RTA_MULTIPATH:
        add_next_hops(attribute->value, header.rtm_family, route);
        break;
      default:
        break;
    }
  }
  if (route.next_hops.empty()) route.next_hops.push_back(hop);
  return route;
}

}  // namespace

void parse_routes(Bytes bytes, std::span<const IpPrefix> wanted, RouteVisitor& visitor) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > bytes.size()) return;
    Bytes payload = bytes.subspan(sizeof(header), header.nlmsg_len - sizeof(header));
    bytes = bytes.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), bytes.size()));
    if (header.nlmsg_type != RTM_NEWROUTE && header.nlmsg_type != RTM_DELROUTE) continue;
    const auto message = take<rtmsg>(payload);
    if (!message) continue;
    const auto destination = destination_of(*message, payload);
    if (!destination || !std::binary_search(wanted.begin(), wanted.end(), *destination)) continue;
    visitor.on_route(route_of(*message, *destination, payload), header.nlmsg_type == RTM_DELROUTE);
  }
}

}  // namespace vipra::net
