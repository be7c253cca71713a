// One advertisement of each program with the same configuration, from the same node, field by field. A
// difference is either named here, with its reason, or a bug.
#include "tests/lab/interop.hpp"
#include "tests/lab/vrrp_fields.hpp"

namespace vipra::lab {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAreArray;

struct WireFields : Interop {
  // The first advertisement of a master that is sent from now on.
  std::optional<VrrpFields> next_advertisement() {
    const auto from = now();
    std::optional<VrrpFields> out;
    const bool found = wait_until(
        [&] {
          for (const auto& packet : capture_->packets(from, TimePoint::max())) {
            auto fields = vrrp_fields(packet.frame);
            if (!fields || fields->at("priority") == "0") continue;
            out = std::move(fields);
            return true;
          }
          return false;
        },
        s{15}, ms{10});
    EXPECT_TRUE(found) << "no advertisement";
    return out;
  }
  std::optional<VrrpFields> of_vipra(const std::string& more_vrrp = {}) {
    start_vipra("node-a", 100, "Never", more_vrrp);
    auto out = next_advertisement();
    EXPECT_TRUE(node("node-a").stop_agent().has_value());
    return out;
  }
  std::optional<VrrpFields> of_peer(Peer* peer) {
    if (peer == nullptr) return std::nullopt;
    auto out = next_advertisement();
    EXPECT_TRUE(peer->stop().has_value());
    peers_.clear();
    return out;
  }
};

// The kernel sets it on what a raw socket sends without a header of its own; keepalived writes the header
// itself.
constexpr const char* kDontFragment = "don't fragment";
// vrrpd sends from a device with the virtual router's MAC address (RFC 9568 section 7.3); Vipra and, without
// use_vmac, keepalived from the interface with its own, and tell the network by announcements.
constexpr const char* kSourceMac = "source MAC";
// vrrpd advertises over IPv6 from an address of that device.
constexpr const char* kSource = "source";
// Of the checksum, because the source is part of the pseudo-header.
constexpr const char* kMessage = "message";

TEST_F(WireFields, Version3OverIpv4) {
  ASSERT_NO_FATAL_FAILURE(build_watched(1, Wire{"Ipv4"}));
  const auto vipra = of_vipra("    ipv4Checksum: RFC5798\n");
  const auto keepalived = of_peer(start_keepalived("node-a", peer(100)));
  const auto frr = of_peer(start_frr("node-a", peer(100)));
  ASSERT_TRUE(vipra && keepalived && frr);
  EXPECT_EQ(vipra->at("checksum form"), "with pseudo-header");
  EXPECT_EQ(vipra->at("TTL"), "255");
  EXPECT_EQ(vipra->at("traffic class"), "c0");
  EXPECT_EQ(vipra->at("destination MAC"), "01005e000012");
  EXPECT_EQ(vipra->at("interval"), "30");
  EXPECT_THAT(differing(*vipra, *keepalived), ElementsAreArray({kDontFragment}));
  EXPECT_THAT(differing(*vipra, *frr), ElementsAreArray({kSourceMac}));
}

// What no program of Debian 12 sends, and what RFC 9568 says.
TEST_F(WireFields, TheChecksumOfRfc9568DiffersInNothingElse) {
  ASSERT_NO_FATAL_FAILURE(build_watched(1, Wire{"Ipv4"}));
  const auto rfc5798 = of_vipra("    ipv4Checksum: RFC5798\n");
  const auto rfc9568 = of_vipra("    ipv4Checksum: RFC9568\n");
  ASSERT_TRUE(rfc5798 && rfc9568);
  EXPECT_EQ(rfc9568->at("checksum form"), "message alone");
  EXPECT_THAT(differing(*rfc5798, *rfc9568), ElementsAreArray({"checksum form", kMessage}));
}

TEST_F(WireFields, Version3OverIpv6) {
  ASSERT_NO_FATAL_FAILURE(build_watched(1, Wire{"Ipv6", 3, true}));
  const auto vipra = of_vipra();
  const auto keepalived = of_peer(start_keepalived("node-a", peer(100)));
  const auto frr = of_peer(start_frr("node-a", peer(100)));
  ASSERT_TRUE(vipra && keepalived && frr);
  EXPECT_EQ(vipra->at("checksum form"), "with pseudo-header");
  EXPECT_EQ(vipra->at("destination MAC"), "333300000012");
  EXPECT_THAT(differing(*vipra, *keepalived), testing::IsEmpty());
  EXPECT_THAT(differing(*vipra, *frr), ElementsAreArray({kMessage, kSource, kSourceMac}));
  EXPECT_EQ(frr->at("checksum form"), "with pseudo-header");
}

class WireFieldsVersion2 : public WireFields, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Passwords, WireFieldsVersion2, testing::Values("", "1111", "8 bytes!"));

TEST_P(WireFieldsVersion2, IsTheSame) {
  ASSERT_NO_FATAL_FAILURE(build_watched(1, Wire{"Version2", 2, false, GetParam(), milliseconds{1000}}));
  const auto vipra = of_vipra();
  const auto keepalived = of_peer(start_keepalived("node-a", peer(100)));
  ASSERT_TRUE(vipra && keepalived);
  EXPECT_EQ(vipra->at("checksum form"), "message alone");
  EXPECT_EQ(vipra->at("interval"), "1");
  EXPECT_THAT(differing(*vipra, *keepalived), ElementsAreArray({kDontFragment}));
}

}  // namespace
}  // namespace vipra::lab
