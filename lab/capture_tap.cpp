#include "lab/capture_tap.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lab/clock.hpp"
#include "lab/probe.hpp"

namespace vipra::lab {
namespace {

constexpr int kReceiveBuffer = 16 << 20;
constexpr std::size_t kMaxFrame = 65536;

// Drops what nobody asked for in the kernel: with a probe a millisecond, copying it up would disturb the lab.
std::vector<sock_filter> packet_filter(const CaptureOptions& options) {
  constexpr std::uint32_t kPacketType = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);
  std::vector<sock_filter> code;
  const sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  if (options.direction != Direction::kBoth) {
    const bool want_outgoing = options.direction == Direction::kOutgoing;
    code.push_back(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kPacketType));
    if (want_outgoing)
      code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 1, 0));
    else
      code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1));
    code.push_back(drop);
  }
  if (!options.probes) {
    const std::vector<sock_filter> probes{
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kEtherIpv4, 0, 7),  // else to the IPv6 part
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 13),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 14),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kProbePort, 9, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 16),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kProbePort, 7, 8),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kEtherIpv6, 0, 7),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 5),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 54),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kProbePort, 2, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 56),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kProbePort, 0, 1),
        drop};
    code.insert(code.end(), probes.begin(), probes.end());
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, kMaxFrame));
  return code;
}

std::int64_t read_ns(clockid_t clock) {
  timespec ts{};
  ::clock_gettime(clock, &ts);
  return ts.tv_sec * 1'000'000'000LL + ts.tv_nsec;
}

std::int64_t stamp_of(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec ts{};
    std::memcpy(&ts, CMSG_DATA(c), sizeof ts);
    return ts.tv_sec * 1'000'000'000LL + ts.tv_nsec;
  }
  return read_ns(CLOCK_REALTIME);
}

}  // namespace

Result<std::unique_ptr<CaptureTap>> CaptureTap::open(const NetNamespace& net, const std::string& interface,
                                                     const CaptureOptions& options) {
  std::unique_ptr<CaptureTap> tap{new CaptureTap{options}};
  if (const auto done = tap->open_file(); !done) return tl::unexpected{done.error()};
  if (const auto done = tap->open_socket(net, interface); !done) return tl::unexpected{done.error()};
  tap->thread_ = std::thread{[raw = tap.get()] { raw->loop(); }};
  return tap;
}

Status CaptureTap::open_socket(const NetNamespace& net, const std::string& interface) {
  const Entered inside{net};
  stop_ = UniqueFd{::eventfd(0, EFD_CLOEXEC)};
  // Protocol 0 until the filter is in place.
  socket_ = UniqueFd{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!stop_ || !socket_) return fail_errno("open a capture socket", errno);
  auto code = packet_filter(options_);
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  if (::setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
    return fail_errno("prepare the capture", errno);

  struct if_nameindex* all = ::if_nameindex();
  for (auto* link = all; link != nullptr && link->if_index != 0; ++link) {
    const std::string name = link->if_name;
    if (interface.empty() ? name.starts_with("p-") : name == interface)
      ports_.emplace(static_cast<int>(link->if_index), name);
  }
  if (all != nullptr) ::if_freenameindex(all);
  if (ports_.empty()) return fail(Errc::kNotFound, "nothing to capture on: " + interface);

  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_ALL);
  where.sll_ifindex = interface.empty() ? 0 : ports_.begin()->first;
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) < 0)
    return fail_errno("bind the capture", errno);
  return {};
}

// pcap with nanoseconds, link type Ethernet.
Status CaptureTap::open_file() {
  if (!options_.pcap) return {};
  file_.reset(std::fopen(options_.pcap->c_str(), "wbe"));
  if (!file_) return fail_errno("write " + options_.pcap->string(), errno);
  const std::array<std::uint32_t, 6> head{0xa1b23c4d, 0x00040002, 0, 0, kMaxFrame, 1};
  std::fwrite(head.data(), sizeof head, 1, file_.get());
  return {};
}

CaptureTap::~CaptureTap() {
  stop();
}

void CaptureTap::stop() {
  if (!thread_.joinable()) return;
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void CaptureTap::loop() {
  for (;;) {
    std::array<pollfd, 2> ready{{{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) break;
    read_all();
    if (file_) std::fflush(file_.get());
    if (ready[1].revents != 0) break;
  }
}

void CaptureTap::read_all() {
  std::vector<std::uint8_t> buffer(kMaxFrame);
  alignas(cmsghdr) std::array<char, 128> control;
  for (;;) {
    sockaddr_ll from{};
    iovec data{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_name = &from, message.msg_namelen = sizeof from;
    message.msg_iov = &data, message.msg_iovlen = 1;
    message.msg_control = control.data(), message.msg_controllen = control.size();
    const ssize_t n = ::recvmsg(socket_.get(), &message, 0);
    if (n < 0 && (errno == EINTR || errno == ENETDOWN)) continue;  // a port that goes down says so once
    if (n < 0) return;
    const auto port = ports_.find(from.sll_ifindex);
    if (port == ports_.end()) continue;
    const auto unix_ns = stamp_of(message);
    const auto age = Duration{read_ns(CLOCK_REALTIME) - unix_ns};
    keep({now() - age, port->second, from.sll_pkttype == PACKET_OUTGOING,
          Bytes(buffer.begin(), buffer.begin() + n)},
         unix_ns);
  }
}

void CaptureTap::keep(Packet packet, std::int64_t unix_ns) {
  if (file_) {
    const auto size = static_cast<std::uint32_t>(packet.frame.size());
    const std::array<std::uint32_t, 4> head{static_cast<std::uint32_t>(unix_ns / 1'000'000'000),
                                            static_cast<std::uint32_t>(unix_ns % 1'000'000'000), size, size};
    std::fwrite(head.data(), sizeof head, 1, file_.get());
    std::fwrite(packet.frame.data(), 1, size, file_.get());
  }
  const std::lock_guard lock{mutex_};
  if (packets_.size() < options_.max_packets)
    packets_.push_back(std::move(packet));
  else
    ++over_limit_;
}

std::vector<Packet> CaptureTap::packets(TimePoint from, TimePoint to) const {
  const std::lock_guard lock{mutex_};
  std::vector<Packet> chosen;
  for (const auto& packet : packets_)
    if (packet.at >= from && packet.at < to) chosen.push_back(packet);
  return chosen;
}

std::size_t CaptureTap::dropped() const {
  const std::lock_guard lock{mutex_};
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  // The kernel starts from zero after each look.
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
    kernel_drops_ += stats.tp_drops;
  return kernel_drops_ + over_limit_;
}

}  // namespace vipra::lab
