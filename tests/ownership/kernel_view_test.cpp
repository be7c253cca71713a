// Which of the kernel's addresses are ours, whatever happens to their marks.
#include "ownership/kernel_view.hpp"

#include <gmock/gmock.h>

namespace vipra::ownership {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const IpAddress kIp = *IpAddress::parse("10.0.2.100");

InterfaceAddress on_eth0(const IpAddress& ip, int prefix, bool ours) {
  InterfaceAddress address;
  address.index = 2;
  address.ip = ip;
  address.prefix_length = static_cast<std::uint8_t>(prefix);
  if (ours) address.protocol = kAddressProtocol;
  return address;
}

TEST(KernelView, KeepsOursApartAndSorted) {
  KernelView view;
  view.set_address(on_eth0(*IpAddress::parse("10.0.2.15"), 24, false));
  view.set_address(on_eth0(*IpAddress::parse("10.0.2.101"), 32, true));
  view.set_address(on_eth0(kIp, 32, true));
  EXPECT_THAT(view.ours(2), ElementsAre(kIp, *IpAddress::parse("10.0.2.101")));
  ASSERT_EQ(view.others(2).size(), 1u);
  EXPECT_EQ(view.primary(2, Family::kIpv4), IpAddress::parse("10.0.2.15"));
  view.remove_ours(2, kIp);
  EXPECT_THAT(view.ours(2), ElementsAre(*IpAddress::parse("10.0.2.101")));
  EXPECT_EQ(view.address(2, kIp), nullptr);
  view.remove_link(2);
  EXPECT_THAT(view.ours(2), IsEmpty());
}

TEST(KernelView, AnAddressThatIsMarkedOrUnmarkedChangesSides) {
  KernelView view;
  view.set_address(on_eth0(kIp, 32, false));
  view.set_address(on_eth0(kIp, 32, true));
  EXPECT_THAT(view.others(2), IsEmpty());
  EXPECT_TRUE(view.address(2, kIp)->is_ours());
  view.set_address(on_eth0(kIp, 32, false));
  EXPECT_THAT(view.ours(2), IsEmpty());
  EXPECT_FALSE(view.address(2, kIp)->is_ours());
}

TEST(KernelView, OursHidesAStrangersOfTheSameValueUntilItGoes) {
  KernelView view;
  view.set_address(on_eth0(kIp, 24, false));
  view.set_address(on_eth0(kIp, 32, true));
  EXPECT_EQ(view.address(2, kIp)->prefix_length, 32);
  view.remove_address(on_eth0(kIp, 32, true));
  EXPECT_EQ(view.address(2, kIp)->prefix_length, 24);
  view.remove_address(on_eth0(kIp, 24, false));
  EXPECT_EQ(view.address(2, kIp), nullptr);
}

}  // namespace
}  // namespace vipra::ownership
