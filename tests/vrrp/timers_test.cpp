#include "vrrp/timers.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace vipra::vrrp {
namespace {

using namespace std::chrono_literals;

struct Case {
  Version version;
  int priority;
  Duration interval;
  std::int64_t skew_ns;
  std::int64_t down_ns;
};

// By hand from RFC 9568 section 6.1 and RFC 3768 section 6.1; halves of a nanosecond are cut.
constexpr Case kCases[] = {
    {Version::kV3, 100, 10ms, 6'093'750, 36'093'750},
    {Version::kV3, 200, 10ms, 2'187'500, 32'187'500},
    {Version::kV3, 254, 10ms, 78'125, 30'078'125},
    {Version::kV3, 255, 10ms, 39'062, 30'039'062},
    {Version::kV3, 100, 100ms, 60'937'500, 360'937'500},
    {Version::kV3, 100, 1s, 609'375'000, 3'609'375'000},
    {Version::kV3, 1, 40'950ms, 40'790'039'062, 163'640'039'062},
    {Version::kV2, 100, 3s, 609'375'000, 9'609'375'000},
};

TEST(Timers, AreThoseOfTheRfcToTheNanosecond) {
  for (const auto& c : kCases) {
    EXPECT_EQ(skew_time(c.version, c.interval, c.priority).count(), c.skew_ns);
    EXPECT_EQ(active_down_interval(c.version, c.interval, c.priority).count(), c.down_ns);
  }
}

TEST(Timers, NeighbouringPrioritiesNeverFireTogether) {
  for (int priority = 1; priority < 255; ++priority) {
    EXPECT_GT(skew_time(Version::kV3, 10ms, priority), skew_time(Version::kV3, 10ms, priority + 1));
  }
}

TEST(Timers, MissesMoveTheDownIntervalAndNotTheSkew) {
  EXPECT_EQ(
      active_down_interval(Version::kV3, 10ms, 100, 5) - active_down_interval(Version::kV3, 10ms, 100, 3),
      20ms);
}

TEST(VirtualRouter, HasTheAddressesOfTheRfc) {
  const auto vrid = *Vrid::make(5);
  EXPECT_EQ(virtual_mac(Family::kIpv4, vrid).to_string(), "00:00:5e:00:01:05");
  EXPECT_EQ(virtual_mac(Family::kIpv6, vrid).to_string(), "00:00:5e:00:02:05");
  EXPECT_EQ(virtual_link_local(vrid).to_string(), "fe80::200:5eff:fe00:205");
  EXPECT_EQ(virtual_link_local(*Vrid::make(255)).to_string(), "fe80::200:5eff:fe00:2ff");
}

TEST(VirtualRouter, IdIsOneToTwoHundredFiftyFive) {
  EXPECT_FALSE(Vrid::make(0));
  EXPECT_FALSE(Vrid::make(256));
  EXPECT_FALSE(Vrid::make(-1));
  EXPECT_TRUE(Vrid::make(1));
  EXPECT_TRUE(Vrid::make(255));
}

}  // namespace
}  // namespace vipra::vrrp
