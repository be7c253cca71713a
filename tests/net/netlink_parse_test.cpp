#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "tests/net/netlink_message.hpp"

namespace vipra::net {
namespace {

using namespace std::string_view_literals;

constexpr unsigned kLowerUp = 1u << 16;
const IpAddress kV4 = *IpAddress::parse("192.0.2.10");
const IpAddress kV6 = *IpAddress::parse("2001:db8::10");

ifinfomsg link_body(unsigned flags, unsigned char family = AF_UNSPEC) {
  ifinfomsg body{};
  body.ifi_family = family;
  body.ifi_index = 7;
  body.ifi_flags = flags;
  return body;
}

MessageBuilder link_message(std::uint16_t type, unsigned flags) {
  return MessageBuilder{type, link_body(flags)}
      .attribute(IFLA_IFNAME, "eth0\0"sv)
      .attribute(IFLA_MTU, std::uint32_t{1500})
      .attribute(IFLA_ADDRESS, "\x02\x00\x00\x00\x00\x01"sv);
}

ifaddrmsg address_body(const IpAddress& ip, std::uint8_t prefix_length, std::uint8_t flags = 0) {
  return {static_cast<std::uint8_t>(ip.is_v4() ? AF_INET : AF_INET6), prefix_length, flags, 0, 7};
}

Recorder parse(std::span<const std::uint8_t> bytes) {
  Recorder recorder;
  parse_netlink(bytes, recorder);
  return recorder;
}

TEST(NetlinkParse, LinkIsToldWithNameMacMtuAndFlags) {
  const auto got = parse(
      link_message(RTM_NEWLINK, IFF_UP | IFF_RUNNING | kLowerUp | IFF_MULTICAST | IFF_BROADCAST).build());
  ASSERT_EQ(got.links.size(), 1u);
  const auto& link = got.links[0];
  EXPECT_EQ(link.index, 7);
  EXPECT_EQ(link.name, "eth0");
  EXPECT_EQ(link.mac, (MacAddress{{2, 0, 0, 0, 0, 1}}));
  EXPECT_EQ(link.mtu, 1500u);
  EXPECT_TRUE(link.up);
  EXPECT_TRUE(link.multicast);
  EXPECT_FALSE(link.loopback);
}

TEST(NetlinkParse, LinkIsUpOnlyWithAdministrativeAndOperationalStateAndCarrier) {
  for (const unsigned missing : {unsigned{IFF_UP}, unsigned{IFF_RUNNING}, kLowerUp}) {
    const unsigned flags = (IFF_UP | IFF_RUNNING | kLowerUp) & ~missing;
    const auto got = parse(link_message(RTM_NEWLINK, flags).build());
    ASSERT_EQ(got.links.size(), 1u);
    EXPECT_FALSE(got.links[0].up) << std::hex << missing;
    EXPECT_EQ(got.links[0].enabled, missing != IFF_UP);
  }
}

std::vector<std::uint8_t> link_info(std::string_view kind) {
  return MessageBuilder{RTM_NEWLINK, std::uint32_t{0}}.attribute(IFLA_INFO_KIND, kind).build();
}

TEST(NetlinkParse, AMacvlanIsOursByItsAliasOrBeforeItHasOneByItsGroup) {
  const auto parsed = [](std::string_view kind, std::uint32_t group, std::string_view alias) {
    const auto info = link_info(kind);
    auto message = link_message(RTM_NEWLINK, IFF_UP);
    message.attribute(IFLA_LINK, std::int32_t{3})
        .attribute(IFLA_LINKINFO, std::span{info}.subspan(NLMSG_HDRLEN + sizeof(std::uint32_t)))
        .attribute(IFLA_GROUP, group);
    if (!alias.empty()) message.attribute(IFLA_IFALIAS, alias);
    return parse(message.build()).links.at(0);
  };
  const auto made = parsed("macvlan\0"sv, 213, "vipra: virtual MAC\0"sv);
  EXPECT_TRUE(made.macvlan);
  EXPECT_TRUE(made.ours);
  EXPECT_EQ(made.lower, 3);
  EXPECT_TRUE(parsed("macvlan\0"sv, 0, "vipra: virtual MAC\0"sv).ours);
  EXPECT_TRUE(parsed("macvlan\0"sv, 213, {}).ours) << "not finished";
  EXPECT_FALSE(parsed("macvlan\0"sv, 0, {}).ours);
  EXPECT_FALSE(parsed("macvlan\0"sv, 213, "somebody's\0"sv).ours);
  const auto veth = parsed("veth\0"sv, 213, "vipra: virtual MAC\0"sv);
  EXPECT_FALSE(veth.macvlan || veth.ours);
  EXPECT_EQ(veth.lower, 0) << "the other end, of whatever namespace";
}

TEST(NetlinkParse, MacOfAnotherSizeIsNone) {
  const auto got = parse(MessageBuilder{RTM_NEWLINK, link_body(0)}
                             .attribute(IFLA_IFNAME, "ib0\0"sv)
                             .attribute(IFLA_ADDRESS, "12345678901234567890"sv)
                             .build());
  ASSERT_EQ(got.links.size(), 1u);
  EXPECT_EQ(got.links[0].mac, MacAddress{});
}

TEST(NetlinkParse, LinkWithoutNameOrWithAnEndlessOneIsSkipped) {
  EXPECT_TRUE(parse(MessageBuilder{RTM_NEWLINK, link_body(IFF_UP)}.build()).empty());
  EXPECT_TRUE(parse(MessageBuilder{RTM_NEWLINK, link_body(IFF_UP)}
                        .attribute(IFLA_IFNAME, "a-name-of-sixteen"sv)
                        .build())
                  .empty());
}

TEST(NetlinkParse, RemovedLinkIsTold) {
  const auto got = parse(link_message(RTM_DELLINK, 0).build());
  EXPECT_EQ(got.removed_links, std::vector<int>{7});
}

TEST(NetlinkParse, PortLeavingABridgeIsNoRemovedLink) {
  EXPECT_TRUE(parse(MessageBuilder{RTM_DELLINK, link_body(IFF_UP, AF_BRIDGE)}
                        .attribute(IFLA_IFNAME, "eth0\0"sv)
                        .build())
                  .empty());
}

TEST(NetlinkParse, Ipv4AddressIsItsLocalEndNotThePeer) {
  const auto got = parse(MessageBuilder{RTM_NEWADDR, address_body(kV4, 24, IFA_F_PERMANENT)}
                             .attribute(IFA_ADDRESS, *IpAddress::parse("192.0.2.99"))
                             .attribute(IFA_LOCAL, kV4)
                             .build());
  ASSERT_EQ(got.addresses.size(), 1u);
  EXPECT_EQ(got.addresses[0].ip, kV4);
  EXPECT_EQ(got.addresses[0].index, 7);
  EXPECT_EQ(got.addresses[0].prefix_length, 24);
  EXPECT_FALSE(got.addresses[0].protocol);
  EXPECT_FALSE(got.addresses[0].is_ours());
}

TEST(NetlinkParse, MarkIsReadAndOnlyOursIsOurs) {
  for (const auto mark : {std::uint8_t{0}, std::uint8_t{3}, kAddressProtocol}) {
    const auto got = parse(MessageBuilder{RTM_NEWADDR, address_body(kV4, 32)}
                               .attribute(IFA_LOCAL, kV4)
                               .attribute(IFA_PROTO, mark)
                               .build());
    ASSERT_EQ(got.addresses.size(), 1u);
    EXPECT_EQ(got.addresses[0].protocol, mark);
    EXPECT_EQ(got.addresses[0].is_ours(), mark == kAddressProtocol);
  }
}

TEST(NetlinkParse, TheSameBitIsSecondaryInIpv4AndTemporaryInIpv6) {
  const auto v4 = parse(
      MessageBuilder{RTM_NEWADDR, address_body(kV4, 24, IFA_F_SECONDARY)}.attribute(IFA_LOCAL, kV4).build());
  const auto v6 = parse(MessageBuilder{RTM_NEWADDR, address_body(kV6, 64, IFA_F_TEMPORARY)}
                            .attribute(IFA_ADDRESS, kV6)
                            .build());
  ASSERT_EQ(v4.addresses.size(), 1u);
  ASSERT_EQ(v6.addresses.size(), 1u);
  EXPECT_TRUE(v4.addresses[0].secondary);
  EXPECT_FALSE(v4.addresses[0].temporary);
  EXPECT_TRUE(v6.addresses[0].temporary);
  EXPECT_FALSE(v6.addresses[0].secondary);
}

TEST(NetlinkParse, WideFlagsWinOverTheNarrowOnes) {
  const auto got =
      parse(MessageBuilder{RTM_NEWADDR, address_body(kV6, 128, IFA_F_TENTATIVE)}
                .attribute(IFA_ADDRESS, kV6)
                .attribute(IFA_FLAGS, std::uint32_t{IFA_F_NOPREFIXROUTE | IFA_F_DEPRECATED | IFA_F_DADFAILED})
                .build());
  ASSERT_EQ(got.addresses.size(), 1u);
  EXPECT_TRUE(got.addresses[0].no_prefix_route);
  EXPECT_TRUE(got.addresses[0].deprecated);
  EXPECT_TRUE(got.addresses[0].dad_failed);
  EXPECT_FALSE(got.addresses[0].tentative);
}

TEST(NetlinkParse, RemovedAddressIsTold) {
  const auto got =
      parse(MessageBuilder{RTM_DELADDR, address_body(kV6, 128)}.attribute(IFA_ADDRESS, kV6).build());
  ASSERT_EQ(got.removed_addresses.size(), 1u);
  EXPECT_EQ(got.removed_addresses[0].ip, kV6);
}

TEST(NetlinkParse, ImpossibleAddressesAreSkipped) {
  EXPECT_TRUE(
      parse(MessageBuilder{RTM_NEWADDR, address_body(kV4, 33)}.attribute(IFA_LOCAL, kV4).build()).empty());
  EXPECT_TRUE(
      parse(MessageBuilder{RTM_NEWADDR, address_body(kV4, 32)}.attribute(IFA_LOCAL, kV6).build()).empty());
  EXPECT_TRUE(parse(MessageBuilder{RTM_NEWADDR, address_body(kV4, 32)}.build()).empty());
  auto body = address_body(kV4, 32);
  body.ifa_family = 12;
  EXPECT_TRUE(parse(MessageBuilder{RTM_NEWADDR, body}.attribute(IFA_LOCAL, kV4).build()).empty());
  body = address_body(kV4, 32);
  body.ifa_index = 0xffffffffu;
  EXPECT_TRUE(parse(MessageBuilder{RTM_NEWADDR, body}.attribute(IFA_LOCAL, kV4).build()).empty());
}

TEST(NetlinkParse, SeveralMessagesInOneDatagramAreAllTold) {
  auto bytes = link_message(RTM_NEWLINK, 0).build();
  const auto second = MessageBuilder{RTM_NEWADDR, address_body(kV4, 32)}.attribute(IFA_LOCAL, kV4).build();
  const auto unknown = MessageBuilder{RTM_NEWROUTE, rtmsg{}}.build();
  bytes.insert(bytes.end(), unknown.begin(), unknown.end());
  bytes.insert(bytes.end(), second.begin(), second.end());
  const auto got = parse(bytes);
  EXPECT_EQ(got.links.size(), 1u);
  EXPECT_EQ(got.addresses.size(), 1u);
}

// Each prefix lies in memory of exactly its size, so that the address sanitizer sees a read beyond it.
TEST(NetlinkParse, CutShortAnywhereTellsNothingAndReadsNothingBeyond) {
  for (const auto& whole :
       {link_message(RTM_NEWLINK, IFF_UP).build(),
        MessageBuilder{RTM_NEWADDR, address_body(kV6, 128)}.attribute(IFA_ADDRESS, kV6).build()}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_TRUE(parse(std::vector<std::uint8_t>(whole.begin(), whole.begin() + long(size))).empty())
          << size;
  }
}

TEST(NetlinkParse, LyingAttributeLengthEndsTheMessageNotTheProgram) {
  for (const auto lie : std::to_array<std::uint16_t>({0, 1, 3, 200, 0xffff})) {
    auto bytes = MessageBuilder{RTM_NEWADDR, address_body(kV4, 32)}
                     .attribute(IFA_LOCAL, kV4)
                     .attribute(99, kV6)
                     .build();
    const std::size_t second = sizeof(nlmsghdr) + sizeof(ifaddrmsg) + sizeof(nlattr) + 4;
    std::memcpy(bytes.data() + second, &lie, sizeof(lie));
    EXPECT_EQ(parse(bytes).addresses.size(), 1u) << lie;
  }
}

TEST(NetlinkParse, BytesNeedNoAlignment) {
  const auto bytes = link_message(RTM_NEWLINK, IFF_UP).build();
  std::vector<std::uint8_t> shifted(1);
  shifted.insert(shifted.end(), bytes.begin(), bytes.end());
  EXPECT_EQ(parse(std::span{shifted}.subspan(1)).links.size(), 1u);
}

}  // namespace
}  // namespace vipra::net
