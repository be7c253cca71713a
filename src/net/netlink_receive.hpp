// What waits on a subscribed netlink socket. Only the kernel is heard.
#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <span>

namespace vipra::net {

// Calls `on_bytes(std::span<const std::uint8_t>)` for each datagram, at most `most`, and `on_lost()` where
// some were lost or cut short. 0, or the errno for which it stopped early; nothing left is no error.
template <class OnBytes, class OnLost>
[[nodiscard]] int receive_netlink(int fd, std::span<std::uint8_t> buffer, int most, OnBytes&& on_bytes,
                                  OnLost&& on_lost) {
  for (int i = 0; i < most; ++i) {
    sockaddr_nl from{};
    iovec vector{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    const auto size = ::recvmsg(fd, &message, MSG_DONTWAIT);
    if (size < 0) {
      if (errno == EAGAIN) return 0;
      if (errno == EINTR) continue;
      if (errno != ENOBUFS) return errno;
      on_lost();
      continue;
    }
    if (message.msg_namelen != sizeof(from) || from.nl_pid != 0) continue;
    if ((message.msg_flags & MSG_TRUNC) != 0) on_lost();
    on_bytes(std::span<const std::uint8_t>{buffer.data(), static_cast<std::size_t>(size)});
  }
  return 0;
}

}  // namespace vipra::net
