#include "vrrp/neighbour_frame.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/vrrp/golden_vectors.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/types.hpp"

namespace vipra::vrrp {
namespace {

constexpr IpAddress kVip4 = IpAddress::v4(10, 0, 2, 16);
constexpr MacAddress kMac{{0x08, 0x00, 0x27, 0x11, 0x22, 0x33}};
const IpAddress kVip6 = *IpAddress::parse("2001:db8::370:7334");

using Frame = std::vector<std::uint8_t>;

Frame copy(const NeighbourFrame& frame) {
  return {frame.view().begin(), frame.view().end()};
}
Frame arp() {
  return copy(gratuitous_arp(kVip4, kMac, ArpForm::kRequest));
}
Frame na() {
  return copy(unsolicited_na(kVip6, kMac, false));
}

// For what the test changed on purpose: by a plain loop, not by the code under test.
void mend_icmpv6_checksum(Frame& frame) {
  frame[56] = frame[57] = 0;
  std::uint32_t sum = 58 + static_cast<std::uint32_t>(frame.size() - 54);
  for (std::size_t i = 22; i < frame.size(); i += 2)
    sum += static_cast<std::uint32_t>(frame[i] * 256 + frame[i + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = ((sum & 0xffff) + (sum >> 16)) ^ 0xffff;
  frame[56] = static_cast<std::uint8_t>(sum >> 8), frame[57] = static_cast<std::uint8_t>(sum & 0xff);
}

void set_payload_length(Frame& frame) {
  frame[18] = 0, frame[19] = static_cast<std::uint8_t>(frame.size() - 54);
}

TEST(Announcement, OfIpv4IsAClaimInBothForms) {
  for (const auto form : {ArpForm::kRequest, ArpForm::kReply}) {
    const auto claim = parse_neighbour_frame(gratuitous_arp(kVip4, kMac, form).view());
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->ip, kVip4);
    EXPECT_EQ(claim->mac, kMac);
    EXPECT_TRUE(claim->gratuitous);
  }
}

TEST(Announcement, OfIpv6IsAClaimWhateverTheRouterFlag) {
  for (const bool router : {false, true}) {
    const auto frame = unsolicited_na(kVip6, kMac, router);
    EXPECT_EQ((frame.bytes[58] & 0x80) != 0, router);
    const auto claim = parse_neighbour_frame(frame.view());
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->ip, kVip6);
    EXPECT_EQ(claim->mac, kMac);
  }
}

TEST(Announcement, OfIpv6HasARightChecksumForEveryAddress) {
  std::mt19937 random{7};
  for (int round = 0; round < 2000; ++round) {
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    bytes[0] = 0x20;
    MacAddress mac;
    for (auto& byte : mac.bytes) byte = static_cast<std::uint8_t>(random());
    mac.bytes[0] &= 0xfe, mac.bytes[5] |= 1;
    auto frame = copy(unsolicited_na(*IpAddress::from_bytes(bytes), mac, false));
    const auto claim = parse_neighbour_frame(frame);
    ASSERT_TRUE(claim);
    ASSERT_EQ(claim->mac, mac);
    const auto before = frame;
    mend_icmpv6_checksum(frame);
    ASSERT_EQ(frame, before);
  }
}

Frame hex(std::string_view text) {
  Frame out;
  for (std::size_t i = 0; i < text.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  return out;
}

TEST(Question, OfIpv4ByRfc826ToEverybodyAndToOne) {
  const auto target = IpAddress::v4(10, 0, 2, 1);
  const auto source = IpAddress::v4(10, 0, 2, 15);
  const std::string arp = "0806" "0001080006040001" "080027112233" "0a00020f" "000000000000" "0a000201";
  EXPECT_EQ(copy(arp_request(target, source, kMac, {})), hex("ffffffffffff080027112233" + arp));
  const MacAddress gateway{{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}};
  EXPECT_EQ(copy(arp_request(target, source, kMac, gateway)), hex("02aabbccddee080027112233" + arp));
}

TEST(Question, OfIpv6ByRfc4861ToEverybodyAndToOne) {
  const auto source = *IpAddress::parse("fe80::a00:27ff:fe11:2233");
  const std::string from = "fe800000000000000a0027fffe112233";
  const std::string target = "20010db8000000000000000003707334";
  const std::string message = "8700" "0000" "00000000" + target + "0101080027112233";
  auto everybody = hex("3333ff707334" "080027112233" "86dd" "6000000000203aff" + from +
                       "ff0200000000000000000001ff707334" + message);
  mend_icmpv6_checksum(everybody);
  EXPECT_EQ(copy(neighbour_solicitation(kVip6, source, kMac, {})), everybody);
  auto one = hex("02aabbccddee" "080027112233" "86dd" "6000000000203aff" + from + target + message);
  mend_icmpv6_checksum(one);
  const MacAddress gateway{{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}};
  EXPECT_EQ(copy(neighbour_solicitation(kVip6, source, kMac, gateway)), one);
}

TEST(Question, ClaimsNothing) {
  EXPECT_FALSE(parse_neighbour_frame(
      arp_request(IpAddress::v4(10, 0, 2, 1), IpAddress::v4(10, 0, 2, 15), kMac, {}).view()));
  EXPECT_FALSE(parse_neighbour_frame(
      neighbour_solicitation(kVip6, *IpAddress::parse("fe80::1"), kMac, {}).view()));
}

TEST(Frame, CutAnywhereClaimsNothing) {
  for (const auto& whole : {arp(), na()}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_FALSE(parse_neighbour_frame(std::span{whole}.first(length))) << length;
    }
  }
}

TEST(Frame, PaddedByTheWireStillClaims) {
  for (auto frame : {arp(), na()}) {
    frame.resize(frame.size() + 18, 0xee);
    EXPECT_TRUE(parse_neighbour_frame(frame));
  }
}

TEST(Frame, OfAnotherProtocolClaimsNothing) {
  for (auto frame : {arp(), na()}) {
    frame[12] = 0x81, frame[13] = 0x00;
    EXPECT_FALSE(parse_neighbour_frame(frame));
  }
}

TEST(Arp, OrdinaryRequestClaimsNothingAndReplyDoes) {
  auto frame = arp();
  frame[41] = 99;  // asks for another address
  EXPECT_FALSE(parse_neighbour_frame(frame));
  frame[21] = 2;  // tells its own address to whoever asked
  const auto claim = parse_neighbour_frame(frame);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->ip, kVip4);
  EXPECT_FALSE(claim->gratuitous);
}

TEST(Arp, OfOtherHardwareSizesOrOperationsClaimsNothing) {
  for (const std::size_t at : {14u, 15u, 16u, 17u, 18u, 19u, 20u}) {
    auto frame = arp();
    frame[at] ^= 0x10;
    EXPECT_FALSE(parse_neighbour_frame(frame)) << at;
  }
  for (const int operation : {0, 3, 4, 8, 9}) {
    auto frame = arp();
    frame[21] = static_cast<std::uint8_t>(operation);
    EXPECT_FALSE(parse_neighbour_frame(frame)) << operation;
  }
}

TEST(Arp, FromNobodyOrAGroupClaimsNothing) {
  for (const auto& ip : {IpAddress{}, IpAddress::v4(224, 0, 0, 18), IpAddress::v4(255, 255, 255, 255),
                         IpAddress::v4(127, 0, 0, 1)}) {
    EXPECT_FALSE(parse_neighbour_frame(gratuitous_arp(ip, kMac, ArpForm::kRequest).view())) << ip.to_string();
  }
  for (const auto& mac : {MacAddress{}, MacAddress{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
                          MacAddress{{0x01, 0x00, 0x5e, 0x00, 0x00, 0x12}}}) {
    EXPECT_FALSE(parse_neighbour_frame(gratuitous_arp(kVip4, mac, ArpForm::kRequest).view()))
        << mac.to_string();
  }
}

TEST(NeighbourAdvertisement, SolicitedIsAClaimThatIsNotGratuitous) {
  auto frame = na();
  frame[58] = 0x60;
  const auto link_local = *IpAddress::parse("fe80::1");
  std::copy(link_local.bytes().begin(), link_local.bytes().end(), frame.begin() + 38);
  mend_icmpv6_checksum(frame);
  const auto claim = parse_neighbour_frame(frame);
  ASSERT_TRUE(claim);
  EXPECT_FALSE(claim->gratuitous);
}

TEST(NeighbourAdvertisement, SolicitedAndToAGroupIsInvalid) {
  auto frame = na();
  frame[58] = 0x60;
  mend_icmpv6_checksum(frame);
  EXPECT_FALSE(parse_neighbour_frame(frame));
}

TEST(NeighbourAdvertisement, WithAnyBitFlippedBehindTheEthernetHeaderClaimsNothingElse) {
  const auto whole = na();
  for (std::size_t bit = 14 * 8; bit < whole.size() * 8; ++bit) {
    auto frame = whole;
    frame[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    const auto claim = parse_neighbour_frame(frame);
    // Traffic class and flow label are covered by no checksum and change nothing.
    if (!claim) continue;
    EXPECT_LT(bit / 8, 18u);
    EXPECT_EQ(claim->ip, kVip6);
  }
}

TEST(NeighbourAdvertisement, ThatWasRoutedClaimsNothing) {
  auto frame = na();
  frame[21] = 254;
  EXPECT_FALSE(parse_neighbour_frame(frame));
}

TEST(NeighbourAdvertisement, WithoutAnOptionClaimsForItsSender) {
  auto frame = na();
  frame.resize(78);
  set_payload_length(frame);
  mend_icmpv6_checksum(frame);
  const auto claim = parse_neighbour_frame(frame);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->mac, kMac);
}

TEST(NeighbourAdvertisement, WithAMalformedOptionClaimsNothing) {
  for (const int length : {0, 2, 255}) {
    auto frame = na();
    frame[79] = static_cast<std::uint8_t>(length);
    mend_icmpv6_checksum(frame);
    EXPECT_FALSE(parse_neighbour_frame(frame)) << length;
  }
  auto frame = na();
  frame.push_back(14), frame.push_back(1);  // an option that is cut short
  set_payload_length(frame);
  mend_icmpv6_checksum(frame);
  EXPECT_FALSE(parse_neighbour_frame(frame));
}

TEST(NeighbourAdvertisement, IgnoresALinkLayerAddressThatIsNotEthernets) {
  auto frame = na();
  frame[79] = 2;  // of 16 bytes
  frame[80] = 0x02;
  frame.resize(frame.size() + 8);
  set_payload_length(frame);
  mend_icmpv6_checksum(frame);
  const auto claim = parse_neighbour_frame(frame);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->mac, kMac);  // of the sender
}

TEST(NeighbourAdvertisement, FindsItsOptionBehindOthers) {
  auto frame = na();
  const Frame nonce{14, 1, 1, 2, 3, 4, 5, 6};
  frame.insert(frame.begin() + 78, nonce.begin(), nonce.end());
  set_payload_length(frame);
  mend_icmpv6_checksum(frame);
  const auto claim = parse_neighbour_frame(frame);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->mac, kMac);
}

TEST(FrameDeathTest, OfTheWrongFamilyIsNotBuilt) {
  EXPECT_DEATH((void)gratuitous_arp(kVip6, kMac, ArpForm::kRequest), "check.failed");
  EXPECT_DEATH((void)unsolicited_na(kVip4, kMac, false), "check.failed");
}

}  // namespace
}  // namespace vipra::vrrp
