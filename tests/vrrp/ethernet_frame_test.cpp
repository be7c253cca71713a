#include "vrrp/ethernet_frame.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vipra::vrrp {
namespace {

constexpr MacAddress kMac4{{0x00, 0x00, 0x5e, 0x00, 0x01, 0x33}};
constexpr MacAddress kMac6{{0x00, 0x00, 0x5e, 0x00, 0x02, 0x33}};
const Endpoints kV4{*IpAddress::parse("10.0.2.15"), vrrp_group(Family::kIpv4)};
const Endpoints kV6{*IpAddress::parse("fe80::15"), vrrp_group(Family::kIpv6)};
const std::vector<std::uint8_t> kMessage{0x31, 0x33, 100, 1, 0, 10, 0xab, 0xcd, 10, 0, 2, 100};

std::string hex(std::span<const std::uint8_t> bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const auto byte : bytes) (out += kDigits[byte >> 4]) += kDigits[byte & 15];
  return out;
}

std::string frame(const MacAddress& mac, const Endpoints& endpoints) {
  std::array<std::uint8_t, kMaxFrame> out{};
  const auto size = build_group_frame(mac, endpoints, kMessage, out);
  return hex(std::span{out}.first(size));
}

// Header checksum: 45c0 + 0020 + 4000 + ff70 + 0a00 + 020f + e000 + 0012 = 27171; folded 7173, inverted 8e8c.
TEST(EthernetFrame, Ipv4IsWhatTheKernelWouldSendButForTheSource) {
  EXPECT_EQ(frame(kMac4, kV4),
            "01005e000012"
            "00005e000133"
            "0800"
            "45c00020"
            "00004000"
            "ff708e8c"
            "0a00020f"
            "e0000012"
            "31336401000aabcd0a000264");
}

TEST(EthernetFrame, Ipv6IsWhatTheKernelWouldSendButForTheSource) {
  EXPECT_EQ(frame(kMac6, kV6),
            "333300000012"
            "00005e000233"
            "86dd"
            "6c000000"
            "000c70ff"
            "fe800000000000000000000000000015"
            "ff020000000000000000000000000012"
            "31336401000aabcd0a000264");
}

TEST(EthernetFrame, IsForGroupsAlone) {
  std::array<std::uint8_t, kMaxFrame> out{};
  EXPECT_EQ(build_group_frame(kMac4, {kV4.source, *IpAddress::parse("10.0.2.1")}, kMessage, out), 0u);
  EXPECT_EQ(build_group_frame(kMac4, {kV4.source, kV6.destination}, kMessage, out), 0u);
  EXPECT_EQ(build_group_frame(kMac4, kV4, kMessage, std::span{out}.first(45)), 0u);
  EXPECT_EQ(build_group_frame(kMac4, kV4, kMessage, std::span{out}.first(46)), 46u);
}

}  // namespace
}  // namespace vipra::vrrp
