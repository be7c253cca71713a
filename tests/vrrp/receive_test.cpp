#include "vrrp/receive.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace vipra::vrrp {
namespace {

using namespace std::chrono_literals;

class Segment : public testing::Test {
 protected:
  static constexpr IpAddress kOwn = IpAddress::v4(10, 0, 2, 15);
  static constexpr IpAddress kPeer = IpAddress::v4(10, 0, 2, 20);
  static constexpr IpAddress kStranger = IpAddress::v4(10, 0, 2, 66);
  const IpAddress group_ = vrrp_group(Family::kIpv4);
  const std::array<IpAddress, 1> own_{kOwn};
  const std::array<IpAddress, 1> peers_{kPeer};
};

TEST_F(Segment, TakesTheGroupFromAnyoneButUs) {
  const SegmentPolicy policy{own_, {}};
  EXPECT_EQ(check_segment({kStranger, group_, 255}, policy), std::nullopt);
  EXPECT_EQ(check_segment({kOwn, group_, 255}, policy), DropReason::kSelfEcho);
}

TEST_F(Segment, TakesUnicastFromPeersOnly) {
  const SegmentPolicy policy{own_, peers_};
  EXPECT_EQ(check_segment({kPeer, kOwn, 255}, policy), std::nullopt);
  EXPECT_EQ(check_segment({kStranger, kOwn, 255}, policy), DropReason::kSource);
  EXPECT_EQ(check_segment({kPeer, kOwn, 255}, {own_, {}}), DropReason::kDestination);
}

TEST(SimplePassword, HasOneToEightBytesAndIsPaddedWithZeros) {
  EXPECT_FALSE(SimplePassword::make(""));
  EXPECT_FALSE(SimplePassword::make("9 bytes!!"));
  EXPECT_FALSE(SimplePassword::make({"a\0b", 3}));
  const auto password = SimplePassword::make("1111");
  ASSERT_TRUE(password);
  EXPECT_EQ(password->data(), (std::array<std::uint8_t, 8>{'1', '1', '1', '1', 0, 0, 0, 0}));
  EXPECT_EQ(password->size(), 4u);
  EXPECT_NE(password, SimplePassword::make("1112"));
  EXPECT_TRUE(SimplePassword::make("8 bytes!"));
}

TEST_F(Segment, RefusesOtherDestinations) {
  const SegmentPolicy policy{own_, peers_};
  EXPECT_EQ(check_segment({kPeer, IpAddress::v4(224, 0, 0, 5), 255}, policy), DropReason::kDestination);
  EXPECT_EQ(check_segment({kPeer, kStranger, 255}, policy), DropReason::kDestination);
  EXPECT_EQ(check_segment({kOwn, kOwn, 255}, policy), DropReason::kSelfEcho);
}

TEST_F(Segment, KnowsTheGroupOfEachFamily) {
  const auto peer6 = *IpAddress::parse("fe80::1");
  EXPECT_EQ(check_segment({peer6, vrrp_group(Family::kIpv6), 255}, {own_, {}}), std::nullopt);
  EXPECT_EQ(check_segment({peer6, *IpAddress::parse("ff02::1"), 255}, {own_, {}}), DropReason::kDestination);
}

Advertisement v2_advertisement() {
  return {.version = Version::kV2,
          .vrid = 51,
          .priority = 100,
          .interval = 1s,
          .auth_type = 1,
          .auth_data = {'1', '1', '1', '1'}};
}

ReceivePolicy v2_policy() {
  return {.version = Version::kV2,
          .vrid = *Vrid::make(51),
          .interval = 1s,
          .auth_type = 1,
          .auth_data = {'1', '1', '1', '1'}};
}

TEST(Policy, AcceptsWhatAgreesWithIt) {
  EXPECT_EQ(check_policy(v2_advertisement(), v2_policy()), std::nullopt);
}

TEST(Policy, LearnsTheIntervalOfVersionThree) {
  const Advertisement advertisement{.version = Version::kV3, .vrid = 5, .interval = 10ms};
  EXPECT_EQ(check_policy(advertisement, {.version = Version::kV3, .vrid = *Vrid::make(5), .interval = 1s}),
            std::nullopt);
}

TEST(Policy, LooksAtEveryByteOfThePassword) {
  for (std::size_t i = 0; i < kV2AuthSize; ++i) {
    auto advertisement = v2_advertisement();
    advertisement.auth_data[i] ^= 1;
    EXPECT_EQ(check_policy(advertisement, v2_policy()), DropReason::kAuthFail) << i;
  }
}

TEST(Policy, IgnoresAuthenticationDataOfTypeNone) {
  auto advertisement = v2_advertisement();
  advertisement.auth_type = 0;
  auto policy = v2_policy();
  policy.auth_type = 0;
  policy.auth_data = {};
  EXPECT_EQ(check_policy(advertisement, policy), std::nullopt);
}

TEST(Policy, TellsTheLowestRungThatFails) {
  auto advertisement = v2_advertisement();
  advertisement.interval = 2s;
  EXPECT_EQ(check_policy(advertisement, v2_policy()), DropReason::kIntervalMismatch);
  advertisement.auth_data[0] = 'x';
  EXPECT_EQ(check_policy(advertisement, v2_policy()), DropReason::kAuthFail);
  advertisement.auth_type = 0;
  EXPECT_EQ(check_policy(advertisement, v2_policy()), DropReason::kAuthType);
  advertisement.vrid = 52;
  EXPECT_EQ(check_policy(advertisement, v2_policy()), DropReason::kVrid);
  advertisement.version = Version::kV3;
  EXPECT_EQ(check_policy(advertisement, v2_policy()), DropReason::kVersion);
}

TEST(Policy, AcceptsAnAddressOwner) {
  auto advertisement = v2_advertisement();
  advertisement.priority = kOwnerPriority;
  EXPECT_EQ(check_policy(advertisement, v2_policy()), std::nullopt);
}

}  // namespace
}  // namespace vipra::vrrp
