#include "vrrp/packet.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <random>
#include <vector>

#include "tests/vrrp/golden_vectors.hpp"

namespace vipra::vrrp {
namespace {

using namespace std::chrono_literals;
using Buffer = std::array<std::uint8_t, kMaxMessage>;

const IpAddress kSource4 = IpAddress::v4(10, 0, 2, 15);
const IpAddress kSource6 = *IpAddress::parse("fe80::a00:27ff:fe11:2233");

// Any advertisement that validation would let us send.
class RandomAdvertisement {
 public:
  explicit RandomAdvertisement(std::uint32_t seed) : random_{seed} {
    fields_.family = below(2) == 0 ? Family::kIpv4 : Family::kIpv6;
    fields_.version = fields_.family == Family::kIpv4 && below(2) == 0 ? Version::kV2 : Version::kV3;
    fields_.vrid = *Vrid::make(1 + below(255));
    fields_.priority = static_cast<Priority>(below(256));
    fields_.checksum_form = below(2) == 0 ? ChecksumForm::kRfc9568 : ChecksumForm::kRfc5798;
    if (fields_.version == Version::kV2) {
      fields_.interval = std::chrono::seconds{1 + below(255)};
      fields_.auth_type = static_cast<std::uint8_t>(below(2));
      for (auto& byte : fields_.auth_data) byte = static_cast<std::uint8_t>(below(256));
    } else {
      fields_.interval = Centiseconds{1 + below(4095)};
    }
    const bool v6 = fields_.family == Family::kIpv6;
    const int count = 1 + below(static_cast<int>(v6 ? kMaxIpv6AddressesInFrame : kMaxAddresses));
    if (v6) addresses_.push_back(virtual_link_local(fields_.vrid));
    while (addresses_.size() < static_cast<std::size_t>(count)) addresses_.push_back(address(fields_.family));
    fields_.addresses = addresses_;
    source_ = v6 ? virtual_link_local(*Vrid::make(1 + below(255))) : address(Family::kIpv4);
    destination_ = below(2) == 0 ? vrrp_group(fields_.family) : address(fields_.family);
  }
  RandomAdvertisement(const RandomAdvertisement&) = delete;
  RandomAdvertisement& operator=(const RandomAdvertisement&) = delete;

  [[nodiscard]] const AdvertisementFields& fields() const { return fields_; }
  [[nodiscard]] IpMeta meta() const { return {source_, destination_, kTtl}; }
  [[nodiscard]] std::span<std::uint8_t> build(Buffer& out) const {
    return std::span{out}.first(build_advertisement(fields_, source_, destination_, out));
  }
  [[nodiscard]] std::span<std::uint8_t> build_with_priority(Priority priority, Buffer& out) const {
    auto other = fields_;
    other.priority = priority;
    return std::span{out}.first(build_advertisement(other, source_, destination_, out));
  }
  [[nodiscard]] int below(int bound) {
    return static_cast<int>(random_() % static_cast<std::uint32_t>(bound));
  }

 private:
  IpAddress address(Family family) {
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(below(256));
    return *IpAddress::from_bytes(std::span{bytes}.first(address_size(family)));
  }

  std::mt19937 random_;
  AdvertisementFields fields_;
  std::vector<IpAddress> addresses_;
  IpAddress source_, destination_;
};

TEST(Advertisement, BuiltThenParsedIsTheSame) {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    const RandomAdvertisement sent{seed};
    Buffer buffer{};
    const auto got = parse_advertisement(sent.meta(), sent.build(buffer));
    ASSERT_TRUE(got) << to_string(got.error());
    const auto& want = sent.fields();
    EXPECT_EQ(got->version, want.version);
    EXPECT_EQ(got->family, want.family);
    EXPECT_EQ(got->vrid, want.vrid.value());
    EXPECT_EQ(got->priority, want.priority);
    EXPECT_EQ(got->interval, want.interval);
    EXPECT_EQ(got->auth_type, want.auth_type);
    EXPECT_EQ(got->auth_data, want.auth_data);
    ASSERT_EQ(got->address_count, want.addresses.size());
    for (std::size_t i = 0; i < want.addresses.size(); ++i) ASSERT_EQ(got->address(i), want.addresses[i]);
  }
}

TEST(Advertisement, TellsTheChecksumFormItVerifiedUnder) {
  int seen = 0;
  for (std::uint32_t seed = 0; seed < 1000; ++seed) {
    const RandomAdvertisement sent{seed};
    if (sent.fields().version != Version::kV3 || sent.fields().family != Family::kIpv4) continue;
    // One pair of addresses in 65,535 makes the pseudo-header sum to nothing: then both forms are the same
    // bytes.
    Buffer buffer{};
    const auto got = parse_advertisement(sent.meta(), sent.build(buffer));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->checksum_form, sent.fields().checksum_form) << seed;
    ++seen;
  }
  EXPECT_GT(seen, 100);
}

TEST(Advertisement, IsRefusedAtEveryOtherLength) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    const RandomAdvertisement sent{seed};
    std::array<std::uint8_t, kMaxMessage + 32> buffer{};
    const auto size = build_advertisement(sent.fields(), sent.meta().source, sent.meta().destination, buffer);
    for (std::size_t length = 0; length <= size + 32; ++length) {
      const auto got = parse_advertisement(sent.meta(), std::span{buffer}.first(length));
      ASSERT_EQ(got.has_value(), length == size) << length;
      if (got) continue;
      ASSERT_EQ(got.error(), length < kHeaderSize ? DropReason::kShort : DropReason::kLength) << length;
    }
  }
}

TEST(Advertisement, IsRefusedWithAnySingleBitFlipped) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    const RandomAdvertisement sent{seed};
    Buffer buffer{};
    const auto message = sent.build(buffer);
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
      const auto mask = static_cast<std::uint8_t>(1 << (bit % 8));
      message[bit / 8] ^= mask;
      EXPECT_FALSE(parse_advertisement(sent.meta(), message)) << "seed " << seed << " bit " << bit;
      message[bit / 8] ^= mask;
    }
  }
}

TEST(Advertisement, OverIpv6NeedsThePseudoHeaderOfItsOwnPacket) {
  const std::array addresses{virtual_link_local(*Vrid::make(5))};
  const AdvertisementFields fields{.family = Family::kIpv6, .interval = 1s, .addresses = addresses};
  Buffer buffer{};
  const auto group = vrrp_group(Family::kIpv6);
  const auto message = std::span{buffer}.first(build_advertisement(fields, kSource6, group, buffer));
  EXPECT_TRUE(parse_advertisement({kSource6, group, kTtl}, message));
  const auto other = parse_advertisement({addresses[0], group, kTtl}, message);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error(), DropReason::kChecksum);
}

// P1 with the sum of the RFC 5798 form, made by hand: 0xb5c5 less 0x0a00 + 0x020f + 0xe000 + 0x0012 + 20 +
// 112.
TEST(Advertisement, OfVersionTwoHasNoPseudoHeader) {
  const IpMeta meta{kSource4, vrrp_group(Family::kIpv4), kTtl};
  EXPECT_TRUE(parse_advertisement(meta, golden::from_hex("21331e010001b5c50a0001050000000000000000")));
  const auto got = parse_advertisement(meta, golden::from_hex("21331e010001c91f0a0001050000000000000000"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), DropReason::kChecksum);
}

TEST(Advertisement, NeedsATtlOfExactly255) {
  const std::array addresses{IpAddress::v4(192, 0, 2, 1)};
  const AdvertisementFields fields{.interval = 1s, .addresses = addresses};
  Buffer buffer{};
  const auto group = vrrp_group(Family::kIpv4);
  const auto message = std::span{buffer}.first(build_advertisement(fields, kSource4, group, buffer));
  for (const int ttl : {-1, 0, 1, 64, 254, 256}) {
    const auto got = parse_advertisement({kSource4, group, ttl}, message);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error(), DropReason::kTtl);
  }
  EXPECT_TRUE(parse_advertisement({kSource4, group, 255}, message));
}

TEST(Advertisement, OfVersionTwoIsUnknownToIpv6) {
  const auto bytes = golden::from_hex("2105000100640000fe800000000000000000000000000001");
  const auto got = parse_advertisement({kSource6, vrrp_group(Family::kIpv6), kTtl}, bytes);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), DropReason::kVersion);
}

TEST(Advertisement, IsNotCarriedByTwoFamiliesAtOnce) {
  const auto bytes = golden::from_hex("3105c8010064fa840a000210");
  const auto got = parse_advertisement({kSource4, vrrp_group(Family::kIpv6), kTtl}, bytes);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), DropReason::kIpHeader);
}

// Several things wrong at once: the reason is that of the lowest rung, so that counters can be compared.
TEST(Advertisement, IsRefusedForTheFirstRungThatFails) {
  const IpMeta meta{kSource4, vrrp_group(Family::kIpv4), kTtl};
  auto routed = meta;
  routed.ttl = 64;
  const auto reason = [](const IpMeta& carrier, std::string_view hex) {
    const auto got = parse_advertisement(carrier, golden::from_hex(hex));
    return got ? DropReason::kNone : got.error();
  };
  EXPECT_EQ(reason(routed, "45"), DropReason::kTtl);
  EXPECT_EQ(reason(meta, "45"), DropReason::kShort);
  EXPECT_EQ(reason(meta, "4200c80000000000ff"), DropReason::kVersion);
  EXPECT_EQ(reason(meta, "3200c80000000000ff"), DropReason::kType);
  EXPECT_EQ(reason(meta, "3100c80000000000ff"), DropReason::kAddrCount);
  EXPECT_EQ(reason(meta, "3100c80100000000ff"), DropReason::kLength);
  EXPECT_EQ(reason(meta, "3100c801000000000a000210"), DropReason::kChecksum);
  EXPECT_EQ(reason(meta, "3100c8010000faed0a000210"), DropReason::kVrid);
}

TEST(Advertisement, OfVersionTwoCountsItsAddressesToo) {
  const auto got = parse_advertisement({kSource4, vrrp_group(Family::kIpv4), kTtl},
                                       golden::from_hex("21331e000001bfcb0000000000000000"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), DropReason::kAddrCount);
}

TEST(SetPriority, GivesTheBytesOfAFreshBuild) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const RandomAdvertisement sent{seed};
    Buffer buffer{}, fresh{};
    const auto changed = sent.build(buffer);
    for (int priority = 0; priority < 256; ++priority) {
      set_priority(changed, static_cast<Priority>(priority));
      const auto want = sent.build_with_priority(static_cast<Priority>(priority), fresh);
      ASSERT_TRUE(std::equal(changed.begin(), changed.end(), want.begin(), want.end())) << priority;
      ASSERT_TRUE(parse_advertisement(sent.meta(), changed)) << priority;
    }
  }
}

// 0x0000 and 0xffff are the same number in one's complement: an update must pass through it and stay valid.
TEST(SetPriority, PassesThroughAChecksumOfZero) {
  const IpMeta meta{kSource4, vrrp_group(Family::kIpv4), kTtl};
  int zeros = 0;
  for (int low = 0; low < 65536; ++low) {
    const std::array addresses{
        IpAddress::v4(10, 0, static_cast<std::uint8_t>(low >> 8), static_cast<std::uint8_t>(low & 0xff))};
    const AdvertisementFields fields{
        .vrid = *Vrid::make(5), .priority = 200, .interval = 1s, .addresses = addresses};
    std::array<std::uint8_t, 12> message{};
    ASSERT_EQ(build_advertisement(fields, meta.source, meta.destination, message), 12u);
    const bool zero = message[6] == 0 && message[7] == 0;
    ASSERT_FALSE(message[6] == 0xff && message[7] == 0xff);
    if (!zero) continue;
    ++zeros;
    const auto before = message;
    for (const int priority : {0, 1, 100, 255, 200}) {
      set_priority(message, static_cast<Priority>(priority));
      EXPECT_TRUE(parse_advertisement(meta, message)) << priority;
    }
    EXPECT_EQ(message, before);
    message[6] = message[7] = 0xff;  // how another sender may write the same sum
    EXPECT_TRUE(parse_advertisement(meta, message));
    set_priority(message, 100);
    EXPECT_TRUE(parse_advertisement(meta, message));
  }
  EXPECT_GT(zeros, 0);
}

// One after another over all peers, as a master does it: each time what a fresh sum would be.
TEST(SetEndpoints, GivesTheChecksumOfAFreshMessage) {
  std::mt19937 random{20261122};
  const auto any = [&](Family family) {
    std::array<std::uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return *IpAddress::from_bytes(std::span{bytes}.first(address_size(family)));
  };
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const std::array addresses{family == Family::kIpv4 ? IpAddress::v4(192, 0, 2, 1)
                                                       : *IpAddress::parse("fe80::1")};
    const AdvertisementFields fields{.family = family,
                                     .vrid = *Vrid::make(5),
                                     .priority = 200,
                                     .interval = 1s,
                                     .checksum_form = ChecksumForm::kRfc5798,
                                     .addresses = addresses};
    Endpoints at{any(family), any(family)};
    std::array<std::uint8_t, 64> changed{};
    const auto size = build_advertisement(fields, at.source, at.destination, changed);
    for (int i = 0; i < 2000; ++i) {
      const Endpoints next{any(family), any(family)};
      set_endpoints(std::span{changed}.first(size), ChecksumForm::kRfc5798, at, next);
      at = next;
      std::array<std::uint8_t, 64> fresh{};
      ASSERT_EQ(build_advertisement(fields, at.source, at.destination, fresh), size);
      ASSERT_EQ(changed, fresh) << i;
    }
  }
}

TEST(LeastTtl, IsFullUnlessTheCallerKnowsOfARouterBetween) {
  const std::array addresses{IpAddress::v4(192, 0, 2, 1)};
  const AdvertisementFields fields{.interval = 1s, .addresses = addresses};
  std::array<std::uint8_t, 12> message{};
  IpMeta meta{kSource4, vrrp_group(Family::kIpv4), 254};
  ASSERT_EQ(build_advertisement(fields, meta.source, meta.destination, message), 12u);
  EXPECT_EQ(parse_advertisement(meta, message).error(), DropReason::kTtl);
  EXPECT_TRUE(parse_advertisement(meta, message, 1));
  meta.ttl = 0;
  EXPECT_EQ(parse_advertisement(meta, message, 1).error(), DropReason::kTtl);
}

class Datagrams : public testing::Test {
 protected:
  golden::ByteString packet_ =
      golden::from_hex("45c0002000010000ff70ce8b0a00020fe00000123105c8010064fa840a000210");
  void expect_refused(const char* what) {
    const auto got = parse_ipv4_datagram(packet_);
    ASSERT_FALSE(got) << what;
    EXPECT_EQ(got.error(), DropReason::kIpHeader) << what;
  }
};

TEST_F(Datagrams, TellWhatTheHeaderSaid) {
  const auto got = parse_ipv4_datagram(packet_);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->meta.source, kSource4);
  EXPECT_EQ(got->meta.destination, vrrp_group(Family::kIpv4));
  EXPECT_EQ(got->meta.ttl, 255);
  EXPECT_EQ(got->message.size(), 12u);
}

TEST_F(Datagrams, AreRefusedWhenCutAnywhere) {
  const auto whole = packet_;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    packet_.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    expect_refused("cut");
  }
}

TEST_F(Datagrams, AreTrimmedToTheirOwnLength) {
  for (int padding = 0; padding < 64; ++padding) {
    packet_.push_back(0xee);
    const auto got = parse_ipv4_datagram(packet_);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->message.size(), 12u);
  }
}

TEST_F(Datagrams, AreRefusedWithAWrongVersionHeaderLengthOrProtocol) {
  for (const int first : {0x65, 0x05, 0x40, 0x44, 0x4f}) {
    packet_[0] = static_cast<std::uint8_t>(first);
    expect_refused("version and header length");
  }
  packet_[0] = 0x45;
  packet_[9] = 17;
  expect_refused("protocol");
}

TEST_F(Datagrams, AreRefusedWithATotalLengthTheyDoNotHave) {
  for (const int total : {0, 19, 33, 0xffff}) {
    packet_[2] = static_cast<std::uint8_t>(total >> 8), packet_[3] = static_cast<std::uint8_t>(total & 0xff);
    expect_refused("total length");
  }
}

TEST_F(Datagrams, AreRefusedAsFragments) {
  for (const int word : {0x2000, 0x0001, 0x1fff, 0x3fff}) {
    packet_[6] = static_cast<std::uint8_t>(word >> 8), packet_[7] = static_cast<std::uint8_t>(word & 0xff);
    expect_refused("fragment");
  }
  packet_[6] = 0x40, packet_[7] = 0;
  EXPECT_TRUE(parse_ipv4_datagram(packet_)) << "do not fragment is no fragment";
}

TEST(Checksum, IsThatOfTheRfcExample) {
  // RFC 1071 section 3: the sum of these is 0xddf2.
  const std::array<std::uint8_t, 8> data{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_fold(checksum_add(0, data)), 0xffff ^ 0xddf2);
}

TEST(Checksum, TakesAnOddEndAsPaddedWithZero) {
  const std::array<std::uint8_t, 3> odd{0x12, 0x34, 0x56};
  const std::array<std::uint8_t, 4> even{0x12, 0x34, 0x56, 0x00};
  EXPECT_EQ(checksum_fold(checksum_add(0, odd)), checksum_fold(checksum_add(0, even)));
}

TEST(Checksum, DoesNotOverflowOnALongRun) {
  const std::vector<std::uint8_t> ones(1 << 20, 0xff);
  std::uint32_t sum = 0;
  for (int i = 0; i < 64; ++i) sum = checksum_add(sum, ones);
  EXPECT_EQ(checksum_fold(sum), 0);
}

TEST(AdvertisementDeathTest, ThatValidationShouldHaveStoppedIsNotBuilt) {
  Buffer out{};
  const auto group = vrrp_group(Family::kIpv4);
  const std::vector<IpAddress> many(256, IpAddress::v4(192, 0, 2, 1));
  const std::vector<IpAddress> crowd(91, virtual_link_local(*Vrid::make(1)));
  const auto build4 = [&](AdvertisementFields fields) {
    return build_advertisement(fields, kSource4, group, out);
  };
  const std::span<const IpAddress> one{many.data(), 1};
  EXPECT_DEATH((void)build4({.interval = 1s, .addresses = many}), "check.failed");
  EXPECT_DEATH((void)build4({.interval = 1s, .addresses = {}}), "check.failed");
  EXPECT_DEATH((void)build4({.interval = 0s, .addresses = one}), "check.failed");
  EXPECT_DEATH((void)build4({.interval = 41s, .addresses = one}), "check.failed");
  EXPECT_DEATH((void)build4({.version = Version::kV2, .interval = 256s, .addresses = one}), "check.failed");
  EXPECT_DEATH((void)build_advertisement({.family = Family::kIpv6, .interval = 1s, .addresses = crowd},
                                         kSource6, vrrp_group(Family::kIpv6), out),
               "check.failed");
}

}  // namespace
}  // namespace vipra::vrrp
