// Changes of links and addresses, as they happen: a non-blocking rtnetlink socket for the election thread's
// epoll.
//
// Events and dumps come by different sockets. Whoever asks for a dump must keep the events that arrive
// between the request and its result, apply the dump as the whole truth, and then these events again: the
// last word on each link and address is then the newest, whichever way round they came.
//
// Threading: one thread. read() allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "net/links.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::net {

// Must not call back into the NetlinkEvents that calls it.
class NetlinkVisitor {
 public:
  virtual ~NetlinkVisitor() = default;
  virtual void on_link(const Link& link) = 0;  // new, or changed in any way (also renamed)
  virtual void on_link_removed(int index) = 0;
  virtual void on_address(const InterfaceAddress& address) = 0;  // new, or changed
  virtual void on_address_removed(const InterfaceAddress& address) = 0;
  // Events were lost: what is known is stale until the next dump.
  virtual void on_overrun() = 0;
};

// Every complete link and address message in `bytes`; anything else, malformed or unknown, is skipped. Never
// reads past the span, whatever it holds. Pure.
void parse_netlink(std::span<const std::uint8_t> bytes, NetlinkVisitor& visitor);

class NetlinkEvents {
 public:
  static constexpr int kReceiveBuffer = 4 * 1024 * 1024;

  // Subscribed from here on: make() first, dump afterwards. `receive_buffer` in bytes; beyond the sysctl's
  // limit only with CAP_NET_ADMIN, without it the limit is taken.
  [[nodiscard]] static Result<NetlinkEvents> make(int receive_buffer = kReceiveBuffer);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  // Reads what is there, but at most kMaxDatagrams, so that a storm of events cannot hold up an election: use
  // a level-triggered epoll. Only what the kernel itself sent is looked at.
  [[nodiscard]] Status read(NetlinkVisitor& visitor);
  static constexpr int kMaxDatagrams = 1024;

 private:
  explicit NetlinkEvents(sys::UniqueFd fd);
  sys::UniqueFd fd_;
  std::vector<std::uint8_t> buffer_;  // allocated once
};

}  // namespace vipra::net
