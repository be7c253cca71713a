#include "ownership/unicast_reach.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ownership/interface_choice.hpp"

namespace vipra::ownership {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

struct ReachTest : testing::Test {
  InterfaceAddress& add(int index, const char* text, int prefix) {
    InterfaceAddress address;
    address.index = index;
    address.ip = ip(text);
    address.prefix_length = static_cast<std::uint8_t>(prefix);
    return all.emplace_back(address);
  }
  UnicastReach reach(const char* primary, std::vector<const char*> peers,
                     plan::TransportMode mode = plan::TransportMode::kUnicast) {
    KernelDump dump;
    for (const int index : {2, 3}) {
      Link link;
      link.index = index;
      link.name = "eth" + std::to_string(index);
      link.up = true;
      dump.links.push_back(link);
    }
    dump.addresses = all;
    view.replace(dump);
    plan::Transport transport{mode, {}};
    for (const auto* text : peers) transport.peers.push_back(ip(text));
    return reach_peers(view, 2, ip(primary), transport);
  }
  std::vector<InterfaceAddress> all;
  KernelView view;
};

TEST_F(ReachTest, Ipv4PeersAreSentToFromThePrimaryAddress) {
  add(2, "10.0.2.15", 24);
  add(2, "192.0.2.15", 24);
  const auto found = reach("10.0.2.15", {"10.0.2.20", "192.0.2.20", "198.51.100.20"});
  EXPECT_THAT(found.peers, ElementsAre(vrrp::UnicastPeer{ip("10.0.2.20"), ip("10.0.2.15"), true},
                                       vrrp::UnicastPeer{ip("192.0.2.20"), ip("10.0.2.15"), true},
                                       vrrp::UnicastPeer{ip("198.51.100.20"), ip("10.0.2.15"), false}));
  EXPECT_THAT(found.own, ElementsAre(ip("10.0.2.15"), ip("192.0.2.15")));
}

TEST_F(ReachTest, TheNodeItselfIsNoPeerWhereverItHasTheAddress) {
  add(2, "10.0.2.15", 24);
  add(3, "10.9.0.15", 24);
  EXPECT_THAT(reach("10.0.2.15", {"10.0.2.15", "10.9.0.15"}).peers, IsEmpty());
}

TEST_F(ReachTest, AVipOfOursIsNeitherAnOwnAddressNorASubnet) {
  add(2, "10.0.2.15", 24);
  add(2, "198.51.100.1", 24).protocol = kAddressProtocol;
  const auto found = reach("10.0.2.15", {"198.51.100.20"});
  EXPECT_THAT(found.own, ElementsAre(ip("10.0.2.15")));
  ASSERT_EQ(found.peers.size(), 1u);
  EXPECT_FALSE(found.peers[0].on_link);
}

TEST_F(ReachTest, AGlobalIpv6PeerIsSentToFromTheAddressThatSharesItsPrefix) {
  add(2, "fe80::1", 64);
  add(2, "2001:db8:1::1", 64);
  add(2, "2001:db8:2::1", 64);
  const auto found = reach("fe80::1", {"2001:db8:2::2", "2001:db8:9::2", "fe80::2"});
  EXPECT_THAT(found.peers, ElementsAre(vrrp::UnicastPeer{ip("2001:db8:2::2"), ip("2001:db8:2::1"), true},
                                       vrrp::UnicastPeer{ip("2001:db8:9::2"), ip("2001:db8:1::1"), false},
                                       vrrp::UnicastPeer{ip("fe80::2"), ip("fe80::1"), true}));
}

TEST_F(ReachTest, NoUnusableIpv6AddressIsASource) {
  add(2, "fe80::1", 64);
  add(2, "2001:db8::1", 64).tentative = true;
  add(2, "2001:db8::2", 64).dad_failed = true;
  add(2, "2001:db8::3", 64).temporary = true;
  add(2, "2001:db8::4", 64).deprecated = true;
  add(2, "2001:db8::5", 128).protocol = kAddressProtocol;
  EXPECT_THAT(reach("fe80::1", {"2001:db8::9"}).peers, IsEmpty());
  add(2, "2001:db8:7::7", 64);
  EXPECT_THAT(reach("fe80::1", {"2001:db8::9"}).peers,
              ElementsAre(vrrp::UnicastPeer{ip("2001:db8::9"), ip("2001:db8:7::7"), true}));
}

// A node that sends both ways has one name on the link.
TEST_F(ReachTest, BesideMulticastIpv6PeersOnTheLinkAreSentToFromTheLinkLocalAddress) {
  add(2, "fe80::1", 64);
  add(2, "2001:db8::1", 64);
  const auto found = reach("fe80::1", {"2001:db8::2", "2001:db8:9::2"}, plan::TransportMode::kBoth);
  EXPECT_THAT(found.peers, ElementsAre(vrrp::UnicastPeer{ip("2001:db8::2"), ip("fe80::1"), true},
                                       vrrp::UnicastPeer{ip("2001:db8:9::2"), ip("2001:db8::1"), false}));
}

TEST_F(ReachTest, ALinkLocalAddressOfAnotherLinkIsSomebodyElse) {
  add(2, "fe80::1", 64);
  add(3, "fe80::2", 64);
  EXPECT_EQ(reach("fe80::1", {"fe80::2"}).peers.size(), 1u);
}

TEST_F(ReachTest, TheSegmentHasPeersOnlyWhereTheRouterSendsToThem) {
  add(2, "10.0.2.15", 24);
  (void)reach("10.0.2.15", {});
  plan::VirtualRouter router;
  router.addresses = {{ip("10.0.2.100"), "web"}};
  EXPECT_EQ(choose_segment(view, router)->unicast, UnicastReach{});
  router.transport = {plan::TransportMode::kBoth, {ip("10.0.2.20")}};
  EXPECT_EQ(choose_segment(view, router)->unicast.peers.size(), 1u);
}

}  // namespace
}  // namespace vipra::ownership
