// The part of RouteSocket that makes and removes devices with a virtual MAC address.
#include <linux/if_link.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "net/forwarding.hpp"
#include "net/libnl_pointers.hpp"
#include "net/route_replies.hpp"
#include "net/route_socket.hpp"
#include "ownership/kernel_view.hpp"

namespace vipra::net {
namespace {

using ownership::DeviceSpec;

MessagePtr link_message(int type, int flags, const ifinfomsg& body) {
  MessagePtr message{nlmsg_alloc_simple(type, flags)};
  if (!message || nlmsg_append(message.get(), const_cast<ifinfomsg*>(&body), sizeof(body), NLMSG_ALIGNTO) < 0)
    return nullptr;
  return message;
}

// Content that does not fit is a message that libnl makes larger, or no memory at all.
class Nested {
 public:
  Nested(nl_msg* message, int type) : message_{message}, start_{nla_nest_start(message, type)} {}
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;
  ~Nested() {
    if (start_ != nullptr) nla_nest_end(message_, start_);
  }

 private:
  nl_msg* message_;
  nlattr* start_;
};

MessagePtr make_create_request(const DeviceSpec& spec) {
  auto message = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, {});
  if (!message) return nullptr;
  auto* const raw = message.get();
  const auto mac = spec.mac();
  nla_put_string(raw, IFLA_IFNAME, spec.name().c_str());
  nla_put_u32(raw, IFLA_LINK, static_cast<std::uint32_t>(spec.interface_index));
  nla_put(raw, IFLA_ADDRESS, static_cast<int>(mac.bytes.size()), mac.bytes.data());
  nla_put_u32(raw, IFLA_GROUP, kDeviceGroup);
  const Nested info{raw, IFLA_LINKINFO};
  nla_put_string(raw, IFLA_INFO_KIND, "macvlan");
  const Nested data{raw, IFLA_INFO_DATA};
  // Frames of a peer have this device's own MAC address as source. In this mode they reach the interface all
  // the same (private mode would keep them from it, and the election from hearing them), and other macvlans
  // of the node reach the address's owner by the wire, wherever it is.
  nla_put_u32(raw, IFLA_MACVLAN_MODE, MACVLAN_MODE_VEPA);
  return message;
}

void put_ipv4_settings(nl_msg* message, bool forwarding) {
  const Nested spec{message, IFLA_AF_SPEC};
  const Nested family{message, AF_INET};
  const Nested settings{message, IFLA_INET_CONF};
  const std::array<std::pair<int, std::uint32_t>, 10> values{{
      {IPV4_DEVCONF_ARP_IGNORE, 1},
      {IPV4_DEVCONF_ARP_ANNOUNCE, 2},
      {IPV4_DEVCONF_ARP_NOTIFY, 0},
      {IPV4_DEVCONF_ARP_ACCEPT, 0},
      {IPV4_DEVCONF_PROXY_ARP, 0},
      // Of this and the setting for all interfaces the greater holds: 2 is less strict than 1.
      {IPV4_DEVCONF_RP_FILTER, 2},
      {IPV4_DEVCONF_SEND_REDIRECTS, 0},
      {IPV4_DEVCONF_ACCEPT_REDIRECTS, 0},
      {IPV4_DEVCONF_PROMOTE_SECONDARIES, 1},
      {IPV4_DEVCONF_FORWARDING, forwarding ? 1u : 0u},
  }};
  for (const auto& [which, value] : values) nla_put_u32(message, which, value);
}

ifinfomsg body_of(int index) {
  ifinfomsg body{};
  body.ifi_index = index;
  return body;
}

std::string describe(const DeviceSpec& spec) {
  return "device " + spec.name() + " with the MAC address " + spec.mac().to_string();
}

void advise(Error& error) {
  switch (error.sys_errno) {
    case EBUSY:
    case EINVAL:
      error.what +=
          "; the interface cannot carry a macvlan (the port of a bridge or of a bond, the parent of an "
          "ipvlan, and a loopback cannot), or another macvlan on it has the MAC address";
      break;
    case EOPNOTSUPP:
      error.what += "; the kernel needs the module macvlan";
      break;
    default:
      break;
  }
}

}  // namespace

Status RouteSocket::create_device(const DeviceSpec& spec, const std::string& what) {
  const auto message = make_create_request(spec);
  if (!message) return out_of_memory();
  return request(*message, what);
}

// Everything is set before it is up.
Status RouteSocket::set_device(int index, const DeviceSpec& spec, const std::string& what) {
  auto settings = link_message(RTM_SETLINK, 0, body_of(index));
  if (!settings) return out_of_memory();
  const std::string alias{kDeviceMark};
  nla_put(settings.get(), IFLA_IFALIAS, static_cast<int>(alias.size()), alias.data());
  // What the node forwards from the interface it shall forward from the device: services behind the VIP.
  put_ipv4_settings(settings.get(), forwards(Family::kIpv4, spec.interface_index));
  if (auto status = request(*settings, what); !status) return status;

  auto generation = link_message(RTM_SETLINK, 0, body_of(index));
  if (!generation) return out_of_memory();
  {
    const Nested outer{generation.get(), IFLA_AF_SPEC};
    const Nested family{generation.get(), AF_INET6};
    nla_put_u8(generation.get(), IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  }
  // Without IPv6 in the kernel there is nothing to keep quiet.
  if (auto status = request(*generation, what); !status && status.error().sys_errno != EAFNOSUPPORT)
    return status;

  auto body = body_of(index);
  body.ifi_flags = body.ifi_change = IFF_UP;
  const auto up = link_message(RTM_SETLINK, 0, body);
  if (!up) return out_of_memory();
  return request(*up, what);
}

Status RouteSocket::make_device(const DeviceSpec& spec) {
  const auto name = spec.name();
  const auto what = "cannot make the " + describe(spec);
  for (const bool first : {true, false}) {
    if (auto ready = reconnect_if_broken(); !ready) return ready;
    auto dumped = dump();
    if (!dumped) return tl::unexpected<Error>{std::move(dumped).error()};
    ownership::KernelView kernel;
    kernel.replace(*dumped);
    const auto& links = dumped->links;
    const auto found =
        std::find_if(links.begin(), links.end(), [&](const auto& link) { return link.name == name; });
    if (found == links.end()) {
      if (!first) break;
      if (auto status = create_device(spec, what); !status) {
        advise(status.error());
        return status;
      }
      continue;
    }
    if (!found->ours)
      return fail(Errc::kConflict, what + ": there is a device of this name that is not Vipra's");
    if (first && !is_made_as(kernel, *found, spec)) {
      if (auto status = remove_device(found->index); !status) return status;
      if (auto status = create_device(spec, what); !status) {
        advise(status.error());
        return status;
      }
      continue;
    }
    auto status = set_device(found->index, spec, what);
    if (!status) {
      advise(status.error());
      static_cast<void>(remove_device(found->index));
    }
    return status;
  }
  return fail(Errc::kNotFound, what + ": it is gone again");
}

Status RouteSocket::remove_device(int index) {
  auto dumped = dump();
  if (!dumped) return tl::unexpected<Error>{std::move(dumped).error()};
  const auto found = std::find_if(dumped->links.begin(), dumped->links.end(),
                                  [&](const auto& link) { return link.index == index; });
  if (found == dumped->links.end() || !found->ours) return {};
  const auto message = link_message(RTM_DELLINK, 0, body_of(index));
  if (!message) return out_of_memory();
  auto status = request(*message, "cannot remove the device " + found->name);
  if (!status && status.error().sys_errno == ENODEV) return {};
  return status;
}

}  // namespace vipra::net
