// Word from the kernel that routes to some destinations changed. No more than that: the kernel is silent when
// it takes IPv4 routes away with a link or an address, so that whoever wants to know reads them anew, after
// this and after changes of links and addresses (RouteSocket::dump_routes).
//
// A filter in the kernel lets only routes of the main table with the prefix lengths in question through: on a
// node that takes a full table from BGP nobody is woken by it.
//
// Threading: one thread. read() allocates nothing unless a route in question changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "ownership/routes.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::net {

class RouteEvents {
 public:
  static constexpr int kReceiveBuffer = 1024 * 1024;
  static constexpr int kMaxDatagrams = 1024;

  // Subscribed from here on: make() first, read the routes afterwards. `wanted` is sorted.
  [[nodiscard]] static Result<RouteEvents> make(std::vector<IpPrefix> wanted);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] Status set_wanted(std::vector<IpPrefix> wanted);
  // Reads what is there, at most kMaxDatagrams. True: one of the wanted routes may have changed.
  [[nodiscard]] Result<bool> read();

 private:
  explicit RouteEvents(sys::UniqueFd fd);
  sys::UniqueFd fd_;
  std::vector<IpPrefix> wanted_;
  std::vector<std::uint8_t> buffer_;  // allocated once
};

}  // namespace vipra::net
