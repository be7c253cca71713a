#include "lab/station.hpp"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace vipra::lab {

std::optional<KernelAddress> Station::find_address(const IpAddress& address) const {
  const auto all = addresses();
  if (!all) return std::nullopt;
  const auto it = std::find_if(all->begin(), all->end(), [&](const auto& a) { return a.address == address; });
  return it == all->end() ? std::nullopt : std::optional{*it};
}

Status Station::inject(std::span<const std::uint8_t> frame) const {
  const Bytes one{frame.begin(), frame.end()};
  return inject(std::span{&one, 1});
}

// One socket for all: closing a packet socket waits for the kernel to quiesce, tens of milliseconds.
Status Station::inject(std::span<const Bytes> frames) const {
  const Entered inside{net_};
  // Protocol 0: this socket receives nothing.
  const UniqueFd socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
  if (!socket) return fail_errno("open a packet socket on " + name(), errno);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(::if_nametoindex(kInterface));
  to.sll_halen = ETH_ALEN;
  for (const auto& frame : frames) {
    if (::sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                 sizeof to) < 0)
      return fail_errno("inject a frame on " + name(), errno);
  }
  return {};
}

}  // namespace vipra::lab
