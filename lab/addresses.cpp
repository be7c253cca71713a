#include "lab/addresses.hpp"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "lab/netlink_addresses.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {
namespace {

Status request_dump(int socket) {
  struct {
    nlmsghdr head;
    ifaddrmsg body;
  } request{};
  request.head.nlmsg_len = NLMSG_LENGTH(sizeof(ifaddrmsg));
  request.head.nlmsg_type = RTM_GETADDR;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.ifa_family = AF_UNSPEC;
  if (::send(socket, &request, request.head.nlmsg_len, 0) < 0) return fail_errno("ask for addresses", errno);
  return {};
}

}  // namespace

std::optional<KernelAddress> parse_address(const nlmsghdr& message) {
  const auto* body = static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
  KernelAddress found;
  found.prefix_length = body->ifa_prefixlen;
  found.ifindex = static_cast<int>(body->ifa_index);
  found.flags = body->ifa_flags;
  bool have_address = false;
  auto left = static_cast<int>(IFA_PAYLOAD(&message));
  for (const rtattr* a = IFA_RTA(body); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
    const auto* data = static_cast<const std::uint8_t*>(RTA_DATA(a));
    const std::size_t size = RTA_PAYLOAD(a);
    if (a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && !have_address)) {
      if (const auto ip = IpAddress::from_bytes({data, size})) found.address = *ip, have_address = true;
    } else if (a->rta_type == IFA_FLAGS && size >= sizeof(std::uint32_t)) {
      found.flags = *static_cast<const std::uint32_t*>(RTA_DATA(a));
    } else if (a->rta_type == IFA_PROTO && size >= 1) {
      found.protocol = *data;
    } else if (a->rta_type == IFA_CACHEINFO && size >= sizeof(ifa_cacheinfo)) {
      found.preferred_s = static_cast<const ifa_cacheinfo*>(RTA_DATA(a))->ifa_prefered;
    }
  }
  if (!have_address) return std::nullopt;
  return found;
}

Result<std::vector<KernelAddress>> list_addresses(const NetNamespace& net) {
  UniqueFd socket;
  {
    const Entered inside{net};
    socket = UniqueFd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  }
  if (!socket) return fail_errno("open a netlink socket", errno);
  if (const auto asked = request_dump(socket.get()); !asked) return tl::unexpected{asked.error()};
  std::vector<KernelAddress> found;
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  for (;;) {
    const ssize_t n = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read addresses", errno);
    auto left = static_cast<unsigned>(n);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
      if (m->nlmsg_type == NLMSG_DONE) return found;
      if (m->nlmsg_type == NLMSG_ERROR)
        return fail_errno("list addresses", -static_cast<nlmsgerr*>(NLMSG_DATA(m))->error);
      if (m->nlmsg_type != RTM_NEWADDR) continue;
      if (auto address = parse_address(*m)) found.push_back(*address);
    }
  }
}

}  // namespace vipra::lab
