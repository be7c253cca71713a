#include "ownership/virtual_mac.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace vipra::ownership {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const auto kVrid51 = *vrrp::Vrid::make(51);
constexpr MacAddress kMac{{0x00, 0x00, 0x5e, 0x00, 0x01, 51}};

struct VirtualMacTest : testing::Test {
  VirtualMacTest() {
    view.set_link(interface(2, "eth0"));
    router.vrid = kVrid51;
    router.carrier = plan::Carrier::kVirtualMac;
    router.addresses = {{*IpAddress::parse("10.0.2.100"), "web"}};
    segment.index = 2;
    segment.name = "eth0";
    segment.primary = *IpAddress::parse("10.0.2.15");
  }
  static Link interface(int index, const char* name) {
    Link link;
    link.index = index;
    link.name = name;
    link.up = true;
    return link;
  }
  static Link macvlan(int index, const char* name, bool ours, int lower = 2, const MacAddress& mac = kMac) {
    auto link = interface(index, name);
    link.macvlan = true;
    link.ours = ours;
    link.lower = lower;
    link.mac = mac;
    return link;
  }
  [[nodiscard]] DeviceJudgement judge() const { return judge_device(view, segment, router); }

  KernelView view;
  plan::VirtualRouter router;
  Segment segment;
};

TEST_F(VirtualMacTest, NamesFitAndDiffer) {
  EXPECT_EQ(device_name(Family::kIpv4, kVrid51, 2), "vip4-51-2");
  EXPECT_EQ(device_name(Family::kIpv6, kVrid51, 2), "vip6-51-2");
  EXPECT_EQ(device_name(Family::kIpv4, kVrid51, 35), "vip4-51-z");
  EXPECT_EQ(device_name(Family::kIpv4, kVrid51, 36), "vip4-51-10");
  const auto longest = device_name(Family::kIpv4, *vrrp::Vrid::make(255), std::numeric_limits<int>::max());
  EXPECT_EQ(longest, "vip4-255-zik0zj");
  EXPECT_LE(longest.size(), 15u);
}

TEST_F(VirtualMacTest, WhatIsNotThereIsToBeMade) {
  EXPECT_FALSE(judge().ready);
  EXPECT_FALSE(judge().fault);
}

TEST_F(VirtualMacTest, OursIsReadyWhenItIsUpAndAsItMustBe) {
  view.set_link(macvlan(7, "vip4-51-2", true));
  EXPECT_EQ(judge().ready, (VirtualMacDevice{7, "vip4-51-2", kMac}));
  auto down = macvlan(7, "vip4-51-2", true);
  down.up = false;
  view.set_link(down);
  EXPECT_FALSE(judge().ready || judge().fault);
  view.set_link(macvlan(7, "vip4-51-2", true, 3));
  EXPECT_FALSE(judge().ready || judge().fault) << "on another interface";
  view.set_link(macvlan(7, "vip4-51-2", true, 2, {{2, 0, 0, 0, 0, 1}}));
  EXPECT_FALSE(judge().ready || judge().fault) << "of another MAC address";
}

TEST_F(VirtualMacTest, OnAMacvlanItHangsOnWhatIsBelowBoth) {
  view.set_link(macvlan(2, "mv0", false, 1, {{2, 0, 0, 0, 0, 9}}));
  view.set_link(macvlan(7, "vip4-51-2", true, 1));
  EXPECT_TRUE(judge().ready);
}

TEST_F(VirtualMacTest, AStrangersNameMacOrAddressIsAFaultThatNamesIt) {
  view.set_link(macvlan(7, "vip4-51-2", false));
  ASSERT_TRUE(judge().fault);
  EXPECT_EQ(judge().fault->reason, Reason::kDeviceFailed);
  EXPECT_THAT(judge().fault->detail, HasSubstr("vip4-51-2"));
  view.remove_link(7);

  view.set_link(macvlan(8, "vrrp.51", false));
  ASSERT_TRUE(judge().fault);
  EXPECT_EQ(judge().fault->reason, Reason::kAddressInUse);
  EXPECT_THAT(judge().fault->detail, HasSubstr("vrrp.51 on eth0"));
  view.set_link(macvlan(8, "vrrp.51", false, 3));
  EXPECT_FALSE(judge().fault) << "another interface is another segment";

  InterfaceAddress address;
  address.index = 2;
  address.ip = router.addresses.front().ip;
  address.prefix_length = 24;
  view.set_address(address);
  ASSERT_TRUE(judge().fault);
  EXPECT_EQ(judge().fault->reason, Reason::kAddressInUse);
  EXPECT_THAT(judge().fault->detail, HasSubstr("10.0.2.100 is on eth0"));
  address.protocol = kAddressProtocol;
  view.set_address(address);
  EXPECT_FALSE(judge().fault) << "ours, of before the definition changed: it is removed";
}

TEST_F(VirtualMacTest, OrphansAreOursThatNobodyWants) {
  view.set_link(macvlan(7, "vip4-51-2", true));
  view.set_link(macvlan(8, "vip4-52-2", true));
  view.set_link(macvlan(9, "vip4-53-2", false));
  const auto orphans = orphan_devices(view, {"vip4-51-2"});
  ASSERT_EQ(orphans.size(), 1u);
  EXPECT_EQ(orphans[0].index, 8);
}

TEST_F(VirtualMacTest, NoSelectorChoosesADeviceOfOurs) {
  view.set_link(macvlan(7, "vip4-51-2", true));
  InterfaceAddress own;
  own.index = 2;
  own.ip = *IpAddress::parse("10.0.2.15");
  own.prefix_length = 24;
  view.set_address(own);
  own.index = 7;
  own.ip = *IpAddress::parse("10.0.2.1");
  own.prefix_length = 28;  // somebody put it there
  view.set_address(own);
  using Kind = plan::InterfaceSelector::Kind;
  router.addresses = {{*IpAddress::parse("10.0.2.9"), "web"}};
  ASSERT_TRUE(choose_segment(view, router));
  EXPECT_EQ(choose_segment(view, router)->index, 2);
  router.interface = {Kind::kByPattern, ".*"};
  ASSERT_TRUE(choose_segment(view, router));
  EXPECT_EQ(choose_segment(view, router)->index, 2);
  router.interface = {Kind::kByName, "vip4-51-2"};
  EXPECT_FALSE(choose_segment(view, router));
}

TEST_F(VirtualMacTest, TheGuardHasEveryAddressOnceAndCoversWhatItHas) {
  NeighbourGuard guard;
  EXPECT_FALSE(guard.covers(segment, router));
  auto other = router;
  other.addresses = {{*IpAddress::parse("10.0.2.90"), "other"}, {router.addresses.front().ip, "other"}};
  guard.add(segment, router);
  guard.add(segment, other);
  ASSERT_EQ(guard.interfaces.size(), 1u);
  EXPECT_EQ(guard.interfaces[0].primary, segment.primary);
  EXPECT_THAT(guard.interfaces[0].addresses,
              ElementsAre(*IpAddress::parse("10.0.2.90"), *IpAddress::parse("10.0.2.100")));
  EXPECT_TRUE(guard.covers(segment, router));
  other.addresses.push_back({*IpAddress::parse("10.0.2.91"), "other"});
  EXPECT_FALSE(guard.covers(segment, other));
  auto renumbered = segment;
  renumbered.primary = *IpAddress::parse("10.0.2.16");
  EXPECT_FALSE(guard.covers(renumbered, router));
}

// An interface answers neighbour solicitations for its own addresses only.
TEST_F(VirtualMacTest, Ipv6NeedsNoInterfaceGuarded) {
  router.family = Family::kIpv6;
  router.addresses = {{*IpAddress::parse("2001:db8::100"), "web"}};
  NeighbourGuard guard;
  guard.add(segment, router);
  EXPECT_TRUE(guard.devices);
  EXPECT_TRUE(guard.interfaces.empty());
  EXPECT_TRUE(guard.covers(segment, router));
}

// The example of RFC 4291 section 2.7.1.
TEST(SolicitedNodeGroup, IsThatOfTheRfc) {
  EXPECT_EQ(solicited_node_group(*IpAddress::parse("4037::01:800:200e:8c6c")).to_string(),
            "ff02::1:ff0e:8c6c");
}

}  // namespace
}  // namespace vipra::ownership
