#include "net/route_socket.hpp"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <thread>

#include "net/interface_error.hpp"
#include "net/libnl_pointers.hpp"
#include "net/route_replies.hpp"

namespace vipra::net {
namespace {

constexpr int kSocketBuffer = 256 * 1024;
constexpr timeval kAnswerTimeout{.tv_sec = 5, .tv_usec = 0};

std::uint8_t full_length(const IpAddress& ip) {
  return ip.is_v4() ? 32 : 128;
}

std::string describe(const IpAddress& ip, int index) {
  return ip.to_string() + " on " + describe_interface(index);
}

RouteAddressPtr make_route_address(int index, const IpAddress& ip, std::uint8_t prefix_length) {
  const auto bytes = ip.bytes();
  const AddressPtr local{nl_addr_build(ip.is_v4() ? AF_INET : AF_INET6, bytes.data(), bytes.size())};
  RouteAddressPtr address{rtnl_addr_alloc()};
  if (!local || !address) return nullptr;
  nl_addr_set_prefixlen(local.get(), prefix_length);
  rtnl_addr_set_ifindex(address.get(), index);
  if (rtnl_addr_set_local(address.get(), local.get()) < 0) return nullptr;
  rtnl_addr_set_prefixlen(address.get(), prefix_length);
  return address;
}

MessagePtr make_add_request(int index, const IpAddress& ip) {
  const auto address = make_route_address(index, ip, full_length(ip));
  if (!address) return nullptr;
  unsigned flags = IFA_F_NOPREFIXROUTE;
  if (!ip.is_v4()) {
    flags |= IFA_F_NODAD;
    rtnl_addr_set_valid_lifetime(address.get(), std::numeric_limits<std::uint32_t>::max());
    rtnl_addr_set_preferred_lifetime(address.get(), 0);
  }
  rtnl_addr_set_flags(address.get(), flags);
  nl_msg* raw = nullptr;
  if (rtnl_addr_build_add_request(address.get(), NLM_F_EXCL, &raw) < 0) return nullptr;
  MessagePtr request{raw};
  // libnl 3.7 knows no address protocol.
  if (nla_put_u8(request.get(), IFA_PROTO, kAddressProtocol) < 0) return nullptr;
  return request;
}

// Where the node would send what is for `ip`.
MessagePtr make_route_request(int index, const IpAddress& ip) {
  MessagePtr request{nlmsg_alloc_simple(RTM_GETROUTE, 0)};
  rtmsg body{};
  body.rtm_family = ip.is_v4() ? AF_INET : AF_INET6;
  body.rtm_dst_len = full_length(ip);
  if (!request || nlmsg_append(request.get(), &body, sizeof(body), NLMSG_ALIGNTO) < 0) return nullptr;
  const auto bytes = ip.bytes();
  if (nla_put(request.get(), RTA_DST, static_cast<int>(bytes.size()), bytes.data()) < 0) return nullptr;
  if (nla_put_u32(request.get(), RTA_OIF, static_cast<std::uint32_t>(index)) < 0) return nullptr;
  return request;
}

// The kernel's own words ("IPv6 is disabled on this device"), which come behind the error.
void read_explanation(nlmsgerr* error, std::string& into) {
  const auto* header = reinterpret_cast<const nlmsghdr*>(reinterpret_cast<const char*>(error) - NLMSG_HDRLEN);
  constexpr std::size_t kFixed = NLMSG_HDRLEN + sizeof(nlmsgerr);
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0 || (header->nlmsg_flags & NLM_F_CAPPED) == 0) return;
  if (header->nlmsg_len <= kFixed) return;
  const auto* first = reinterpret_cast<const nlattr*>(error + 1);
  const auto* text = nla_find(first, static_cast<int>(header->nlmsg_len - kFixed), NLMSGERR_ATTR_MSG);
  std::array<char, 256> buffer{};
  if (text != nullptr) nla_strlcpy(buffer.data(), text, buffer.size());
  into = buffer.data();
}

std::string_view address_advice(int sys_errno) {
  switch (sys_errno) {
    case EPERM:
      return "the process needs CAP_NET_ADMIN in this network namespace";
    case EACCES:
      return "IPv6 may be disabled on the interface: see its sysctl disable_ipv6";
    case ENODEV:
      return "the interface is gone";
    case ENOBUFS:
    case ENOMEM:
      return "the kernel is out of memory for addresses";
    case ETIMEDOUT:
      return "the kernel did not answer";
    default:
      return {};
  }
}

}  // namespace

tl::unexpected<Error> out_of_memory() {
  return fail(Errc::kIo, "no memory for a request to the kernel", ENOMEM);
}

tl::unexpected<Error> fail_request(std::string what, int result, const std::string& explanation) {
  if (result < 0) return fail(Errc::kIo, what + ": " + nl_geterror(result));
  if (!explanation.empty()) what += " (the kernel says: " + explanation + ")";
  auto failure = fail_with_advice(std::move(what), result, address_advice(result));
  if (result == ETIMEDOUT) failure.value().code = Errc::kTimeout;
  return failure;
}

int RouteSocket::Replies::skip_strangers(nl_msg* message, void*) noexcept {
  return nlmsg_get_src(message)->nl_pid == 0 ? NL_OK : NL_SKIP;
}

int RouteSocket::Replies::on_valid(nl_msg* message, void* context) noexcept {
  const auto& replies = *static_cast<Replies*>(context);
  const auto* header = nlmsg_hdr(message);
  if (replies.sink != nullptr)
    replies.sink->on_message({reinterpret_cast<const std::uint8_t*>(header), header->nlmsg_len});
  return NL_OK;
}

int RouteSocket::Replies::on_ack(nl_msg*, void* context) noexcept {
  static_cast<Replies*>(context)->complete = true;
  return NL_STOP;
}

// A dump that broke off says so in its last message, which libnl 3.7 does not look at.
int RouteSocket::Replies::on_finish(nl_msg* message, void* context) noexcept {
  auto& replies = *static_cast<Replies*>(context);
  const auto* header = nlmsg_hdr(message);
  int code = 0;
  if (nlmsg_datalen(header) >= static_cast<int>(sizeof(code)))
    std::memcpy(&code, nlmsg_data(header), sizeof(code));
  replies.complete = true;
  if (code < 0) replies.sys_errno = -code;
  return NL_STOP;
}

int RouteSocket::Replies::on_error(sockaddr_nl*, nlmsgerr* error, void* context) noexcept {
  auto& replies = *static_cast<Replies*>(context);
  replies.complete = true;
  replies.sys_errno = -error->error;
  read_explanation(error, replies.explanation);
  return NL_STOP;
}

void RouteSocket::CloseSocket::operator()(nl_sock* socket) const noexcept {
  nl_socket_free(socket);
}

Result<RouteSocket::SocketPtr> RouteSocket::connect() {
  SocketPtr socket{nl_socket_alloc()};
  if (!socket) return out_of_memory();
  if (const int rc = nl_connect(socket.get(), NETLINK_ROUTE); rc < 0)
    return fail(Errc::kIo, std::string{"cannot open a socket for address changes: "} + nl_geterror(rc));
  const int fd = nl_socket_get_fd(socket.get());
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof(kAnswerTimeout)) < 0)
    return fail_errno("cannot set a time limit on the socket for address changes", errno);
  // What follows makes errors readable and dumps quick; everything works without.
  const int on = 1;
  (void)::setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  (void)::setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
  (void)nl_socket_set_buffer_size(socket.get(), kSocketBuffer, 0);
  return socket;
}

Result<RouteSocket> RouteSocket::open() {
  auto socket = connect();
  if (!socket) return tl::unexpected<Error>{std::move(socket).error()};
  return RouteSocket{std::move(*socket)};
}

Status RouteSocket::reconnect_if_broken() {
  if (socket_) return {};
  auto socket = connect();
  if (!socket) return tl::unexpected<Error>{std::move(socket).error()};
  socket_ = std::move(*socket);
  return {};
}

int RouteSocket::transact(nl_msg& request, Replies& replies) {
  const CallbacksPtr callbacks{nl_cb_alloc(NL_CB_DEFAULT)};
  if (!callbacks) return ENOMEM;
  nl_cb_set(callbacks.get(), NL_CB_MSG_IN, NL_CB_CUSTOM, Replies::skip_strangers, nullptr);
  nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, Replies::on_valid, &replies);
  nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, Replies::on_ack, &replies);
  nl_cb_set(callbacks.get(), NL_CB_FINISH, NL_CB_CUSTOM, Replies::on_finish, &replies);
  nl_cb_err(callbacks.get(), NL_CB_CUSTOM, Replies::on_error, &replies);

  int rc = nl_send_auto(socket_.get(), &request);
  while (rc >= 0 && !replies.complete) rc = nl_recvmsgs(socket_.get(), callbacks.get());
  if (replies.complete) return rc == -NLE_DUMP_INTR ? rc : replies.sys_errno;
  // An answer may still be on its way and must not be taken for that of the next request.
  socket_.reset();
  return rc == -NLE_AGAIN ? ETIMEDOUT : rc;
}

Result<AddOutcome> RouteSocket::add_address(int index, const IpAddress& ip) {
  if (auto ready = reconnect_if_broken(); !ready) return tl::unexpected<Error>{std::move(ready).error()};
  const auto request = make_add_request(index, ip);
  if (!request) return out_of_memory();
  Replies replies;
  const int result = transact(*request, replies);
  if (result == EEXIST) return AddOutcome::kAlreadyThere;
  if (result != 0) return fail_request("cannot add " + describe(ip, index), result, replies.explanation);
  if (!ip.is_v4()) wait_until_usable(index, ip);
  return AddOutcome::kAdded;
}

// The local route is made by a worker of the kernel, usually within a tenth of a millisecond.
void RouteSocket::wait_until_usable(int index, const IpAddress& ip) {
  constexpr std::chrono::microseconds kStep{50};
  for (std::chrono::microseconds waited{0}; waited < kUsableWait; waited += kStep) {
    if (!socket_ || is_local(index, ip)) return;
    std::this_thread::sleep_for(kStep);
  }
}

bool RouteSocket::is_local(int index, const IpAddress& ip) {
  struct TypeReader final : ReplySink {
    void on_message(std::span<const std::uint8_t> bytes) override {
      nlmsghdr header;
      rtmsg route;
      if (bytes.size() < NLMSG_HDRLEN + sizeof(route)) return;
      std::memcpy(&header, bytes.data(), sizeof(header));
      if (header.nlmsg_type != RTM_NEWROUTE) return;
      std::memcpy(&route, bytes.data() + NLMSG_HDRLEN, sizeof(route));
      local = route.rtm_type == RTN_LOCAL;
    }
    bool local = false;
  };
  const auto request = make_route_request(index, ip);
  TypeReader reader;
  Replies replies{&reader};
  return request && transact(*request, replies) == 0 && reader.local;
}

Status RouteSocket::remove_address(int index, const IpAddress& ip) {
  return remove(index, ip, full_length(ip));
}

Status RouteSocket::remove(int index, const IpAddress& ip, std::uint8_t prefix_length) {
  if (auto ready = reconnect_if_broken(); !ready) return ready;
  const auto address = make_route_address(index, ip, prefix_length);
  nl_msg* raw = nullptr;
  if (!address || rtnl_addr_build_delete_request(address.get(), 0, &raw) < 0) return out_of_memory();
  const MessagePtr request{raw};
  Replies replies;
  const int result = transact(*request, replies);
  if (result == 0 || result == EADDRNOTAVAIL || result == ENODEV) return {};
  return fail_request("cannot remove " + describe(ip, index), result, replies.explanation);
}

Status RouteSocket::request(nl_msg& message, const std::string& what) {
  Replies replies;
  const int result = transact(message, replies);
  if (result == 0) return {};
  auto failure = fail_request(what, result, replies.explanation);
  if (result > 0) failure.value().sys_errno = result;
  return failure;
}

Result<std::size_t> RouteSocket::remove_all_marked() {
  auto dumped = dump();
  if (!dumped) return tl::unexpected<Error>{std::move(dumped).error()};
  std::size_t removed = 0;
  Status first_failure;
  const auto note = [&](Status status) {
    if (!status && first_failure) first_failure = std::move(status);
    return status.has_value();
  };
  for (const auto& address : dumped->addresses) {
    if (!address.is_ours()) continue;
    if (note(remove(address.index, address.ip, address.prefix_length))) ++removed;
  }
  // Only now: each blocks for tens of milliseconds, and nobody answers on them any more.
  for (const auto& link : dumped->links) {
    if (link.ours) static_cast<void>(note(remove_device(link.index)));
  }
  if (!first_failure) return tl::unexpected<Error>{std::move(first_failure).error()};
  return removed;
}

}  // namespace vipra::net
