#include "net/route_events.hpp"

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <set>

#include "net/interface_error.hpp"
#include "net/netlink_receive.hpp"
#include "net/route_parse.hpp"

namespace vipra::net {
namespace {

constexpr std::size_t kDatagram = 32 * 1024;
constexpr std::uint32_t kLengthAt = sizeof(nlmsghdr) + offsetof(rtmsg, rtm_dst_len);
constexpr std::uint32_t kTableAt = sizeof(nlmsghdr) + offsetof(rtmsg, rtm_table);
constexpr std::uint32_t kWhole = 0xffff'ffff;

sock_filter statement(int code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}
sock_filter jump(int code, std::uint32_t k, std::size_t if_true, std::size_t if_false) {
  return {static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
          static_cast<std::uint8_t>(if_false), k};
}

// At most 129 different lengths: every jump fits.
std::vector<sock_filter> make_filter(const std::vector<IpPrefix>& wanted) {
  std::set<int> lengths;
  for (const auto& destination : wanted) lengths.insert(destination.length);
  std::vector<sock_filter> program{statement(BPF_LD | BPF_B | BPF_ABS, kTableAt),
                                   jump(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_MAIN, 0, lengths.size() + 1),
                                   statement(BPF_LD | BPF_B | BPF_ABS, kLengthAt)};
  std::size_t left = lengths.size();
  for (const int length : lengths) {
    program.push_back(jump(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(length), left, 0));
    --left;
  }
  program.push_back(statement(BPF_RET | BPF_K, 0));
  program.push_back(statement(BPF_RET | BPF_K, kWhole));
  return program;
}

struct Touched final : RouteVisitor {
  void on_route(ownership::Route, bool) override { any = true; }
  bool any = false;
};

}  // namespace

RouteEvents::RouteEvents(sys::UniqueFd fd) : fd_{std::move(fd)}, buffer_(kDatagram) {}

Result<RouteEvents> RouteEvents::make(std::vector<IpPrefix> wanted) {
  sys::UniqueFd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!fd) return fail_errno("cannot open a socket for route events", errno);
  RouteEvents events{std::move(fd)};
  // The filter before the subscription: nothing else ever comes in.
  if (auto done = events.set_wanted(std::move(wanted)); !done)
    return tl::unexpected<Error>{std::move(done).error()};
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  if (::bind(events.fd(), reinterpret_cast<const sockaddr*>(&local), sizeof(local)) < 0)
    return fail_errno("cannot bind the socket for route events", errno);
  const int size = kReceiveBuffer;
  if (::setsockopt(events.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
    (void)::setsockopt(events.fd(), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  for (const int group : {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE})
    if (::setsockopt(events.fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
      return fail_errno("cannot subscribe to route events (group " + std::to_string(group) + ")", errno);
  return events;
}

Status RouteEvents::set_wanted(std::vector<IpPrefix> wanted) {
  auto filter = make_filter(wanted);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
    return fail_errno("cannot filter the socket for route events", errno);
  wanted_ = std::move(wanted);
  return {};
}

Result<bool> RouteEvents::read() {
  Touched touched;
  const int failed = receive_netlink(
      fd_.get(), buffer_, kMaxDatagrams,
      [&](std::span<const std::uint8_t> bytes) { parse_routes(bytes, wanted_, touched); },
      [&] { touched.any = true; });
  if (failed != 0) return fail_errno("cannot read route events", failed);
  return touched.any;
}

}  // namespace vipra::net
