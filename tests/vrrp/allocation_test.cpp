// The election thread decodes and sends without the heap.
#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "tests/base/allocation_count.hpp"
#include "vrrp/neighbour_frame.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/receive.hpp"

namespace vipra::vrrp {
namespace {

using namespace std::chrono_literals;
using testing_support::allocations_in;

class Allocations : public testing::Test {
 protected:
  const IpAddress source4_ = IpAddress::v4(10, 0, 2, 15);
  const IpAddress group4_ = vrrp_group(Family::kIpv4);
  const IpAddress source6_ = *IpAddress::parse("fe80::a00:27ff:fe11:2233");
  const IpAddress group6_ = vrrp_group(Family::kIpv6);
  const std::array<IpAddress, 2> vips4_{IpAddress::v4(192, 0, 2, 1), IpAddress::v4(192, 0, 2, 2)};
  const std::array<IpAddress, 2> vips6_{virtual_link_local(*Vrid::make(5)), *IpAddress::parse("2001:db8::1")};
  const AdvertisementFields fields4_{.interval = 100ms, .addresses = vips4_};
  const AdvertisementFields fields6_{.family = Family::kIpv6, .interval = 100ms, .addresses = vips6_};
  std::array<std::uint8_t, kMaxMessage> buffer_{};
};

TEST_F(Allocations, AreCountedHere) {
  EXPECT_EQ(allocations_in([] { ::operator delete(::operator new(8)); }), 1u);
}

TEST_F(Allocations, AreNotNeededToBuildChangeAndDecode) {
  std::size_t decoded = 0;
  const auto round = [&](const AdvertisementFields& fields, const IpAddress& from, const IpAddress& to) {
    const auto message = std::span{buffer_}.first(build_advertisement(fields, from, to, buffer_));
    set_priority(message, kResign);
    const Endpoints group{from, to};
    const Endpoints peer{from, from};
    set_endpoints(message, ChecksumForm::kRfc9568, group, peer);
    set_endpoints(message, ChecksumForm::kRfc9568, peer, group);
    if (!check_segment({from, to, kTtl}, {{&group4_, 1}, {}})) return;
    const auto got = parse_advertisement({from, to, kTtl}, message);
    if (!got || check_policy(*got, {.vrid = *Vrid::make(1)})) return;
    decoded += got->address(1) == fields.addresses[1] ? 1 : 0;
  };
  EXPECT_EQ(allocations_in([&] {
              for (int i = 0; i < 100; ++i) {
                round(fields4_, source4_, group4_);
                round(fields6_, source6_, group6_);
              }
            }),
            0u);
  EXPECT_EQ(decoded, 200u);
}

TEST_F(Allocations, AreNotNeededToRefuse) {
  const std::array<std::uint8_t, 32> packet{0x45, 0xc0, 0x00, 0x20, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xce,
                                            0x8b, 0x0a, 0x00, 0x02, 0x0f, 0xe0, 0x00, 0x00, 0x12, 0x31, 0x05,
                                            0xc8, 0x01, 0x00, 0x64, 0xfa, 0x85, 0x0a, 0x00, 0x02, 0x10};
  std::size_t refused = 0;
  EXPECT_EQ(allocations_in([&] {
              for (std::size_t length = 0; length <= packet.size(); ++length) {
                const auto datagram = parse_ipv4_datagram(std::span{packet}.first(length));
                refused += !datagram || !parse_advertisement(datagram->meta, datagram->message) ? 1 : 0;
              }
            }),
            0u);
  EXPECT_EQ(refused, packet.size() + 1);
}

TEST_F(Allocations, AreNotNeededForAnnouncements) {
  const MacAddress mac{{2, 0, 0, 0, 0, 1}};
  std::size_t claims = 0;
  EXPECT_EQ(allocations_in([&] {
              claims +=
                  parse_neighbour_frame(gratuitous_arp(vips4_[0], mac, ArpForm::kRequest).view()) ? 1 : 0;
              claims += parse_neighbour_frame(unsolicited_na(vips6_[1], mac, true).view()) ? 1 : 0;
            }),
            0u);
  EXPECT_EQ(claims, 2u);
}

}  // namespace
}  // namespace vipra::vrrp
