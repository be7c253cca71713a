#include "base/ip_address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/mac_address.hpp"

namespace vipra {
namespace {

// The C library is the oracle for what a text means.
std::optional<IpAddress> by_libc(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  if (text.find('\0') != std::string::npos) return std::nullopt;
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
    return IpAddress::from_bytes(std::span{bytes}.first(4));
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return IpAddress::from_bytes(bytes);
  return std::nullopt;
}

std::string by_libc(const IpAddress& ip) {
  char text[INET6_ADDRSTRLEN] = {};
  return inet_ntop(ip.is_v4() ? AF_INET : AF_INET6, ip.bytes().data(), text, sizeof text);
}

void expect_same(const std::string& text) {
  const auto got = IpAddress::parse(text);
  const auto want = by_libc(text);
  ASSERT_EQ(got.has_value(), want.has_value()) << "\"" << text << "\"";
  if (got) {
    ASSERT_EQ(*got, *want) << "\"" << text << "\"";
  }
}

TEST(IpAddress, ReadsWhatTheCLibraryReads) {
  const std::vector<std::string> texts{"0.0.0.0",
                                       "255.255.255.255",
                                       "1.2.3.4",
                                       "192.0.2.1",
                                       "::",
                                       "::1",
                                       "1::",
                                       "fe80::1",
                                       "2001:db8::370:7334",
                                       "1:2:3:4:5:6:7:8",
                                       "1:2:3:4:5:6:7::",
                                       "::2:3:4:5:6:7:8",
                                       "1::8",
                                       "ABCD:EF01::",
                                       "::ffff:192.0.2.1",
                                       "1:2:3:4:5:6:1.2.3.4",
                                       "::1.2.3.4",
                                       "1::1.2.3.4",
                                       "0:0:0:0:0:0:0:0",
                                       "0000:0000::0001",
                                       "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"};
  for (const auto& text : texts) {
    expect_same(text);
    EXPECT_TRUE(IpAddress::parse(text)) << text;
  }
}

TEST(IpAddress, RefusesWhatTheCLibraryRefuses) {
  const std::vector<std::string> texts{"",
                                       " ",
                                       ".",
                                       ":",
                                       ":::",
                                       "1",
                                       "1.2.3",
                                       "1.2.3.4.5",
                                       "1.2.3.",
                                       ".1.2.3",
                                       "1..2.3",
                                       "256.1.1.1",
                                       "1.2.3.256",
                                       "01.2.3.4",
                                       "1.2.3.04",
                                       "00.0.0.0",
                                       "1.2.3.4 ",
                                       " 1.2.3.4",
                                       "1.2.3.4/24",
                                       "+1.2.3.4",
                                       "1.-2.3.4",
                                       "0x1.2.3.4",
                                       "1.2.3.4\n",
                                       "1,2,3,4",
                                       "1.2.3.1000",
                                       "1:2:3:4:5:6:7",
                                       "1:2:3:4:5:6:7:8:9",
                                       "1:2:3:4:5:6:7:8::",
                                       "::1:2:3:4:5:6:7:8",
                                       "1::2::3",
                                       "1:",
                                       ":1",
                                       "1:::2",
                                       "::1:",
                                       ":1::",
                                       "12345::",
                                       "g::",
                                       "fe80::1%eth0",
                                       "::1/128",
                                       "1.2.3.4::",
                                       "::1.2.3.4:5",
                                       "::1.2.3",
                                       "::1.2.3.256",
                                       "1:2:3:4:5:6:7:1.2.3.4",
                                       "::01.2.3.4",
                                       "[::1]",
                                       "-1::",
                                       "+1::",
                                       "0x1::",
                                       "::1.2.3.4.5",
                                       std::string("1.2.3.4\0", 8),
                                       std::string("::1\0", 4),
                                       std::string(4000, ':'),
                                       std::string(46, '1')};
  for (const auto& text : texts) {
    expect_same(text);
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpAddress, AgreesWithTheCLibraryOnRandomTexts) {
  std::mt19937 random{20'240'101};
  static constexpr std::string_view kAlphabet = "0123456789abcdefF::::....g% ";
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (auto length = random() % 24; length > 0; --length) text += kAlphabet[random() % kAlphabet.size()];
    expect_same(text);
  }
}

// Texts that are nearly right: every position of right ones with one character changed, added or lost.
TEST(IpAddress, AgreesWithTheCLibraryOnNearMisses) {
  for (const std::string text :
       {"10.200.3.45", "2001:db8::370:7334", "1:2:3:4:5:6:7:8", "::ffff:10.20.30.40", "a::b:c"}) {
    for (std::size_t i = 0; i <= text.size(); ++i) {
      for (const char c : std::string_view{"0159af:.x"}) {
        expect_same(text.substr(0, i) + c + text.substr(i));
        if (i < text.size()) expect_same(text.substr(0, i) + c + text.substr(i + 1));
      }
      if (i < text.size()) expect_same(text.substr(0, i) + text.substr(i + 1));
    }
  }
}

IpAddress random_address(std::mt19937& random) {
  std::array<std::uint8_t, 16> bytes{};
  const bool v6 = random() % 4 != 0;
  for (auto& byte : bytes) byte = random() % 2 == 0 ? 0 : static_cast<std::uint8_t>(random());
  if (v6) bytes[random() % 10] |= 1;  // ::a.b.c.d and ::ffff:a.b.c.d have tests of their own
  return *IpAddress::from_bytes(std::span{bytes}.first(v6 ? 16 : 4));
}

TEST(IpAddress, WritesWhatTheCLibraryWrites) {
  std::mt19937 random{5952};
  for (int round = 0; round < 100'000; ++round) {
    const auto ip = random_address(random);
    const auto text = ip.to_string();
    ASSERT_EQ(text, by_libc(ip));
    ASSERT_EQ(IpAddress::parse(text), ip);
  }
}

TEST(IpAddress, WritesTheFormsOfRfc5952) {
  const std::vector<std::pair<std::string, std::string>> forms{
      {"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},          // lower case, no leading zeros, the run as ::
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // one group of zero stays
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},           // the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // the first of two
      {"0:0:0:0:0:0:0:0", "::"},
      {"::ffff:c000:201", "::ffff:192.0.2.1"},
      {"0:0:1::", "0:0:1::"}};
  for (const auto& [text, canonical] : forms)
    EXPECT_EQ(IpAddress::parse(text).value().to_string(), canonical);
}

TEST(IpAddress, IsOrderedAsTheTieBreakWantsIt) {
  const auto less = [](const char* a, const char* b) {
    return IpAddress::parse(a).value() < IpAddress::parse(b).value();
  };
  EXPECT_TRUE(less("10.0.2.15", "10.0.2.16"));
  EXPECT_TRUE(less("10.0.2.200", "10.0.3.1"));
  EXPECT_TRUE(less("127.255.255.255", "128.0.0.0"));  // unsigned
  EXPECT_TRUE(less("fe80::1", "fe80::2"));
  EXPECT_TRUE(less("fe80::ffff", "fe80::1:0"));
  EXPECT_TRUE(less("7fff::", "8000::"));
  EXPECT_FALSE(less("fe80::1", "fe80::1"));
}

TEST(IpAddress, KnowsItsKinds) {
  const auto ip = [](const char* text) { return IpAddress::parse(text).value(); };
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified() && ip("::").is_unspecified() && !ip("::1").is_unspecified());
  EXPECT_TRUE(ip("127.1.2.3").is_loopback() && ip("::1").is_loopback() && !ip("::2").is_loopback());
  EXPECT_TRUE(ip("224.0.0.18").is_multicast() && ip("239.255.255.255").is_multicast());
  EXPECT_TRUE(ip("ff02::12").is_multicast() && !ip("240.0.0.1").is_multicast() &&
              !ip("fe80::1").is_multicast());
  EXPECT_TRUE(ip("169.254.1.1").is_link_local() && !ip("169.253.1.1").is_link_local());
  EXPECT_TRUE(ip("fe80::1").is_link_local() && ip("febf::1").is_link_local());
  EXPECT_TRUE(!ip("fec0::1").is_link_local() && !ip("fe7f::1").is_link_local());
  EXPECT_TRUE(ip("255.255.255.255").is_v4_broadcast() && !ip("255.255.255.254").is_v4_broadcast());
  EXPECT_FALSE(ip("ffff:ffff::").is_v4_broadcast());
  EXPECT_TRUE(ip("::ffff:1.2.3.4").is_v4_mapped() && !ip("::1.2.3.4").is_v4_mapped() &&
              !ip("1.2.3.4").is_v4_mapped());
}

TEST(IpAddress, SharesAPrefixBitByBit) {
  std::mt19937 random{24};
  for (int round = 0; round < 2000; ++round) {
    const auto ip = random_address(random);
    const auto bits = static_cast<unsigned>(ip.bytes().size() * 8);
    const auto flipped = static_cast<unsigned>(random() % bits);
    std::vector<std::uint8_t> bytes{ip.bytes().begin(), ip.bytes().end()};
    bytes[flipped / 8] ^= static_cast<std::uint8_t>(0x80 >> (flipped % 8));
    const auto other = *IpAddress::from_bytes(bytes);
    for (unsigned length = 0; length <= bits; ++length) {
      ASSERT_EQ(ip.shares_prefix(other, length), length <= flipped);
      ASSERT_TRUE(ip.shares_prefix(ip, length));
    }
    EXPECT_FALSE(ip.shares_prefix(ip, bits + 1));
  }
  EXPECT_FALSE(IpAddress::parse("0.0.0.0")->shares_prefix(*IpAddress::parse("::"), 0));
}

TEST(IpAddress, IsMadeOfFourOrSixteenBytes) {
  const std::array<std::uint8_t, 17> bytes{};
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(IpAddress::from_bytes(std::span{bytes}.first(size)).has_value(), size == 4 || size == 16);
  }
}

TEST(IpAddress, OfTheGroupsIsThatOfTheRfc) {
  EXPECT_EQ(vrrp_group(Family::kIpv4), IpAddress::v4(224, 0, 0, 18));
  EXPECT_EQ(vrrp_group(Family::kIpv6), *by_libc(std::string{"ff02::12"}));
}

TEST(MacAddress, IsWrittenInLowerCaseWithColons) {
  EXPECT_EQ((MacAddress{{0x00, 0x00, 0x5e, 0x00, 0x01, 0xff}}).to_string(), "00:00:5e:00:01:ff");
}

}  // namespace
}  // namespace vipra
