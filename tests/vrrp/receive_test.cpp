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
  static constexpr IpAddress kFarPeer = IpAddress::v4(192, 0, 2, 20);
  static constexpr IpAddress kStranger = IpAddress::v4(10, 0, 2, 66);
  static tl::expected<Path, DropReason> path(const IpMeta& meta, const SegmentPolicy& policy) {
    return check_segment(meta, policy).map([](const Arrival& arrival) { return arrival.path; });
  }
  static DropReason dropped(const IpMeta& meta, const SegmentPolicy& policy) {
    const auto arrival = check_segment(meta, policy);
    return arrival ? DropReason::kNone : arrival.error();
  }
  const IpAddress group_ = vrrp_group(Family::kIpv4);
  const std::array<IpAddress, 1> own_{kOwn};
  const std::array<UnicastPeer, 2> peers_{{{kPeer, kOwn, true}, {kFarPeer, kOwn, false}}};
};

TEST_F(Segment, TakesTheGroupFromAnyoneButUs) {
  const SegmentPolicy policy{own_, {}};
  EXPECT_EQ(path({kStranger, group_, 255}, policy), Path::kMulticast);
  EXPECT_EQ(dropped({kOwn, group_, 255}, policy), DropReason::kSelfEcho);
}

TEST_F(Segment, TakesUnicastFromPeersOnly) {
  const SegmentPolicy policy{own_, peers_};
  EXPECT_EQ(path({kPeer, kOwn, 255}, policy), Path::kUnicast);
  EXPECT_EQ(dropped({kStranger, kOwn, 255}, policy), DropReason::kSource);
  EXPECT_EQ(dropped({kPeer, kOwn, 255}, {own_, {}}), DropReason::kDestination);
}

TEST_F(Segment, HearsTheGroupOnlyWhereItIsMeantTo) {
  const SegmentPolicy both{own_, peers_};
  EXPECT_EQ(path({kPeer, group_, 255}, both), Path::kMulticast);
  EXPECT_EQ(path({kStranger, group_, 255}, both), Path::kMulticast);
  const SegmentPolicy unicast{own_, peers_, false};
  EXPECT_EQ(dropped({kPeer, group_, 255}, unicast), DropReason::kDestination);
}

TEST_F(Segment, DemandsTheFullTtlOfWhoeverIsOnTheLink) {
  const SegmentPolicy policy{own_, peers_};
  EXPECT_EQ(check_segment({kPeer, kOwn, 254}, policy)->least_ttl, 255);
  EXPECT_EQ(check_segment({kFarPeer, kOwn, 254}, policy)->least_ttl, 1);
  EXPECT_EQ(check_segment({kFarPeer, group_, 254}, policy)->least_ttl, 255) << "no router forwards the group";
}

TEST_F(Segment, NamesThePeerThatSent) {
  const SegmentPolicy policy{own_, peers_};
  EXPECT_EQ(check_segment({kFarPeer, kOwn, 255}, policy)->peer, &peers_[1]);
  EXPECT_EQ(check_segment({kPeer, group_, 255}, policy)->peer, &peers_[0]);
  EXPECT_EQ(check_segment({kStranger, group_, 255}, policy)->peer, nullptr);
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
  EXPECT_EQ(dropped({kPeer, IpAddress::v4(224, 0, 0, 5), 255}, policy), DropReason::kDestination);
  EXPECT_EQ(dropped({kPeer, IpAddress::v4(10, 0, 2, 255), 255}, policy), DropReason::kDestination);
  EXPECT_EQ(dropped({kPeer, kStranger, 255}, policy), DropReason::kDestination);
  EXPECT_EQ(dropped({kOwn, kOwn, 255}, policy), DropReason::kSelfEcho);
}

TEST_F(Segment, KnowsTheGroupOfEachFamily) {
  const auto peer6 = *IpAddress::parse("fe80::1");
  EXPECT_EQ(path({peer6, vrrp_group(Family::kIpv6), 255}, {own_, {}}), Path::kMulticast);
  EXPECT_EQ(dropped({peer6, *IpAddress::parse("ff02::1"), 255}, {own_, {}}), DropReason::kDestination);
}

TEST(SegmentOfIpv6, TakesANeighboursLinkLocalUnicastOnlyWhereTheGroupWouldHearHim) {
  const auto own = *IpAddress::parse("2001:db8::1");
  const auto peer = *IpAddress::parse("2001:db8::2");
  const auto neighbour = *IpAddress::parse("fe80::66");
  const auto global = *IpAddress::parse("2001:db8::66");
  const std::array<IpAddress, 1> owns{own};
  const std::array<UnicastPeer, 1> peers{{{peer, own, true}}};
  const auto heard = check_segment({neighbour, own, 255}, {owns, peers, true, true});
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->path, Path::kUnicast);
  EXPECT_EQ(heard->least_ttl, 255);
  EXPECT_EQ(check_segment({global, own, 255}, {owns, peers, true, true}).error(), DropReason::kSource);
  EXPECT_EQ(check_segment({neighbour, own, 255}, {owns, peers, false, false}).error(), DropReason::kSource);
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
