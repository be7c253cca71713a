#include "net/netlink_events.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "net/interface_error.hpp"
#include "net/netlink_receive.hpp"

namespace vipra::net {
namespace {

constexpr std::size_t kDatagram = 64 * 1024;  // a link with hundreds of virtual functions is the largest

Status subscribe(int fd, int receive_buffer) {
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof(local)) < 0)
    return fail_errno("cannot bind the socket for link and address events", errno);
  // Refused without CAP_NET_ADMIN, in which case the sysctl net.core.rmem_max limits what we get.
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)) < 0 &&
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)) < 0)
    return fail_errno("cannot set the receive buffer for link and address events", errno);
  for (const int group : {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR})
    if (::setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
      return fail_errno("cannot subscribe to link and address events (group " + std::to_string(group) + ")",
                        errno);
  return {};
}

}  // namespace

NetlinkEvents::NetlinkEvents(sys::UniqueFd fd) : fd_{std::move(fd)}, buffer_(kDatagram) {}

Result<NetlinkEvents> NetlinkEvents::make(int receive_buffer) {
  sys::UniqueFd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!fd) return fail_errno("cannot open a socket for link and address events", errno);
  if (auto done = subscribe(fd.get(), receive_buffer); !done)
    return tl::unexpected<Error>{std::move(done).error()};
  return NetlinkEvents{std::move(fd)};
}

Status NetlinkEvents::read(NetlinkVisitor& visitor) {
  const int failed = receive_netlink(
      fd_.get(), buffer_, kMaxDatagrams,
      [&](std::span<const std::uint8_t> bytes) { parse_netlink(bytes, visitor); },
      [&] { visitor.on_overrun(); });
  if (failed != 0) return fail_errno("cannot read link and address events", failed);
  return {};
}

}  // namespace vipra::net
