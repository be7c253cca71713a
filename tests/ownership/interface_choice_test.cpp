#include <gtest/gtest.h>

#include "ownership/address_set.hpp"
#include "ownership/interface_choice.hpp"

namespace vipra::ownership {
namespace {

struct ChoiceTest : testing::Test {
  void SetUp() override {
    add_link(1, "lo", true);
    add_link(2, "eth0", false);
    add_link(3, "eth1", false);
    add_link(4, "eth2", false, false);
    add_address(1, "127.0.0.1", 8);
    add_address(2, "10.0.0.5", 8);
    add_address(2, "fe80::2", 64);
    add_address(3, "10.0.2.15", 24);
    add_address(4, "192.168.7.1", 24);
    router.addresses = {{*IpAddress::parse("10.0.2.100"), "web"}};
  }
  void add_link(int index, const char* name, bool loopback, bool up = true) {
    Link link;
    link.index = index;
    link.name = name;
    link.loopback = loopback;
    link.up = up;
    link.mtu = 1500;
    view.set_link(link);
  }
  void add_address(int index, const char* ip, int prefix, std::optional<std::uint8_t> protocol = {}) {
    view.set_address(address(index, ip, prefix, protocol));
  }
  static InterfaceAddress address(int index, const char* ip, int prefix,
                                  std::optional<std::uint8_t> protocol = {}) {
    InterfaceAddress address;
    address.index = index;
    address.ip = *IpAddress::parse(ip);
    address.prefix_length = static_cast<std::uint8_t>(prefix);
    address.protocol = protocol;
    return address;
  }
  void select(plan::InterfaceSelector::Kind kind, const char* text) { router.interface = {kind, text}; }

  KernelView view;
  plan::VirtualRouter router;
};
using Kind = plan::InterfaceSelector::Kind;

TEST_F(ChoiceTest, TheLongestPrefixWins) {
  const auto segment = choose_segment(view, router);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->name, "eth1");
  EXPECT_EQ(segment->primary, *IpAddress::parse("10.0.2.15"));
}
TEST_F(ChoiceTest, OurOwnAddressIsNoSubnetAndNoPrimary) {
  view.remove_address(address(3, "10.0.2.15", 24));
  add_address(3, "10.0.2.100", 32, kAddressProtocol);
  const auto segment = choose_segment(view, router);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->name, "eth0");
  select(Kind::kByName, "eth1");
  EXPECT_EQ(choose_segment(view, router).error().reason, Reason::kNoPrimaryAddress);
}
TEST_F(ChoiceTest, AStrangersAddressBesideOursWithAnotherPrefixIsNotTakenForIt) {
  using Kernel = AddressSet::Kernel;
  const auto vip = *IpAddress::parse("10.0.2.100");
  const auto judged = [&] { return judge(view.address(3, vip)); };
  EXPECT_EQ(judged(), Kernel::kAbsent);
  add_address(3, "10.0.2.100", 24);
  EXPECT_EQ(judged(), Kernel::kStranger);
  add_address(3, "10.0.2.100", 32, kAddressProtocol);
  EXPECT_EQ(judged(), Kernel::kOurs);
  view.remove_address(address(3, "10.0.2.100", 24));
  EXPECT_EQ(judged(), Kernel::kOurs);
  add_address(3, "10.0.2.100", 24);
  view.remove_ours(3, vip);
  EXPECT_EQ(judged(), Kernel::kStranger);
}
TEST_F(ChoiceTest, NoSubnetIsExplained) {
  router.addresses[0].ip = *IpAddress::parse("172.16.0.1");
  const auto segment = choose_segment(view, router);
  ASSERT_FALSE(segment);
  EXPECT_EQ(segment.error().reason, Reason::kInterfaceMissing);
  EXPECT_NE(segment.error().detail.find("172.16.0.1"), std::string::npos);
}
TEST_F(ChoiceTest, AnInterfaceThatIsDownIsNamed) {
  router.addresses[0].ip = *IpAddress::parse("192.168.7.9");
  EXPECT_EQ(choose_segment(view, router).error().reason, Reason::kInterfaceDown);
}
TEST_F(ChoiceTest, ByName) {
  select(Kind::kByName, "eth0");
  EXPECT_EQ(choose_segment(view, router)->index, 2);
  select(Kind::kByName, "wan0");
  EXPECT_EQ(choose_segment(view, router).error().reason, Reason::kInterfaceMissing);
}
TEST_F(ChoiceTest, APatternMatchesTheWholeNameOfOne) {
  select(Kind::kByPattern, "eth[0]");
  EXPECT_EQ(choose_segment(view, router)->index, 2);
  select(Kind::kByPattern, "eth");
  EXPECT_EQ(choose_segment(view, router).error().reason, Reason::kInterfaceMissing);
  select(Kind::kByPattern, "eth.");
  EXPECT_EQ(choose_segment(view, router).error().reason, Reason::kInterfaceAmbiguous);
  select(Kind::kByPattern, "eth(");
  EXPECT_EQ(choose_segment(view, router).error().reason, Reason::kInvalidValue);
}
TEST_F(ChoiceTest, Ipv6NeedsALinkLocalThatIsUsable) {
  router.family = Family::kIpv6;
  router.addresses[0].ip = *IpAddress::parse("2001:db8::1");
  select(Kind::kByName, "eth0");
  EXPECT_EQ(choose_segment(view, router)->primary, *IpAddress::parse("fe80::2"));
  select(Kind::kByName, "eth1");
  EXPECT_EQ(choose_segment(view, router).error().reason, Reason::kNoPrimaryAddress);
}

}  // namespace
}  // namespace vipra::ownership
