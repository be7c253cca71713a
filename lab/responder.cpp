#include "lab/responder.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lab/probe.hpp"
#include "lab/realtime.hpp"

namespace vipra::lab {
namespace {

constexpr std::size_t kMaxQuestion = 64;
constexpr int kMaxAtOnce = 256;

Result<UniqueFd> bound_socket(int family) {
  UniqueFd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return fail_errno("open a UDP socket", errno);
  const int on = 1;
  sockaddr_storage any{};
  socklen_t size = 0;
  any.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    ::setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    reinterpret_cast<sockaddr_in&>(any).sin_port = htons(kProbePort);
    size = sizeof(sockaddr_in);
  } else {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    reinterpret_cast<sockaddr_in6&>(any).sin6_port = htons(kProbePort);
    size = sizeof(sockaddr_in6);
  }
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), size) < 0)
    return fail_errno("bind the responder", errno);
  return fd;
}

// The control data that came in tells the address asked; made into what sendmsg needs, it is the source.
void answer_from_asked_address(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO) continue;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(c), sizeof info);
    info.ipi_spec_dst = info.ipi_addr;
    info.ipi_ifindex = 0;
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
  }
}

void answer_all(int socket, const char* name, std::size_t name_size) {
  std::array<char, kMaxQuestion + 64> text;
  alignas(cmsghdr) std::array<char, 128> control;
  for (int i = 0; i < kMaxAtOnce; ++i) {
    sockaddr_storage peer{};
    iovec data{text.data(), kMaxQuestion};
    msghdr message{};
    message.msg_name = &peer, message.msg_namelen = sizeof peer;
    message.msg_iov = &data, message.msg_iovlen = 1;
    message.msg_control = control.data(), message.msg_controllen = control.size();
    const ssize_t n = ::recvmsg(socket, &message, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) continue;  // an ICMP error about an earlier answer
    answer_from_asked_address(message);
    const auto size = static_cast<std::size_t>(n);
    std::memcpy(text.data() + size, name, name_size);
    data.iov_len = size + name_size;
    ::sendmsg(socket, &message,
              0);  // the address may have moved meanwhile: then the probe is lost, as it should be
  }
}

}  // namespace

Result<Child> start_responder(Spawner& spawner, const NetNamespace& net, const std::string& name) {
  UniqueFd v4;
  UniqueFd v6;
  {
    const Entered inside{net};
    auto first = bound_socket(AF_INET);
    if (!first) return tl::unexpected{first.error()};
    auto second = bound_socket(AF_INET6);
    if (!second) return tl::unexpected{second.error()};
    v4 = std::move(*first), v6 = std::move(*second);
  }
  const std::string answer = name.substr(0, 63);
  const auto body = [&]() -> int {
    ask_for_realtime();
    std::array<pollfd, 2> ready{{{v4.get(), POLLIN, 0}, {v6.get(), POLLIN, 0}}};
    for (;;) {
      if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return 1;
      for (const auto& one : ready)
        if (one.revents != 0) answer_all(one.fd, answer.data(), answer.size());
    }
  };
  return spawner.fork_into(net, "lab-responder", body, {v4.get(), v6.get()});
}

}  // namespace vipra::lab
