// Packet sockets for announcements (gratuitous ARP, unsolicited neighbour advertisements) and for hearing
// those of others, one for each interface and family. A socket for each family, because one that takes every
// protocol (ETH_P_ALL) would cost every packet of the node: here the kernel hands over ARP alone, or IPv6
// alone, and a filter in the kernel lets only neighbour advertisements through. Not promiscuous; frames of
// other VLANs, frames for others and our own outgoing frames are filtered out.
//
// Bound to the interface by index: a rename changes nothing. After the interface went down and up again the
// same socket goes on; after it was deleted, a new one is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "sys/unique_fd.hpp"
#include "vrrp/neighbour_frame.hpp"

namespace vipra::net {

// Non-blocking, close-on-exec; sends past the queueing discipline. Needs CAP_NET_RAW. `name` is for errors.
[[nodiscard]] Result<sys::UniqueFd> open_neighbour_socket(Family family, int index, const std::string& name);

// Threading: one thread. Steady state allocates nothing.
class NeighbourSocket {
 public:
  static constexpr std::size_t kBatch = 16;
  static constexpr int kMaxBatches = 64;

  NeighbourSocket(sys::UniqueFd fd, Family family, int index);
  NeighbourSocket(NeighbourSocket&&) noexcept;
  NeighbourSocket& operator=(NeighbourSocket&&) noexcept;
  ~NeighbourSocket();

  // Sends frames in order, of this socket's family. Returns how many went out: fewer than all when the device
  // has no room (try the rest later); an error (ENETDOWN, ENXIO: the interface is down or gone) when none
  // did.
  [[nodiscard]] Result<std::size_t> send(std::span<const vrrp::NeighbourFrame> frames);

  // Sends one whole frame, of whatever protocol, out of the interface. Never blocks. 0 or an errno.
  [[nodiscard]] int transmit(std::span<const std::uint8_t> frame) noexcept;

  // Calls `handler(const vrrp::NeighbourClaim&, Duration age)` for each claim that is queued, at most
  // kMaxBatches x kBatch frames; `age` as in VrrpSocket. Frames that claim nothing are skipped. An interface
  // that is down is no error: link events tell.
  template <class Handler>
  [[nodiscard]] Status receive(Handler&& handler) {
    for (int batch = 0; batch < kMaxBatches; ++batch) {
      const auto count = fetch();
      if (!count) return tl::unexpected<Error>{count.error()};
      for (std::size_t i = 0; i < *count; ++i)
        if (const auto claim = vrrp::parse_neighbour_frame(frame(i))) handler(*claim, age(i));
      if (*count < kBatch) break;
    }
    return {};
  }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] Family family() const noexcept { return family_; }

 private:
  struct Buffers;

  [[nodiscard]] Result<std::size_t> fetch();
  [[nodiscard]] std::span<const std::uint8_t> frame(std::size_t i) const;
  [[nodiscard]] Duration age(std::size_t i) const;

  sys::UniqueFd fd_;
  Family family_;
  int index_;
  std::unique_ptr<Buffers> buffers_;  // allocated once
};

}  // namespace vipra::net
