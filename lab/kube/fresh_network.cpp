#include "lab/kube/fresh_network.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lab/command.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab::kube {
namespace {

struct Request {
  nlmsghdr header;
  nfgenmsg body;
};

Status forget_connections(const NetNamespace& net) {
  const Entered inside{net};
  const UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)};
  if (!socket) return fail_errno("open a netfilter socket", errno);
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE;  // without a tuple: all
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.body.nfgen_family = AF_UNSPEC;
  request.body.version = NFNETLINK_V0;
  if (::send(socket.get(), &request, sizeof request, 0) < 0) return fail_errno("forget connections", errno);
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  const auto got = ::recv(socket.get(), answer.data(), answer.size(), 0);
  if (got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr))))
    return fail_errno("forget connections", got < 0 ? errno : EBADMSG);
  nlmsgerr verdict{};
  std::memcpy(&verdict, answer.data() + NLMSG_HDRLEN, sizeof verdict);
  // Without the kernel's module there are none.
  if (verdict.error == 0 || verdict.error == -EINVAL || verdict.error == -EOPNOTSUPP) return {};
  return fail_errno("forget connections", -verdict.error);
}

}  // namespace

Status forget_filters_and_connections(const NetNamespace& net) {
  if (const auto done = must_run(net, {"nft", "flush", "ruleset"}); !done) return done;
  return forget_connections(net);
}

}  // namespace vipra::lab::kube
