#include "net/vrrp_socket.hpp"

#include <linux/pkt_sched.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.hpp"
#include "net/interface_error.hpp"
#include "net/receive_batch.hpp"
#include "net/repeat_filter.hpp"
#include "vrrp/types.hpp"

namespace vipra::net {
namespace {

constexpr int kReceiveBuffer = 1024 * 1024;
// What waits for the link-layer address of a peer counts here: at most 208 KiB for each of them
// (net.*.neigh.*. unres_qlen_bytes), which a large network of dead peers must not turn into silence towards
// the others.
constexpr int kSendBuffer = 16 * 1024 * 1024;
constexpr int kRepeatsBuffer = 8 * 1024 * 1024;
constexpr std::size_t kMaxIpHeader = 60;  // delivered with the message for IPv4

// One setting of a socket and the word for it in an error.
struct Option {
  int level;
  int name;
  int value;
  const char* what;
};

int set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? errno : 0;
}

Status set_all(int fd, std::span<const Option> options, const std::string& socket_name) {
  for (const auto& option : options) {
    const int error = set_option(fd, option.level, option.name, option.value);
    if (error == 0) continue;
    return fail_with_advice("cannot set " + std::string{option.what} + " on the " + socket_name, error,
                            socket_advice(error));
  }
  return {};
}

Status set_ipv4_options(int fd, int index, const std::string& socket_name) {
  ip_mreqn interface{};
  interface.imr_ifindex = index;
  if (::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof(interface)) < 0) {
    // What Linux calls an interface that is not there; binding to one is no error.
    const int error = errno == EADDRNOTAVAIL ? ENODEV : errno;
    return fail_with_advice("cannot set IP_MULTICAST_IF on the " + socket_name, error, socket_advice(error));
  }
  return set_all(fd,
                 std::array<Option, 6>{{
                     {IPPROTO_IP, IP_MULTICAST_TTL, vrrp::kTtl, "IP_MULTICAST_TTL"},
                     {IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP"},
                     {IPPROTO_IP, IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL"},
                     {IPPROTO_IP, IP_TTL, vrrp::kTtl, "IP_TTL"},
                     {IPPROTO_IP, IP_TOS, vrrp::kTrafficClass, "IP_TOS"},
                     {IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO"},
                 }},
                 socket_name);
}

Status set_ipv6_options(int fd, int index, const std::string& socket_name) {
  return set_all(fd,
                 std::array<Option, 8>{{
                     // Off is the kernel's default for protocol 112 and must stay so: it would drop what the
                     // codec is there to count.
                     {IPPROTO_IPV6, IPV6_CHECKSUM, -1, "IPV6_CHECKSUM"},
                     {IPPROTO_IPV6, IPV6_MULTICAST_IF, index, "IPV6_MULTICAST_IF"},
                     {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, vrrp::kTtl, "IPV6_MULTICAST_HOPS"},
                     {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP"},
                     {IPPROTO_IPV6, IPV6_UNICAST_HOPS, vrrp::kTtl, "IPV6_UNICAST_HOPS"},
                     {IPPROTO_IPV6, IPV6_TCLASS, vrrp::kTrafficClass, "IPV6_TCLASS"},
                     {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO"},
                     {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT"},
                 }},
                 socket_name);
}

Status set_common_options(int fd, const std::string& socket_name) {
  // All beyond what the process may: then the sysctls' limits and the priority that IP_TOS brought hold.
  if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer) != 0)
    (void)set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, kSendBuffer) != 0)
    (void)set_option(fd, SOL_SOCKET, SO_SNDBUF, kSendBuffer);
  (void)set_option(fd, SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL);
  return set_all(fd, std::array<Option, 1>{{{SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS"}}}, socket_name);
}

struct Name {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Name socket_name_of(const IpAddress& ip, int index) {
  Name name;
  if (ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, ip.bytes().data(), sizeof(v4.sin_addr));
    std::memcpy(&name.storage, &v4, sizeof(v4));
    name.size = sizeof(v4);
    return name;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, ip.bytes().data(), sizeof(v6.sin6_addr));
  v6.sin6_scope_id = static_cast<std::uint32_t>(index);
  std::memcpy(&name.storage, &v6, sizeof(v6));
  name.size = sizeof(v6);
  return name;
}

// Source address and interface of a datagram to send, as its one control message.
struct SourceControl {
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))> bytes{};
  std::size_t size = 0;

  template <class Info>
  void set(int level, int type, const Info& info) noexcept {
    size = CMSG_SPACE(sizeof(info));
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(sizeof(info));
    header.cmsg_level = level;
    header.cmsg_type = type;
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::memcpy(bytes.data() + CMSG_LEN(0), &info, sizeof(info));
  }
};

SourceControl source_control(const IpAddress& source, int index) {
  SourceControl control;
  if (source.is_v4()) {
    in_pktinfo info{};
    info.ipi_ifindex = index;
    std::memcpy(&info.ipi_spec_dst, source.bytes().data(), sizeof(info.ipi_spec_dst));
    control.set(IPPROTO_IP, IP_PKTINFO, info);
    return control;
  }
  in6_pktinfo info{};
  info.ipi6_ifindex = static_cast<unsigned>(index);
  std::memcpy(&info.ipi6_addr, source.bytes().data(), sizeof(info.ipi6_addr));
  control.set(IPPROTO_IPV6, IPV6_PKTINFO, info);
  return control;
}

IpAddress to_ip(const in6_addr& address) {
  return *IpAddress::from_bytes({address.s6_addr, sizeof(address.s6_addr)});
}

std::string_view send_advice(int sys_errno) {
  switch (sys_errno) {
    case EINVAL:
    case EADDRNOTAVAIL:
      return "the source is no usable address of this node";
    case ENETDOWN:
    case ENETUNREACH:
      return "the interface is down, or has no address of this family";
    case EAGAIN:
    case ENOBUFS:
      return "the interface has no room, the datagram is lost";
    case EPERM:
      return "a packet filter refuses protocol 112";
    default:
      return socket_advice(sys_errno);
  }
}

Result<sys::UniqueFd> open_raw(Family family, const std::string& socket_name) {
  const int domain = family == Family::kIpv4 ? AF_INET : AF_INET6;
  sys::UniqueFd fd{::socket(domain, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, vrrp::kIpProtocol)};
  if (!fd) return fail_with_advice("cannot open the " + socket_name, errno, socket_advice(errno));
  return fd;
}

Result<sys::UniqueFd> set_up(sys::UniqueFd fd, Family family, int index, const std::string& socket_name) {
  // By index: a name may belong to another interface by now.
  if (const int error = set_option(fd.get(), SOL_SOCKET, SO_BINDTOIFINDEX, index); error != 0)
    return fail_with_advice("cannot bind the " + socket_name, error, socket_advice(error));
  auto status = family == Family::kIpv4 ? set_ipv4_options(fd.get(), index, socket_name)
                                        : set_ipv6_options(fd.get(), index, socket_name);
  if (status) status = set_common_options(fd.get(), socket_name);
  if (!status) return tl::unexpected<Error>{std::move(status).error()};
  return fd;
}

std::string describe_socket(Family family, const std::string& interface) {
  return std::string{to_string(family)} + " VRRP socket of interface " + interface;
}

}  // namespace

Result<sys::UniqueFd> open_vrrp_socket(Family family, int index, const std::string& name) {
  const auto described = describe_socket(family, name);
  auto fd = open_raw(family, described);
  if (!fd) return fd;
  return set_up(std::move(*fd), family, index, described);
}

Result<sys::UniqueFd> open_repeats_socket(Family family, int index, const std::string& name) {
  const auto described = describe_socket(family, name);
  auto fd = open_raw(family, described);
  if (!fd) return fd;
  // At once: until it is bound it would hear every interface.
  if (auto status = attach_filter(fd->get(), repeat_filter({}, family, Hears::kRepeats)); !status)
    return tl::unexpected<Error>{std::move(status).error()};
  auto socket = set_up(std::move(*fd), family, index, described);
  if (socket && family == Family::kIpv4) (void)set_option(socket->get(), IPPROTO_IP, IP_MULTICAST_ALL, 1);
  // Nobody reads it for seconds. Memory is taken as packets come, and those of 255 masters need little.
  if (socket) (void)set_option(socket->get(), SOL_SOCKET, SO_RCVBUFFORCE, kRepeatsBuffer);
  return socket;
}

Status join_vrrp_group(int fd, Family family, int index) {
  return join_group(fd, vrrp_group(family), index);
}

Status join_group(int fd, const IpAddress& group, int index) {
  int rc = 0;
  if (group.is_v4()) {
    ip_mreqn request{};
    request.imr_ifindex = index;
    std::memcpy(&request.imr_multiaddr, group.bytes().data(), sizeof(request.imr_multiaddr));
    rc = ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
  } else {
    ipv6_mreq request{};
    request.ipv6mr_interface = static_cast<unsigned>(index);
    std::memcpy(&request.ipv6mr_multiaddr, group.bytes().data(), sizeof(request.ipv6mr_multiaddr));
    rc = ::setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request));
  }
  if (rc == 0 || errno == EADDRINUSE) return {};
  const int error = errno;
  return fail_with_advice("cannot join " + group.to_string() + " on " + describe_interface(index), error,
                          socket_advice(error));
}

std::uint32_t lost_for_want_of_room(int fd) noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof(info);
  return ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.data(), &size) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

struct VrrpSocket::Buffers {
  ReceiveBatch<kBatch, kMaxIpHeader + vrrp::kMaxMessage> batch;
};

VrrpSocket::VrrpSocket(sys::UniqueFd fd, Family family, int index)
    : fd_{std::move(fd)}, family_{family}, index_{index} {}
VrrpSocket::VrrpSocket(VrrpSocket&&) noexcept = default;
VrrpSocket& VrrpSocket::operator=(VrrpSocket&&) noexcept = default;
VrrpSocket::~VrrpSocket() = default;

Result<std::size_t> VrrpSocket::fetch() {
  if (!buffers_) buffers_ = std::make_unique<Buffers>();
  const int count = buffers_->batch.receive(fd_.get());
  if (count >= 0) return static_cast<std::size_t>(count);
  return fail_with_advice("cannot receive advertisements on " + describe_interface(index_), -count,
                          socket_advice(-count));
}

ReceivedDatagram VrrpSocket::datagram(std::size_t i) const {
  const auto& batch = buffers_->batch;
  if (batch.truncated(i)) return tl::unexpected{DropReason::kLength};
  if (family_ == Family::kIpv4) {
    in_pktinfo info{};
    if (!batch.control(i, IPPROTO_IP, IP_PKTINFO, info) || info.ipi_ifindex != index_)
      return tl::unexpected{DropReason::kDestination};
    return vrrp::parse_ipv4_datagram(batch.bytes(i));
  }
  in6_pktinfo info{};
  if (!batch.control(i, IPPROTO_IPV6, IPV6_PKTINFO, info) ||
      info.ipi6_ifindex != static_cast<unsigned>(index_))
    return tl::unexpected{DropReason::kDestination};
  vrrp::IpMeta meta;
  if (!batch.control(i, IPPROTO_IPV6, IPV6_HOPLIMIT, meta.ttl)) return tl::unexpected{DropReason::kTtl};
  sockaddr_in6 from;
  std::memcpy(&from, &batch.from(i), sizeof(from));
  meta.source = to_ip(from.sin6_addr);
  meta.destination = to_ip(info.ipi6_addr);
  return vrrp::Datagram{meta, batch.bytes(i)};
}

Duration VrrpSocket::age(std::size_t i) const {
  return buffers_->batch.age(i, kMaxAge);
}

Status VrrpSocket::send(std::span<const std::uint8_t> message, const IpAddress& source,
                        const IpAddress& destination) {
  const int error = transmit(message, source, destination);
  if (error == 0) return {};
  return fail_with_advice("cannot send an advertisement from " + source.to_string() + " to " +
                              destination.to_string() + " on " + describe_interface(index_),
                          error, send_advice(error));
}

int VrrpSocket::transmit(std::span<const std::uint8_t> message, const IpAddress& source,
                         const IpAddress& destination) noexcept {
  VIPRA_CHECK(source.family() == family_ && destination.family() == family_);
  auto name = socket_name_of(destination, index_);
  auto control = source_control(source, index_);
  iovec vector{const_cast<std::uint8_t*>(message.data()), message.size()};
  msghdr header{};
  header.msg_name = &name.storage;
  header.msg_namelen = name.size;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.size;
  while (::sendmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace vipra::net
