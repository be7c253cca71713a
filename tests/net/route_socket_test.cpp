#include "net/route_socket.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/net/namespace.hpp"

namespace vipra::net {
namespace {

const IpAddress kV4 = *IpAddress::parse("192.0.2.10");
const IpAddress kV6 = *IpAddress::parse("2001:db8::10");

class RouteSocketTest : public testing::Test {
 protected:
  RouteSocket open() {
    const Namespace::Inside inside{veth.a};
    auto opened = RouteSocket::open();
    if (!opened) throw std::runtime_error{opened.error().what};
    return std::move(*opened);
  }
  std::optional<InterfaceAddress> find(const IpAddress& ip) {
    auto dump = route.dump();
    if (!dump) throw std::runtime_error{dump.error().what};
    const auto found = std::find_if(dump->addresses.begin(), dump->addresses.end(),
                                    [&](const auto& address) { return address.ip == ip; });
    if (found == dump->addresses.end()) return std::nullopt;
    return *found;
  }

  VethPair veth;
  RouteSocket route = open();
  int eth0 = veth.index_a();
};

TEST_F(RouteSocketTest, Ipv4AddressIsHostWideMarkedAndWithoutPrefixRoute) {
  const auto added = route.add_address(eth0, kV4);
  ASSERT_TRUE(added.has_value()) << added.error().what;
  EXPECT_EQ(*added, AddOutcome::kAdded);
  const auto address = find(kV4);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->index, eth0);
  EXPECT_EQ(address->prefix_length, 32);
  EXPECT_TRUE(address->is_ours());
  EXPECT_TRUE(address->no_prefix_route);
  EXPECT_FALSE(address->secondary);
  EXPECT_FALSE(address->deprecated);
}

TEST_F(RouteSocketTest, Ipv6AddressIsUsableAtOnceAndNeverASource) {
  const auto added = route.add_address(eth0, kV6);
  ASSERT_TRUE(added.has_value()) << added.error().what;
  const auto address = find(kV6);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->prefix_length, 128);
  EXPECT_TRUE(address->is_ours());
  EXPECT_FALSE(address->tentative);
  EXPECT_TRUE(address->deprecated);
  EXPECT_TRUE(address->no_prefix_route);
  veth.a.run("ip -6 addr show dev eth0 to 2001:db8::10 | grep -q 'valid_lft forever preferred_lft 0sec'");
  veth.a.run("ip -6 addr show dev eth0 to 2001:db8::10 | grep -q nodad");
  veth.a.run("test -z \"$(ip -6 route show 2001:db8::10)\"");
  // The peer reaches it, and the node's own traffic does not come from it.
  EXPECT_TRUE(reaches(veth.b, kV6));
  veth.a.run("ip -6 route get 2001:db8::2 | grep -q 'src 2001:db8::1 '");
}

// The kernel counts what it received for addresses that it does not have.
TEST_F(RouteSocketTest, NodeAnswersOnAnIpv6AddressFromTheMomentItIsAdded) {
  constexpr int kAddresses = 100;
  const auto nth = [](int i) { return *IpAddress::parse("2001:db8::1:" + std::to_string(i)); };
  std::string neighbours;
  for (int i = 0; i < kAddresses; ++i)
    neighbours +=
        "neigh replace " + nth(i).to_string() + " lladdr 02:00:00:00:00:01 dev eth0 nud permanent\n";
  veth.b.ip(neighbours);
  for (int i = 0; i < kAddresses; ++i) {
    ASSERT_EQ(route.add_address(eth0, nth(i)).value(), AddOutcome::kAdded);
    ASSERT_TRUE(reaches(veth.b, nth(i)));
  }
  veth.a.run("grep -qE '^Ip6InAddrErrors[[:space:]]+0$' /proc/self/net/snmp6");
  veth.a.run("grep -qE '^Ip6InNoRoutes[[:space:]]+0$' /proc/self/net/snmp6");
}

TEST_F(RouteSocketTest, AddingTwiceSaysSoAndChangesNothing) {
  for (const auto& ip : {kV4, kV6}) {
    ASSERT_EQ(route.add_address(eth0, ip).value(), AddOutcome::kAdded);
    EXPECT_EQ(route.add_address(eth0, ip).value(), AddOutcome::kAlreadyThere);
    EXPECT_TRUE(find(ip)->is_ours());
  }
}

TEST_F(RouteSocketTest, StrangersAddressIsNotTakenOver) {
  veth.a.run("ip addr add 192.0.2.10/32 dev eth0 && ip addr add 2001:db8::10/64 dev eth0 nodad");
  for (const auto& ip : {kV4, kV6}) {
    EXPECT_EQ(route.add_address(eth0, ip).value(), AddOutcome::kAlreadyThere);
    EXPECT_FALSE(find(ip)->is_ours());
    EXPECT_FALSE(find(ip)->deprecated);
  }
}

TEST_F(RouteSocketTest, RemovingIsIdempotent) {
  for (const auto& ip : {kV4, kV6}) {
    ASSERT_TRUE(route.add_address(eth0, ip).has_value());
    EXPECT_TRUE(route.remove_address(eth0, ip).has_value());
    EXPECT_FALSE(find(ip));
    EXPECT_TRUE(route.remove_address(eth0, ip).has_value());
    EXPECT_TRUE(route.remove_address(99, ip).has_value()) << "no such interface: no such address";
  }
}

TEST_F(RouteSocketTest, RemovingLeavesTheSubnetAddressAlone) {
  const auto own = *IpAddress::parse("192.0.2.1");
  ASSERT_TRUE(route.remove_address(eth0, own).has_value());
  EXPECT_TRUE(find(own)) << "it is a /24, not a /32";
}

TEST_F(RouteSocketTest, RemovingOneKeepsTheOthersOfTheSubnet) {
  const auto second = *IpAddress::parse("192.0.2.11");
  ASSERT_TRUE(route.add_address(eth0, kV4).has_value());
  ASSERT_TRUE(route.add_address(eth0, second).has_value());
  ASSERT_TRUE(route.remove_address(eth0, kV4).has_value());
  EXPECT_TRUE(find(second));
}

TEST_F(RouteSocketTest, MissingInterfaceIsNamedInTheError) {
  const auto added = route.add_address(99, kV4);
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().sys_errno, ENODEV);
  EXPECT_EQ(added.error().code, Errc::kNotFound);
  EXPECT_NE(added.error().what.find("192.0.2.10"), std::string::npos) << added.error().what;
  EXPECT_NE(added.error().what.find("99"), std::string::npos) << added.error().what;
}

TEST_F(RouteSocketTest, DisabledIpv6IsExplained) {
  veth.a.run("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1");
  const auto added = route.add_address(eth0, kV6);
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().sys_errno, EACCES);
  EXPECT_NE(added.error().what.find("disable_ipv6"), std::string::npos) << added.error().what;
}

TEST_F(RouteSocketTest, SocketGoesOnAfterRefusals) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(route.add_address(99, kV4).has_value());
    EXPECT_EQ(route.add_address(eth0, kV4).value(), AddOutcome::kAdded);
    EXPECT_TRUE(route.remove_address(eth0, kV4).has_value());
  }
}

TEST_F(RouteSocketTest, DumpHoldsLinksAndAddresses) {
  const auto dump = route.dump();
  ASSERT_TRUE(dump.has_value()) << dump.error().what;
  const auto link = std::find_if(dump->links.begin(), dump->links.end(),
                                 [&](const Link& candidate) { return candidate.index == eth0; });
  ASSERT_NE(link, dump->links.end());
  EXPECT_EQ(link->name, "eth0");
  EXPECT_EQ(link->mac, (MacAddress{{2, 0, 0, 0, 0, 1}}));
  EXPECT_TRUE(link->up);
  EXPECT_TRUE(dump->marks_visible());
  const auto loopback = std::find_if(dump->links.begin(), dump->links.end(),
                                     [](const Link& candidate) { return candidate.loopback; });
  ASSERT_NE(loopback, dump->links.end());
  const auto own = find(*IpAddress::parse("192.0.2.1"));
  ASSERT_TRUE(own);
  EXPECT_EQ(own->prefix_length, 24);
  EXPECT_FALSE(own->is_ours());
}

TEST_F(RouteSocketTest, RemoveAllMarkedTakesOursOfEveryInterfaceAndNothingElse) {
  veth.a.run("ip addr add 192.0.2.77/32 dev eth0");
  ASSERT_TRUE(route.add_address(eth0, kV4).has_value());
  ASSERT_TRUE(route.add_address(eth0, kV6).has_value());
  ASSERT_TRUE(route.add_address(1, *IpAddress::parse("198.51.100.1")).has_value());
  const auto before = route.dump()->addresses.size();
  const auto removed = route.remove_all_marked();
  ASSERT_TRUE(removed.has_value()) << removed.error().what;
  EXPECT_EQ(*removed, 3u);
  EXPECT_EQ(route.dump()->addresses.size(), before - 3);
  EXPECT_TRUE(find(*IpAddress::parse("192.0.2.77")));
  EXPECT_EQ(route.remove_all_marked().value(), 0u);
}

TEST_F(RouteSocketTest, ThousandAddressesAreAllInOneDumpAndAllRemoved) {
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(
        route.add_address(eth0, IpAddress::v4(198, 51, std::uint8_t(i / 250), std::uint8_t(i % 250 + 1)))
            .has_value());
  const auto dump = route.dump();
  ASSERT_TRUE(dump.has_value());
  EXPECT_EQ(std::count_if(dump->addresses.begin(), dump->addresses.end(),
                          [](const auto& address) { return address.is_ours(); }),
            1000);
  EXPECT_EQ(route.remove_all_marked().value(), 1000u);
}

// Interrupted dumps are made again: whatever is there all the time is in every dump.
TEST_F(RouteSocketTest, DumpIsWholeWhileAddressesChange) {
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(
        route.add_address(eth0, IpAddress::v4(198, 51, std::uint8_t(i / 250), std::uint8_t(i % 250 + 1)))
            .has_value());
  std::atomic<bool> stop{false};
  auto other = open();
  std::thread churn{[&] {
    while (!stop) {
      (void)other.add_address(eth0, kV4);
      (void)other.remove_address(eth0, kV4);
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
  }};
  for (int i = 0; i < 50; ++i) {
    const auto dump = route.dump();
    if (!dump) {
      EXPECT_EQ(dump.error().code, Errc::kTimeout) << dump.error().what;
      continue;
    }
    EXPECT_GE(std::count_if(dump->addresses.begin(), dump->addresses.end(),
                            [](const auto& address) { return address.is_ours(); }),
              300);
  }
  stop = true;
  churn.join();
}

}  // namespace
}  // namespace vipra::net
