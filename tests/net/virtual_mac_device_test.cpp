// Devices with a virtual MAC address, and the packet filter beside them, on the real kernel.
#include <gtest/gtest.h>

#include <algorithm>

#include "net/kernel_writer.hpp"
#include "net/neighbour_guard.hpp"
#include "net/route_socket.hpp"
#include "tests/net/namespace.hpp"

namespace vipra::net {
namespace {

const auto kVrid51 = *vrrp::Vrid::make(51);
const IpAddress kV4 = *IpAddress::parse("192.0.2.10");
const IpAddress kV6 = *IpAddress::parse("2001:db8::10");

template <class T>
T take(Result<T> result) {
  if (!result) throw std::runtime_error{result.error().what};
  return std::move(*result);
}

class VirtualMacDeviceTest : public testing::Test {
 protected:
  [[nodiscard]] ownership::DeviceSpec spec(Family family = Family::kIpv4) const {
    return {eth0, family, kVrid51};
  }
  std::optional<Link> find(const std::string& name) {
    for (const auto& link : take(route.dump()).links)
      if (link.name == name) return link;
    return std::nullopt;
  }
  [[nodiscard]] ownership::NeighbourGuard guard() const {
    return {true, {{eth0, *IpAddress::parse("192.0.2.1"), {kV4}}}};
  }
  void a(const std::string& command) { veth.a.run(command); }

  VethPair veth;
  int eth0 = veth.index_a();
  RouteSocket route = [this] {
    const Namespace::Inside inside{veth.a};
    return take(RouteSocket::open());
  }();
  sys::UniqueFd filter = [this] {
    const Namespace::Inside inside{veth.a};
    return take(open_neighbour_guard());
  }();
};

TEST_F(VirtualMacDeviceTest, IsMadeWithEverythingSet) {
  const auto made = route.make_device(spec());
  ASSERT_TRUE(made) << made.error().what;
  const auto link = find(spec().name());
  ASSERT_TRUE(link);
  EXPECT_TRUE(link->up);
  EXPECT_TRUE(link->macvlan);
  EXPECT_TRUE(link->ours);
  EXPECT_EQ(link->lower, eth0);
  EXPECT_EQ(link->mac.to_string(), "00:00:5e:00:01:33");
  const auto name = spec().name();
  a("ip -d link show dev " + name + " | grep -q 'macvlan mode vepa'");
  a("ip -d link show dev " + name + " | grep -q 'addrgenmode none'");
  a("test -z \"$(ip -6 addr show dev " + name + ")\"");
  // A shell's child has the namespace, but /proc/sys is that of who opens it.
  for (const auto& [setting, value] :
       {std::pair{"arp_ignore", "1"}, std::pair{"arp_announce", "2"}, std::pair{"rp_filter", "2"},
        std::pair{"proxy_arp", "0"}, std::pair{"promote_secondaries", "1"}, std::pair{"send_redirects", "0"}})
    a("test $(cat /proc/sys/net/ipv4/conf/" + name + "/" + setting + ") = " + value);
}

TEST_F(VirtualMacDeviceTest, MakingItAgainKeepsItWithItsAddresses) {
  ASSERT_TRUE(route.make_device(spec()));
  const auto index = find(spec().name())->index;
  ASSERT_TRUE(route.add_address(index, kV4));
  a("ip link set " + spec().name() + " down");
  ASSERT_TRUE(route.make_device(spec()));
  const auto link = find(spec().name());
  EXPECT_EQ(link->index, index);
  EXPECT_TRUE(link->up);
  a("ip addr show dev " + spec().name() + " | grep -q 192.0.2.10/32");
}

TEST_F(VirtualMacDeviceTest, OneThatIsOursButWrongIsMadeAnew) {
  ASSERT_TRUE(route.make_device(spec()));
  const auto index = find(spec().name())->index;
  a("ip link set " + spec().name() + " down address 02:00:00:00:00:99");
  ASSERT_TRUE(route.make_device(spec()));
  EXPECT_NE(find(spec().name())->index, index);
  EXPECT_EQ(find(spec().name())->mac, spec().mac());
}

TEST_F(VirtualMacDeviceTest, AStrangersDeviceIsNeitherTakenNorRemoved) {
  a("ip link add " + spec().name() + " link eth0 type macvlan");
  const auto made = route.make_device(spec());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::kConflict);
  const auto link = find(spec().name());
  EXPECT_FALSE(link->ours);
  EXPECT_TRUE(route.remove_device(link->index));
  EXPECT_TRUE(find(spec().name()));
  EXPECT_EQ(take(route.remove_all_marked()), 0u);
  EXPECT_TRUE(find(spec().name()));
}

TEST_F(VirtualMacDeviceTest, WhatCannotCarryOneIsSaidAndLeavesNothing) {
  a("ip link add br0 type bridge && ip link set eth0 master br0");
  const auto made = route.make_device(spec());
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find("the interface cannot carry a macvlan"), std::string::npos)
      << made.error().what;
  EXPECT_FALSE(find(spec().name()));
}

TEST_F(VirtualMacDeviceTest, AMacAddressThatIsTakenLeavesNothing) {
  a("ip link add theirs link eth0 address 00:00:5e:00:01:33 type macvlan && ip link set theirs up");
  EXPECT_FALSE(route.make_device(spec()));
  EXPECT_FALSE(find(spec().name()));
  EXPECT_TRUE(find("theirs"));
}

TEST_F(VirtualMacDeviceTest, AllThatIsMarkedGoesTogether) {
  ASSERT_TRUE(route.make_device(spec()));
  ASSERT_TRUE(route.make_device(spec(Family::kIpv6)));
  ASSERT_TRUE(route.add_address(find(spec().name())->index, kV4));
  EXPECT_EQ(take(route.remove_all_marked()), 1u);
  EXPECT_FALSE(find(spec().name()));
  EXPECT_FALSE(find(spec(Family::kIpv6).name()));
}

// Between its making and its alias a device has the group alone.
TEST_F(VirtualMacDeviceTest, OneThatWasNotFinishedIsOurs) {
  a("ip link add " + spec().name() + " link eth0 group 213 type macvlan");
  EXPECT_TRUE(find(spec().name())->ours);
  a("ip link set " + spec().name() + " alias somebody");
  EXPECT_FALSE(find(spec().name())->ours);
}

TEST_F(VirtualMacDeviceTest, OnlyTheDeviceAnswersForItsAddress) {
  ASSERT_TRUE(set_neighbour_guard(filter.get(), guard()));
  ASSERT_TRUE(route.make_device(spec()));
  ASSERT_TRUE(route.add_address(find(spec().name())->index, kV4));
  ASSERT_TRUE(reaches(veth.b, kV4));
  veth.b.run("ip neigh show 192.0.2.10 | grep -q 00:00:5e:00:01:33");
  ASSERT_TRUE(reaches(veth.b, *IpAddress::parse("192.0.2.1")));
  veth.b.run("ip neigh show 192.0.2.1 | grep -q 02:00:00:00:00:01");
}

TEST_F(VirtualMacDeviceTest, Ipv6IsAnsweredWithItToo) {
  ASSERT_TRUE(set_neighbour_guard(filter.get(), guard()));
  const auto v6 = spec(Family::kIpv6);
  ASSERT_TRUE(route.make_device(v6));
  ASSERT_TRUE(route.add_address(find(v6.name())->index, kV6));
  ASSERT_TRUE(reaches(veth.b, kV6));
  veth.b.run("ip neigh show 2001:db8::10 | grep -q 00:00:5e:00:02:33");
}

TEST_F(VirtualMacDeviceTest, TheFilterIsReplacedWholeAndGoesWithItsSocket) {
  ASSERT_TRUE(set_neighbour_guard(filter.get(), guard()));
  a("nft list table arp vipra | grep -q 192.0.2.10");
  a("nft list table ip6 vipra | grep -q vip6-");
  auto more = guard();
  more.interfaces[0].addresses = {*IpAddress::parse("192.0.2.11")};
  for (int i = 0; i < 2000; ++i)
    more.interfaces[0].addresses.push_back(
        *IpAddress::parse("198.51." + std::to_string(i / 256) + "." + std::to_string(i % 256)));
  std::sort(more.interfaces[0].addresses.begin(), more.interfaces[0].addresses.end());
  const auto set = set_neighbour_guard(filter.get(), more);
  ASSERT_TRUE(set) << set.error().what;
  a("nft list table arp vipra | grep -q 192.0.2.11");
  a("! nft list table arp vipra | grep -q 192.0.2.10");
  a("nft list table arp vipra | grep -q 198.51.7.207");
  // Somebody reloads a firewall.
  a("nft flush ruleset && nft list table arp vipra > /dev/null");
  filter.reset();
  EXPECT_TRUE(eventually([&] {
    try {
      a("test -z \"$(nft list ruleset)\"");
    } catch (const std::runtime_error&) {
      return false;
    }
    return true;
  }));
}

TEST_F(VirtualMacDeviceTest, AnEmptyFilterIsNone) {
  ASSERT_TRUE(set_neighbour_guard(filter.get(), guard()));
  ASSERT_TRUE(set_neighbour_guard(filter.get(), {}));
  a("test -z \"$(nft list ruleset)\"");
}

TEST_F(VirtualMacDeviceTest, AStrangersTableOfTheNameIsSaid) {
  a("nft add table arp vipra");
  const auto set = set_neighbour_guard(filter.get(), guard());
  ASSERT_FALSE(set);
  EXPECT_NE(set.error().what.find("no table called vipra"), std::string::npos) << set.error().what;
  a("nft list table arp vipra > /dev/null");
}

TEST_F(VirtualMacDeviceTest, TheWriterDoesItAllInOrder) {
  const Namespace::Inside inside{veth.a};
  auto writer = take(KernelWriter::make(16));
  ASSERT_TRUE(writer->start());
  ASSERT_TRUE(writer->post(
      SetNeighbourGuard{1, filter.get(), std::make_shared<const ownership::NeighbourGuard>(guard())}));
  ASSERT_TRUE(writer->post(MakeDevice{2, spec()}));
  ASSERT_TRUE(writer->post(DumpKernel{3}));
  writer->stop();
  std::vector<CommandToken> done;
  writer->drain([&](KernelResult&& result) {
    EXPECT_EQ(result.outcome, CommandOutcome::kDone) << result.error.what;
    done.push_back(result.token);
  });
  EXPECT_EQ(done, (std::vector<CommandToken>{1, 2, 3}));
  EXPECT_TRUE(find(spec().name()));
}

}  // namespace
}  // namespace vipra::net
