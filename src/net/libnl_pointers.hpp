// Owners of what libnl allocates. Without its headers: who includes this need not have them.
#pragma once

#include <memory>

struct nl_addr;
struct nl_cb;
struct nl_msg;
struct rtnl_addr;
extern "C" {
void nl_addr_put(nl_addr*);
void nl_cb_put(nl_cb*);
void nlmsg_free(nl_msg*);
void rtnl_addr_put(rtnl_addr*);
}

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
