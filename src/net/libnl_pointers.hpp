// Owners of what libnl allocates.
#pragma once

#include <netlink/addr.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>

#include <memory>

namespace vipra::net {

template <auto kFree>
struct FreeWith {
  template <class P>
  void operator()(P* p) const noexcept {
    kFree(p);
  }
};
using MessagePtr = std::unique_ptr<nl_msg, FreeWith<nlmsg_free>>;
using CallbacksPtr = std::unique_ptr<nl_cb, FreeWith<nl_cb_put>>;
using RouteAddressPtr = std::unique_ptr<rtnl_addr, FreeWith<rtnl_addr_put>>;
using AddressPtr = std::unique_ptr<nl_addr, FreeWith<nl_addr_put>>;

}  // namespace vipra::net
