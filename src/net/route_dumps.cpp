// What a RouteSocket reads as a whole: links and addresses, and routes to a few destinations.
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/libnl_pointers.hpp"
#include "net/netlink_events.hpp"
#include "net/route_parse.hpp"
#include "net/route_replies.hpp"

namespace vipra::net {
namespace {

constexpr int kDumpAttempts = 8;

MessagePtr make_dump_request(std::uint16_t type) {
  MessagePtr request{nlmsg_alloc_simple(type, NLM_F_DUMP)};
  if (!request) return nullptr;
  if (type == RTM_GETADDR) {
    ifaddrmsg body{};
    return nlmsg_append(request.get(), &body, sizeof(body), NLMSG_ALIGNTO) < 0 ? nullptr : std::move(request);
  }
  ifinfomsg body{};
  if (nlmsg_append(request.get(), &body, sizeof(body), NLMSG_ALIGNTO) < 0) return nullptr;
  if (nla_put_u32(request.get(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0) return nullptr;
  return request;
}

class DumpCollector final : public ReplySink, private NetlinkVisitor {
 public:
  explicit DumpCollector(KernelDump& into) : into_{into} {}
  void on_message(std::span<const std::uint8_t> bytes) override { parse_netlink(bytes, *this); }

 private:
  void on_link(const Link& link) override { into_.links.push_back(link); }
  void on_link_removed(int) override {}
  void on_address(const InterfaceAddress& address) override { into_.addresses.push_back(address); }
  void on_address_removed(const InterfaceAddress&) override {}
  void on_overrun() override {}

  KernelDump& into_;
};

class RouteCollector final : public ReplySink, private RouteVisitor {
 public:
  RouteCollector(std::span<const IpPrefix> wanted, std::vector<ownership::Route>& into)
      : wanted_{wanted}, into_{into} {}
  void on_message(std::span<const std::uint8_t> bytes) override { parse_routes(bytes, wanted_, *this); }

 private:
  void on_route(ownership::Route route, bool removed) override {
    if (!removed) into_.push_back(std::move(route));
  }

  std::span<const IpPrefix> wanted_;
  std::vector<ownership::Route>& into_;
};

MessagePtr make_route_dump_request(std::uint8_t family) {
  MessagePtr request{nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_DUMP)};
  rtmsg body{};
  body.rtm_family = family;
  body.rtm_table = RT_TABLE_MAIN;
  if (!request || nlmsg_append(request.get(), &body, sizeof(body), NLMSG_ALIGNTO) < 0) return nullptr;
  return nla_put_u32(request.get(), RTA_TABLE, RT_TABLE_MAIN) < 0 ? nullptr : std::move(request);
}

void set_strict(nl_sock& socket, int on) {
  (void)::setsockopt(nl_socket_get_fd(&socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
}

}  // namespace

int RouteSocket::dump_once(KernelDump& into) {
  into = {};
  DumpCollector collector{into};
  for (const auto type : {RTM_GETLINK, RTM_GETADDR}) {
    const auto request = make_dump_request(static_cast<std::uint16_t>(type));
    if (!request) return ENOMEM;
    Replies replies{&collector};
    if (const int result = transact(*request, replies); result != 0) return result;
  }
  return 0;
}

Result<KernelDump> RouteSocket::dump() {
  KernelDump dump;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    if (auto ready = reconnect_if_broken(); !ready) return tl::unexpected<Error>{std::move(ready).error()};
    const int result = dump_once(dump);
    if (result == 0) return dump;
    if (result != -NLE_DUMP_INTR) return fail_request("cannot list interfaces and addresses", result, {});
  }
  return fail(Errc::kTimeout, "cannot list interfaces and addresses: they keep changing; try again");
}

int RouteSocket::dump_routes_once(const std::vector<IpPrefix>& wanted, std::vector<ownership::Route>& into) {
  into.clear();
  RouteCollector collector{wanted, into};
  for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    const bool any = std::any_of(wanted.begin(), wanted.end(),
                                 [&](const auto& d) { return d.address.is_v4() == (family == AF_INET); });
    if (!any) continue;
    const auto request = make_route_dump_request(family);
    if (!request) return ENOMEM;
    Replies replies{&collector};
    const int result = transact(*request, replies);
    // A kernel without IPv6 has no routes of it.
    if (result != 0 && !(family == AF_INET6 && (result == EOPNOTSUPP || result == EAFNOSUPPORT)))
      return result;
  }
  return 0;
}

Result<std::vector<ownership::Route>> RouteSocket::dump_routes(const std::vector<IpPrefix>& wanted) {
  std::vector<ownership::Route> routes;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    if (auto ready = reconnect_if_broken(); !ready) return tl::unexpected<Error>{std::move(ready).error()};
    // The kernel then leaves out other tables; an older one sends all, and they are left out here.
    set_strict(*socket_, 1);
    const int result = dump_routes_once(wanted, routes);
    if (socket_) set_strict(*socket_, 0);
    if (result == 0) return routes;
    if (result != -NLE_DUMP_INTR) return fail_request("cannot list routes", result, {});
  }
  return fail(Errc::kTimeout, "cannot list routes: they keep changing; try again");
}

}  // namespace vipra::net
