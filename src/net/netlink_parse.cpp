#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "net/netlink_attributes.hpp"
#include "net/netlink_events.hpp"

namespace vipra::net {
namespace {

using namespace attributes;

// linux/if.h has it, but cannot be included beside net/if.h.
constexpr unsigned kLowerUp = 1u << 16;

std::string_view as_text(Bytes value) noexcept {
  const auto end = std::find(value.begin(), value.end(), std::uint8_t{0});
  return {reinterpret_cast<const char*>(value.data()), static_cast<std::size_t>(end - value.begin())};
}

bool is_macvlan(Bytes link_info) noexcept {
  while (const auto attribute = next_attribute(link_info)) {
    if (attribute->type == IFLA_INFO_KIND) return as_text(attribute->value) == "macvlan";
  }
  return false;
}

void parse_link(std::uint16_t type, Bytes payload, NetlinkVisitor& visitor) {
  const auto info = take<ifinfomsg>(payload);
  // A bridge reports its ports by the same messages in its own family: a port that leaves is no interface
  // removed.
  if (!info || info->ifi_family != AF_UNSPEC || info->ifi_index <= 0) return;
  if (type == RTM_DELLINK) return visitor.on_link_removed(info->ifi_index);

  Link link;
  link.index = info->ifi_index;
  constexpr unsigned kUsable = IFF_UP | IFF_RUNNING | kLowerUp;
  link.enabled = (info->ifi_flags & IFF_UP) != 0;
  link.up = (info->ifi_flags & kUsable) == kUsable;
  link.loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
  link.multicast = (info->ifi_flags & IFF_MULTICAST) != 0;
  int lower = 0;
  std::uint32_t group = 0;
  std::string_view alias;
  while (const auto attribute = next_attribute(payload)) {
    const Bytes value = attribute->value;
    if (attribute->type == IFLA_IFNAME) {
      const auto name = as_text(value);
      if (name.size() < IFNAMSIZ) link.name = name;
    } else if (attribute->type == IFLA_ADDRESS && value.size() == link.mac.bytes.size()) {
      std::copy(value.begin(), value.end(), link.mac.bytes.begin());
    } else if (attribute->type == IFLA_MTU) {
      link.mtu = attribute->as<std::uint32_t>().value_or(0);
    } else if (attribute->type == IFLA_LINK) {
      lower = attribute->as<std::int32_t>().value_or(0);
    } else if (attribute->type == IFLA_LINKINFO) {
      link.macvlan = is_macvlan(value);
    } else if (attribute->type == IFLA_GROUP) {
      group = attribute->as<std::uint32_t>().value_or(0);
    } else if (attribute->type == IFLA_IFALIAS) {
      alias = as_text(value);
    }
  }
  if (link.macvlan) link.lower = lower;  // a veth names its other end there, of whatever namespace
  // The group is there from the first moment, the alias a moment later.
  link.ours = link.macvlan && (alias.empty() ? group == kDeviceGroup : alias.starts_with(kDeviceMark));
  // Wireless drivers send messages about a link that describe nothing of it, not even the name.
  if (!link.name.empty()) visitor.on_link(link);
}

void apply_flags(InterfaceAddress& address, std::uint32_t flags) {
  const bool v4 = address.ip.is_v4();
  address.secondary = v4 && (flags & IFA_F_SECONDARY) != 0;
  address.temporary = !v4 && (flags & IFA_F_TEMPORARY) != 0;  // the same bit
  address.tentative = (flags & IFA_F_TENTATIVE) != 0;
  address.dad_failed = (flags & IFA_F_DADFAILED) != 0;
  address.deprecated = (flags & IFA_F_DEPRECATED) != 0;
  address.no_prefix_route = (flags & IFA_F_NOPREFIXROUTE) != 0;
}

void parse_address(std::uint16_t type, Bytes payload, NetlinkVisitor& visitor) {
  const auto info = take<ifaddrmsg>(payload);
  if (!info || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)) return;
  if (info->ifa_index == 0 || info->ifa_index > 0x7fffffff) return;
  if (info->ifa_prefixlen > (info->ifa_family == AF_INET ? 32 : 128)) return;

  InterfaceAddress address;
  address.index = static_cast<int>(info->ifa_index);
  address.prefix_length = info->ifa_prefixlen;
  std::uint32_t flags = info->ifa_flags;
  std::optional<IpAddress> local;
  std::optional<IpAddress> plain;  // the peer's, where there is a local one
  while (const auto attribute = next_attribute(payload)) {
    switch (attribute->type) {
      case IFA_LOCAL:
        local = as_address(attribute->value, info->ifa_family);
        break;
      case IFA_ADDRESS:
        plain = as_address(attribute->value, info->ifa_family);
        break;
      case IFA_FLAGS:
        flags = attribute->as<std::uint32_t>().value_or(flags);
        break;
      case IFA_PROTO:
        address.protocol = attribute->as<std::uint8_t>();
        break;
      default:
        break;
    }
  }
  if (!local && !plain) return;
  address.ip = local ? *local : *plain;
  apply_flags(address, flags);
  if (type == RTM_NEWADDR)
    visitor.on_address(address);
  else
    visitor.on_address_removed(address);
}

}  // namespace

void parse_netlink(Bytes bytes, NetlinkVisitor& visitor) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > bytes.size()) return;
    const Bytes payload = bytes.subspan(sizeof(header), header.nlmsg_len - sizeof(header));
    const auto type = header.nlmsg_type;
    if (type == RTM_NEWLINK || type == RTM_DELLINK) parse_link(type, payload, visitor);
    if (type == RTM_NEWADDR || type == RTM_DELADDR) parse_address(type, payload, visitor);
    bytes = bytes.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), bytes.size()));
  }
}

}  // namespace vipra::net
