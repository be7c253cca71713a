#include "net/neighbour_guard.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_arp.h>
#include <linux/netlink.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "net/interface_error.hpp"
#include "net/nft_batch.hpp"

namespace vipra::net {
namespace {

using ownership::NeighbourGuard;
using Bytes = std::span<const std::uint8_t>;

constexpr const char* kTable = "vipra";
constexpr const char* kChain = "output";
constexpr timeval kAnswerTimeout{.tv_sec = 5, .tv_usec = 0};
constexpr int kSocketBuffer = 1024 * 1024;
constexpr std::uint32_t kTableOwner = 0x2;       // NFT_TABLE_F_OWNER: not in Debian 12's headers by name
constexpr std::uint32_t kIpv4AddressType = 7;    // what nft(8) shows a set's elements as
constexpr std::size_t kElementsAtOnce = 1000;    // an attribute has at most 64 KB
constexpr std::uint8_t kMulticastReport2 = 143;  // RFC 3810; netinet/icmp6.h does not have it
// Of an ARP message over Ethernet and IPv4 (RFC 826).
constexpr std::uint32_t kArpOperation = 6;
constexpr std::uint32_t kArpSender = 14;

template <class T>
std::array<std::uint8_t, sizeof(T)> raw(const T& value) {
  std::array<std::uint8_t, sizeof(T)> out;
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

// Expressions of one rule, all on the first register.
class Rule {
 public:
  explicit Rule(NftBatch& batch) : batch_{batch} {}

  void load_meta(std::uint32_t key) {
    expression("meta", [&] {
      batch_.number(NFTA_META_DREG, NFT_REG_1);
      batch_.number(NFTA_META_KEY, key);
    });
  }
  void load_payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length) {
    expression("payload", [&] {
      batch_.number(NFTA_PAYLOAD_DREG, NFT_REG_1);
      batch_.number(NFTA_PAYLOAD_BASE, base);
      batch_.number(NFTA_PAYLOAD_OFFSET, offset);
      batch_.number(NFTA_PAYLOAD_LEN, length);
    });
  }
  void store_payload(std::uint32_t base, std::uint32_t offset, Bytes value) {
    expression("immediate", [&] {
      batch_.number(NFTA_IMMEDIATE_DREG, NFT_REG_1);
      batch_.nest(NFTA_IMMEDIATE_DATA, [&] { batch_.bytes(NFTA_DATA_VALUE, value); });
    });
    expression("payload", [&] {
      batch_.number(NFTA_PAYLOAD_SREG, NFT_REG_1);
      batch_.number(NFTA_PAYLOAD_BASE, base);
      batch_.number(NFTA_PAYLOAD_OFFSET, offset);
      batch_.number(NFTA_PAYLOAD_LEN, static_cast<std::uint32_t>(value.size()));
      batch_.number(NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_NONE);
      batch_.number(NFTA_PAYLOAD_CSUM_OFFSET, 0);
    });
  }
  void is(Bytes value) {
    expression("cmp", [&] {
      batch_.number(NFTA_CMP_SREG, NFT_REG_1);
      batch_.number(NFTA_CMP_OP, NFT_CMP_EQ);
      batch_.nest(NFTA_CMP_DATA, [&] { batch_.bytes(NFTA_DATA_VALUE, value); });
    });
  }
  void is_in(const std::string& set) {
    expression("lookup", [&] {
      batch_.text(NFTA_LOOKUP_SET, set);
      batch_.number(NFTA_LOOKUP_SREG, NFT_REG_1);
    });
  }
  void drop() {
    expression("immediate", [&] {
      batch_.number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      batch_.nest(NFTA_IMMEDIATE_DATA, [&] {
        batch_.nest(NFTA_DATA_VERDICT, [&] { batch_.number(NFTA_VERDICT_CODE, NF_DROP); });
      });
    });
  }

 private:
  void expression(std::string_view name, const NftBatch::Content& content) {
    batch_.nest(NFTA_LIST_ELEM, [&] {
      batch_.text(NFTA_EXPR_NAME, name);
      batch_.nest(NFTA_EXPR_DATA, content);
    });
  }
  NftBatch& batch_;
};

template <class Content>
void add_rule(NftBatch& batch, std::uint8_t family, const Content& content) {
  batch.message(NFT_MSG_NEWRULE, family, NLM_F_CREATE | NLM_F_APPEND, [&] {
    batch.text(NFTA_RULE_TABLE, kTable);
    batch.text(NFTA_RULE_CHAIN, kChain);
    batch.nest(NFTA_RULE_EXPRESSIONS, [&] {
      Rule rule{batch};
      content(rule);
    });
  });
}

void add_table(NftBatch& batch, std::uint8_t family) {
  batch.message(NFT_MSG_NEWTABLE, family, NLM_F_CREATE, [&] {
    batch.text(NFTA_TABLE_NAME, kTable);
    batch.number(NFTA_TABLE_FLAGS, kTableOwner);
  });
}

// Also where there was none.
void delete_table(NftBatch& batch, std::uint8_t family) {
  add_table(batch, family);
  batch.message(NFT_MSG_DELTABLE, family, 0, [&] { batch.text(NFTA_TABLE_NAME, kTable); });
}

void add_chain(NftBatch& batch, std::uint8_t family, std::uint32_t hook) {
  batch.message(NFT_MSG_NEWCHAIN, family, NLM_F_CREATE, [&] {
    batch.text(NFTA_CHAIN_TABLE, kTable);
    batch.text(NFTA_CHAIN_NAME, kChain);
    batch.nest(NFTA_CHAIN_HOOK, [&] {
      batch.number(NFTA_HOOK_HOOKNUM, hook);
      batch.number(NFTA_HOOK_PRIORITY, 0);
    });
    batch.text(NFTA_CHAIN_TYPE, "filter");
  });
}

void add_set(NftBatch& batch, const std::string& name, std::uint32_t id,
             std::span<const IpAddress> addresses) {
  batch.message(NFT_MSG_NEWSET, NFPROTO_ARP, NLM_F_CREATE, [&] {
    batch.text(NFTA_SET_TABLE, kTable);
    batch.text(NFTA_SET_NAME, name);
    batch.number(NFTA_SET_FLAGS, 0);
    batch.number(NFTA_SET_KEY_TYPE, kIpv4AddressType);
    batch.number(NFTA_SET_KEY_LEN, 4);
    batch.number(NFTA_SET_ID, id);
  });
  while (!addresses.empty()) {
    const auto some = addresses.first(std::min(addresses.size(), kElementsAtOnce));
    addresses = addresses.subspan(some.size());
    batch.message(NFT_MSG_NEWSETELEM, NFPROTO_ARP, NLM_F_CREATE, [&] {
      batch.text(NFTA_SET_ELEM_LIST_TABLE, kTable);
      batch.text(NFTA_SET_ELEM_LIST_SET, name);
      batch.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
        for (const auto& address : some) {
          batch.nest(NFTA_LIST_ELEM, [&] {
            batch.nest(NFTA_SET_ELEM_KEY, [&] { batch.bytes(NFTA_DATA_VALUE, address.bytes()); });
          });
        }
      });
    });
  }
}

// The interface answers for none of them, and asks in its own name.
void guard_interface(NftBatch& batch, const NeighbourGuard::Interface& interface, std::uint32_t set_id) {
  const auto set = "interface" + std::to_string(interface.index);
  add_set(batch, set, set_id, interface.addresses);
  const auto concerns = [&](Rule& rule) {
    rule.load_meta(NFT_META_OIF);
    rule.is(raw(static_cast<std::uint32_t>(interface.index)));
    rule.load_payload(NFT_PAYLOAD_NETWORK_HEADER, kArpSender, 4);
    rule.is_in(set);
  };
  add_rule(batch, NFPROTO_ARP, [&](Rule& rule) {
    concerns(rule);
    rule.load_payload(NFT_PAYLOAD_NETWORK_HEADER, kArpOperation, 2);
    rule.is(raw(htons(ARPOP_REPLY)));
    rule.drop();
  });
  add_rule(batch, NFPROTO_ARP, [&](Rule& rule) {
    concerns(rule);
    rule.store_payload(NFT_PAYLOAD_NETWORK_HEADER, kArpSender, interface.primary.bytes());
  });
}

void guard_devices(NftBatch& batch) {
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto prefix = ownership::device_prefix(family);
    for (const std::uint8_t type : {std::uint8_t{MLD_LISTENER_REPORT}, std::uint8_t{MLD_LISTENER_REDUCTION},
                                    std::uint8_t{ND_ROUTER_SOLICIT}, kMulticastReport2}) {
      add_rule(batch, NFPROTO_IPV6, [&](Rule& rule) {
        rule.load_meta(NFT_META_OIFNAME);
        rule.is({reinterpret_cast<const std::uint8_t*>(prefix.data()), prefix.size()});
        rule.load_meta(NFT_META_L4PROTO);
        rule.is(raw(std::uint8_t{IPPROTO_ICMPV6}));
        rule.load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
        rule.is(raw(type));
        rule.drop();
      });
    }
  }
}

// Different from those of whoever had the socket before.
std::uint32_t fresh_sequence() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint32_t>(time.tv_sec) << 20 ^ static_cast<std::uint32_t>(time.tv_nsec);
}

NftBatch make_batch(const NeighbourGuard& guard) {
  NftBatch batch{fresh_sequence()};
  for (const std::uint8_t family : {NFPROTO_ARP, NFPROTO_IPV6}) delete_table(batch, family);
  if (!guard.interfaces.empty()) {
    add_table(batch, NFPROTO_ARP);
    add_chain(batch, NFPROTO_ARP, NF_ARP_OUT);
    std::uint32_t set_id = 0;
    for (const auto& interface : guard.interfaces) guard_interface(batch, interface, ++set_id);
  }
  if (guard.devices) {
    add_table(batch, NFPROTO_IPV6);
    add_chain(batch, NFPROTO_IPV6, NF_INET_LOCAL_OUT);
    guard_devices(batch);
  }
  batch.finish();
  return batch;
}

// 0 or an errno.
int wait_for_answer(int fd, const NftBatch& batch) {
  std::array<std::uint8_t, 16 * 1024> buffer;
  for (;;) {
    const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    Bytes rest{buffer.data(), static_cast<std::size_t>(size)};
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof(header));
      if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > rest.size()) break;
      const bool of_batch =
          header.nlmsg_seq - batch.first_sequence() <= batch.last_sequence() - batch.first_sequence();
      if (of_batch && header.nlmsg_type == NLMSG_ERROR && header.nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
        int error = 0;
        std::memcpy(&error, rest.data() + NLMSG_HDRLEN, sizeof(error));
        if (error != 0) return -error;
        if (header.nlmsg_seq == batch.last_sequence()) return 0;
      }
      rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    }
  }
}

std::string_view guard_advice(int error) {
  switch (error) {
    case EPERM:
      return "the process needs CAP_NET_ADMIN in this network namespace";
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
    case ENOENT:
    case EINVAL:
      return "the kernel needs nftables (nf_tables) with the families arp and ip6, and no table called vipra "
             "of somebody else's; without them set spec.vrrp.virtualMAC to false";
    default:
      return {};
  }
}

}  // namespace

Result<sys::UniqueFd> open_neighbour_guard() {
  sys::UniqueFd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)};
  if (!fd) return fail_with_advice("cannot open a socket for the packet filter", errno, guard_advice(errno));
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof(local)) < 0)
    return fail_errno("cannot bind the socket for the packet filter", errno);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof(kAnswerTimeout)) < 0)
    return fail_errno("cannot set a time limit on the socket for the packet filter", errno);
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSocketBuffer, sizeof(kSocketBuffer));
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  return fd;
}

Status set_neighbour_guard(int fd, const NeighbourGuard& guard) {
  const auto batch = make_batch(guard);
  const auto data = batch.data();
  int error = 0;
  while (::send(fd, data.data(), data.size(), MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    error = errno;
    break;
  }
  if (error == 0) error = wait_for_answer(fd, batch);
  if (error == 0) return {};
  return fail_with_advice(
      "cannot keep the interfaces from answering for addresses with a virtual MAC address", error,
      guard_advice(error));
}

}  // namespace vipra::net
