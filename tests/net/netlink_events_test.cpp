#include "net/netlink_events.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>

#include "tests/net/eventually.hpp"
#include "tests/net/namespace.hpp"
#include "tests/net/netlink_message.hpp"

namespace vipra::net {
namespace {

class NetlinkEventsTest : public testing::Test {
 protected:
  void SetUp() override { ns.run("ip link add eth0 type veth peer name peer0"); }

  NetlinkEvents open(int receive_buffer = NetlinkEvents::kReceiveBuffer) {
    const Namespace::Inside inside{ns};
    auto made = NetlinkEvents::make(receive_buffer);
    if (!made) throw std::runtime_error{made.error().what};
    return std::move(*made);
  }
  // Reads until `condition(recorder)`; false when it never comes.
  template <class Condition>
  bool read_until(NetlinkEvents& events, Condition condition) {
    return eventually([&] {
      EXPECT_TRUE(events.read(recorder).has_value());
      return condition();
    });
  }
  [[nodiscard]] const Link* last_link(const std::string& name) const {
    const auto found = std::find_if(recorder.links.rbegin(), recorder.links.rend(),
                                    [&](const Link& link) { return link.name == name; });
    return found == recorder.links.rend() ? nullptr : &*found;
  }
  static bool has(const std::vector<InterfaceAddress>& addresses, const char* text) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const InterfaceAddress& address) { return address.ip.to_string() == text; });
  }

  Namespace ns;
  Recorder recorder;
};

TEST_F(NetlinkEventsTest, LinkGoesUpOnlyWhenThePeerIsUpToo) {
  auto events = open();
  ns.run("ip link set eth0 up");
  ASSERT_TRUE(read_until(events, [&] { return last_link("eth0") != nullptr; }));
  EXPECT_FALSE(last_link("eth0")->up);
  EXPECT_TRUE(last_link("eth0")->multicast);
  EXPECT_EQ(last_link("eth0")->mtu, 1500u);
  EXPECT_NE(last_link("eth0")->mac, MacAddress{});
  ns.run("ip link set peer0 up");
  EXPECT_TRUE(read_until(events, [&] { return last_link("eth0")->up; }));
  ns.run("ip link set peer0 down");
  EXPECT_TRUE(read_until(events, [&] { return !last_link("eth0")->up; }));
  ns.run("ip link set peer0 up");
  EXPECT_TRUE(read_until(events, [&] { return last_link("eth0")->up; }));
  ns.run("ip link set eth0 down");
  EXPECT_TRUE(read_until(events, [&] { return !last_link("eth0")->up; }));
}

TEST_F(NetlinkEventsTest, RenamedLinkKeepsItsIndex) {
  const int index = ns.index_of("eth0");
  auto events = open();
  ns.run("ip link set eth0 name uplink");
  ASSERT_TRUE(read_until(events, [&] { return last_link("uplink") != nullptr; }));
  EXPECT_EQ(last_link("uplink")->index, index);
}

TEST_F(NetlinkEventsTest, LinkThatIsDeletedOrMovedAwayIsRemoved) {
  const int eth0 = ns.index_of("eth0");
  const int peer0 = ns.index_of("peer0");
  auto events = open();
  const Namespace other;
  const auto removed = [&](int index) {
    return std::count(recorder.removed_links.begin(), recorder.removed_links.end(), index) == 1;
  };
  ns.run("ip link set peer0 netns " + other.path());
  EXPECT_TRUE(read_until(events, [&] { return removed(peer0); }));
  ns.run("ip link del eth0");
  EXPECT_TRUE(read_until(events, [&] { return removed(eth0); }));
}

TEST_F(NetlinkEventsTest, PortThatJoinsAndLeavesABridgeIsNotRemoved) {
  auto events = open();
  ns.run("ip link add br0 type bridge && ip link set eth0 master br0");
  ns.run("ip link set eth0 nomaster && ip link set eth0 mtu 1400");
  ASSERT_TRUE(read_until(events, [&] { return last_link("eth0") && last_link("eth0")->mtu == 1400; }));
  EXPECT_TRUE(recorder.removed_links.empty());
}

TEST_F(NetlinkEventsTest, AddressesOfBothFamiliesComeAndGo) {
  ns.run("ip link set eth0 up && ip link set peer0 up");
  auto events = open();
  ns.run("ip addr add 192.0.2.1/24 dev eth0 && ip addr add 2001:db8::1/64 dev eth0 nodad");
  ASSERT_TRUE(read_until(events, [&] {
    return has(recorder.addresses, "192.0.2.1") && has(recorder.addresses, "2001:db8::1");
  }));
  EXPECT_FALSE(has(recorder.removed_addresses, "192.0.2.1"));
  ns.run("ip addr del 192.0.2.1/24 dev eth0 && ip addr del 2001:db8::1/64 dev eth0");
  EXPECT_TRUE(read_until(events, [&] {
    return has(recorder.removed_addresses, "192.0.2.1") && has(recorder.removed_addresses, "2001:db8::1");
  }));
}

TEST_F(NetlinkEventsTest, TentativeAddressIsToldAgainWhenItIsUsable) {
  ns.run("sysctl -qw net.ipv6.conf.eth0.dad_transmits=1 net.ipv6.neigh.eth0.retrans_time_ms=100");
  ns.run("ip link set eth0 up && ip link set peer0 up");
  auto events = open();
  ns.run("ip addr add 2001:db8::1/64 dev eth0");
  const auto told = [&](bool tentative) {
    return std::any_of(recorder.addresses.begin(), recorder.addresses.end(), [&](const auto& address) {
      return address.ip.to_string() == "2001:db8::1" && address.tentative == tentative;
    });
  };
  EXPECT_TRUE(read_until(events, [&] { return told(true); }));
  EXPECT_TRUE(read_until(events, [&] { return told(false); }));
}

TEST_F(NetlinkEventsTest, LostEventsAreToldAndReadingGoesOn) {
  auto events = open(1);  // the kernel's minimum: some kilobytes
  std::string changes;
  for (int i = 0; i < 40; ++i) changes += "link set eth0 mtu 1400\nlink set eth0 mtu 1500\n";
  ns.ip(changes);
  ASSERT_TRUE(read_until(events, [&] { return recorder.overruns > 0; }));
  EXPECT_EQ(recorder.overruns, 1);
  recorder.clear();
  ns.run("ip link set eth0 mtu 1300");
  EXPECT_TRUE(read_until(events, [&] { return last_link("eth0") != nullptr; }));
  EXPECT_EQ(recorder.overruns, 0);
}

TEST_F(NetlinkEventsTest, OrdinaryBufferHoldsThousandAddressesUnread) {
  ns.run("ip link set eth0 up && ip link set peer0 up");
  auto events = open();
  std::string batch;
  for (int i = 0; i < 1000; ++i)
    batch +=
        "addr add 198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + "/32 dev eth0\n";
  ns.ip(batch);
  ASSERT_TRUE(read_until(events, [&] { return recorder.addresses.size() >= 1000; }));
  EXPECT_EQ(recorder.overruns, 0);
}

TEST_F(NetlinkEventsTest, MessagesOfOtherProcessesDoNotCount) {
  auto events = open();
  const Namespace::Inside inside{ns};
  sys::UniqueFd stranger{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  socklen_t size = sizeof(to);
  ASSERT_EQ(::getsockname(events.fd(), reinterpret_cast<sockaddr*>(&to), &size), 0);
  ifinfomsg body{};
  body.ifi_index = 77;
  const auto forged = MessageBuilder{RTM_DELLINK, body}.build();
  ASSERT_EQ(::sendto(stranger.get(), forged.data(), forged.size(), 0, reinterpret_cast<sockaddr*>(&to), size),
            static_cast<ssize_t>(forged.size()));
  ASSERT_TRUE(wait_readable(events.fd(), kPatience));
  ASSERT_TRUE(events.read(recorder).has_value());
  EXPECT_TRUE(recorder.empty());
}

}  // namespace
}  // namespace vipra::net
