#include "net/neighbour_socket.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "net/interface_error.hpp"
#include "net/receive_batch.hpp"

namespace vipra::net {
namespace {

constexpr std::size_t kFrameSize = 512;  // a neighbour advertisement with room for options
constexpr std::size_t kSendBatch = 64;
constexpr int kSocketBuffer = 512 * 1024;
constexpr Duration kMaxAge = std::chrono::seconds{10};

constexpr sock_filter statement(int code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}
constexpr sock_filter jump(int code, std::uint32_t k, std::uint8_t if_true, std::uint8_t if_false) {
  return {static_cast<std::uint16_t>(code), if_true, if_false, k};
}

constexpr std::uint32_t kPacketType = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);
constexpr std::uint32_t kWhole = 0xffff;

// Replies, and requests whose sender and target protocol address are the same: ordinary requests, of which a
// large segment has thousands a second, claim nothing and shall wake nobody.
constexpr std::array kArpFilter{
    statement(BPF_LD | BPF_B | BPF_ABS, kPacketType),
    jump(BPF_JMP | BPF_JGT | BPF_K, PACKET_MULTICAST, 8, 0),  // for others, or our own
    statement(BPF_LD | BPF_H | BPF_ABS, 20),                  // operation
    jump(BPF_JMP | BPF_JEQ | BPF_K, 2, 5, 0),
    jump(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 5),
    statement(BPF_LD | BPF_W | BPF_ABS, 28),  // sender's protocol address
    statement(BPF_MISC | BPF_TAX, 0),
    statement(BPF_LD | BPF_W | BPF_ABS, 38),  // target's
    jump(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
    statement(BPF_RET | BPF_K, kWhole),
    statement(BPF_RET | BPF_K, 0),
};
constexpr std::array kAdvertisementFilter{
    statement(BPF_LD | BPF_B | BPF_ABS, kPacketType),
    jump(BPF_JMP | BPF_JGT | BPF_K, PACKET_MULTICAST, 5, 0),
    statement(BPF_LD | BPF_B | BPF_ABS, 20),  // next header
    jump(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 3),
    statement(BPF_LD | BPF_B | BPF_ABS, 54),  // ICMPv6 type
    jump(BPF_JMP | BPF_JEQ | BPF_K, 136, 0, 1),
    statement(BPF_RET | BPF_K, kWhole),
    statement(BPF_RET | BPF_K, 0),
};

template <std::size_t kLength>
int attach_filter(int fd, const std::array<sock_filter, kLength>& filter) {
  sock_fprog program{static_cast<unsigned short>(kLength), const_cast<sock_filter*>(filter.data())};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? errno : 0;
}

int set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? errno : 0;
}

int bind_to(int fd, Family family, int index) {
  sockaddr_ll local{};
  local.sll_family = AF_PACKET;
  local.sll_protocol = htons(family == Family::kIpv4 ? ETH_P_ARP : ETH_P_IPV6);
  local.sll_ifindex = index;
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof(local)) < 0 ? errno : 0;
}

}  // namespace

Result<sys::UniqueFd> open_neighbour_socket(Family family, int index, const std::string& name) {
  const auto socket_name =
      std::string{family == Family::kIpv4 ? "ARP" : "neighbour discovery"} + " socket of interface " + name;
  // Protocol 0 hears nothing until the filter is there and bind() names the protocol.
  sys::UniqueFd fd{::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_with_advice("cannot open the " + socket_name, errno, socket_advice(errno));
  const int filtered = family == Family::kIpv4 ? attach_filter(fd.get(), kArpFilter)
                                               : attach_filter(fd.get(), kAdvertisementFilter);
  if (filtered != 0)
    return fail_with_advice("cannot filter the " + socket_name, filtered, socket_advice(filtered));
  if (const int error = set_option(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1); error != 0)
    return fail_with_advice("cannot set SO_TIMESTAMPNS on the " + socket_name, error, socket_advice(error));
  // Good to have: without them frames may wait behind others, or be dropped in a burst.
  (void)set_option(fd.get(), SOL_PACKET, PACKET_QDISC_BYPASS, 1);
  if (set_option(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, kSocketBuffer) != 0)
    (void)set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, kSocketBuffer);
  if (const int error = bind_to(fd.get(), family, index); error != 0)
    return fail_with_advice("cannot bind the " + socket_name, error, socket_advice(error));
  return fd;
}

struct NeighbourSocket::Buffers {
  ReceiveBatch<kBatch, kFrameSize> batch;
};

NeighbourSocket::NeighbourSocket(sys::UniqueFd fd, Family family, int index)
    : fd_{std::move(fd)}, family_{family}, index_{index}, buffers_{std::make_unique<Buffers>()} {}
NeighbourSocket::NeighbourSocket(NeighbourSocket&&) noexcept = default;
NeighbourSocket& NeighbourSocket::operator=(NeighbourSocket&&) noexcept = default;
NeighbourSocket::~NeighbourSocket() = default;

Result<std::size_t> NeighbourSocket::send(std::span<const vrrp::NeighbourFrame> frames) {
  std::array<iovec, kSendBatch> vectors;
  std::array<mmsghdr, kSendBatch> messages;
  std::size_t sent = 0;
  while (sent < frames.size()) {
    const auto batch = frames.subspan(sent, std::min(frames.size() - sent, kSendBatch));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      vectors[i] = {const_cast<std::uint8_t*>(batch[i].bytes.data()), batch[i].size};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::sendmmsg(fd_.get(), messages.data(), static_cast<unsigned>(batch.size()),
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (sent > 0 || errno == EAGAIN || errno == ENOBUFS) break;
    return fail_with_advice("cannot send an announcement (" + std::string{to_string(family_)} + ")", errno,
                            socket_advice(errno));
  }
  return sent;
}

int NeighbourSocket::transmit(std::span<const std::uint8_t> frame) noexcept {
  constexpr std::size_t kType = 12;  // where Ethernet has it
  if (frame.size() < kType + 2) return EINVAL;
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  std::memcpy(&to.sll_protocol, frame.data() + kType, sizeof(to.sll_protocol));
  to.sll_ifindex = index_;
  to.sll_halen = ETH_ALEN;
  std::memcpy(to.sll_addr, frame.data(), ETH_ALEN);
  while (::sendto(fd_.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&to), sizeof(to)) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

Result<std::size_t> NeighbourSocket::fetch() {
  const int count = buffers_->batch.receive(fd_.get());
  if (count >= 0) return static_cast<std::size_t>(count);
  // Told once each time the interface goes down; the frames of before were delivered.
  if (count == -ENETDOWN) return std::size_t{0};
  return fail_with_advice("cannot receive announcements (" + std::string{to_string(family_)} + ")", -count,
                          socket_advice(-count));
}

std::span<const std::uint8_t> NeighbourSocket::frame(std::size_t i) const {
  if (buffers_->batch.truncated(i)) return {};
  return buffers_->batch.bytes(i);
}

Duration NeighbourSocket::age(std::size_t i) const {
  return buffers_->batch.age(i, kMaxAge);
}

}  // namespace vipra::net
