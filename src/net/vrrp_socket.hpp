// Raw sockets for advertisements, one for each interface and family (protocol 112).
//
// The socket is bound to the interface by index: a rename changes nothing; when the interface is deleted the
// socket hears nothing more, sending fails with ENODEV, and a new interface of the same name needs a new
// socket.
//
// It hears and sends unicast too, out of this interface only: a peer beyond a router needs a route through
// it.
//
// Checksums are the codec's: the kernel neither fills in nor verifies them.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "sys/unique_fd.hpp"
#include "vrrp/packet.hpp"

namespace vipra::net {

// Opens the socket and sets everything but the group membership: TTL 255, CS6, no loop back of multicast,
// receive time stamps. IPv4: no groups that other sockets joined; a raw IPv6 socket hears every group that
// anybody joined on its interface, so the destination must be judged (rung 2 of the receive ladder does).
// Non-blocking, close-on-exec. Needs CAP_NET_RAW (and CAP_NET_ADMIN for the buffers). `name` is for errors.
[[nodiscard]] Result<sys::UniqueFd> open_vrrp_socket(Family family, int index, const std::string& name);

// The same for a second socket beside it, which hears nothing until attach_filter() says which repeats
// (net/repeat_filter.hpp). It joins no group: it hears those that the first one joined.
[[nodiscard]] Result<sys::UniqueFd> open_repeats_socket(Family family, int index, const std::string& name);

// How many packets the socket had no room for, ever.
[[nodiscard]] std::uint32_t lost_for_want_of_room(int fd) noexcept;

// Joins 224.0.0.18 or ff02::12; joined already is success. Takes the kernel's routing lock: for the
// kernel-writer thread (JoinGroup), or a process that has no elections to miss.
[[nodiscard]] Status join_vrrp_group(int fd, Family family, int index);
// The same with any group of the socket's family.
[[nodiscard]] Status join_group(int fd, const IpAddress& group, int index);

// What came, or why it cannot be used: DropReason::kLength for a datagram longer than any advertisement,
// kDestination for one that came by another interface, else what vrrp::parse_ipv4_datagram says. `message` is
// valid during the call.
using ReceivedDatagram = tl::expected<vrrp::Datagram, DropReason>;

// Threading: one thread. Steady state allocates nothing; what never reads needs no buffers.
class VrrpSocket {
 public:
  static constexpr std::size_t kBatch = 16;
  static constexpr int kMaxBatches = 64;
  static constexpr std::size_t kMostAtOnce = kBatch * kMaxBatches;
  static constexpr Duration kMaxAge = std::chrono::seconds{10};

  // `fd` from open_vrrp_socket(), or a copy of it (the supervisor and the speaker share one open socket).
  VrrpSocket(sys::UniqueFd fd, Family family, int index);
  VrrpSocket(VrrpSocket&&) noexcept;
  VrrpSocket& operator=(VrrpSocket&&) noexcept;
  ~VrrpSocket();

  // Calls `handler(const ReceivedDatagram&, Duration age)` for what is queued, but at most kMostAtOnce,
  // so that a flood cannot hold up an election (use a level-triggered epoll). `age` is how long ago
  // the kernel took the datagram in, between 0 and kMaxAge: receive time = now - age. (In the
  // first moments after the machine's first socket asked for time stamps the kernel has none: age 0.)
  template <class Handler>
  [[nodiscard]] Status receive(Handler&& handler) {
    for (int batch = 0; batch < kMaxBatches; ++batch) {
      const auto count = fetch();
      if (!count) return tl::unexpected<Error>{count.error()};
      for (std::size_t i = 0; i < *count; ++i) handler(datagram(i), age(i));
      if (*count < kBatch) break;
    }
    return {};
  }

  // One datagram from `source` (an address of this node: any other, or a tentative one, is EINVAL or
  // ENETUNREACH) out of this interface. Never blocks. Error::sys_errno tells EAGAIN and ENOBUFS (no room: the
  // datagram is lost) from ENETDOWN, ENETUNREACH, ENODEV (no interface).
  [[nodiscard]] Status send(std::span<const std::uint8_t> message, const IpAddress& source,
                            const IpAddress& destination);
  // The same, without words: 0 or an errno. For the election thread, whose peers may be unreachable for good.
  [[nodiscard]] int transmit(std::span<const std::uint8_t> message, const IpAddress& source,
                             const IpAddress& destination) noexcept;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] Family family() const noexcept { return family_; }
  [[nodiscard]] int index() const noexcept { return index_; }

 private:
  struct Buffers;

  [[nodiscard]] Result<std::size_t> fetch();
  [[nodiscard]] ReceivedDatagram datagram(std::size_t i) const;
  [[nodiscard]] Duration age(std::size_t i) const;

  sys::UniqueFd fd_;
  Family family_;
  int index_;
  std::unique_ptr<Buffers> buffers_;  // allocated once, by the first reading
};

}  // namespace vipra::net
