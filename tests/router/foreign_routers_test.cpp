#include "router/foreign_routers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "vrrp/packet.hpp"

namespace vipra::router {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct Table : testing::Test {
  // An advertisement as it comes off the wire.
  ForeignRouters::Heard hear(int vrid, const IpAddress& source, Duration at, Duration interval = 1s,
                             std::size_t addresses = 1, int priority = 100) {
    std::vector<IpAddress> list;
    for (std::size_t i = 0; i < addresses; ++i)
      list.push_back(IpAddress::v4(10, 0, 2, static_cast<std::uint8_t>(i + 1)));
    vrrp::AdvertisementFields fields;
    fields.vrid = *vrrp::Vrid::make(vrid);
    fields.priority = static_cast<vrrp::Priority>(priority);
    fields.interval = interval;
    fields.addresses = list;
    std::array<std::uint8_t, 1500> buffer{};
    const auto group = vrrp_group(Family::kIpv4);
    const auto size = vrrp::build_advertisement(fields, source, group, buffer);
    const auto parsed = vrrp::parse_advertisement({source, group, 255}, {buffer.data(), size});
    EXPECT_TRUE(parsed);
    return table.heard(source, *parsed, TimePoint{at});
  }
  std::vector<int> expire(Duration at) {
    std::vector<int> gone;
    table.expire(TimePoint{at}, [&](const ForeignRouter& router) { gone.push_back(router.vrid); });
    return gone;
  }
  const IpAddress one = IpAddress::v4(10, 0, 2, 200);
  const IpAddress other = IpAddress::v4(10, 0, 2, 201);
  ForeignRouters table;
};

TEST_F(Table, KeepsWhatIsHeardOfEach) {
  EXPECT_TRUE(hear(7, one, 1s, 500ms, 3, 150).appeared);
  EXPECT_FALSE(hear(7, one, 2s, 500ms, 2, 140).appeared);
  EXPECT_TRUE(hear(7, other, 2s).appeared) << "a second node of it, or a mistake";
  EXPECT_TRUE(hear(8, one, 2s).appeared);
  ASSERT_EQ(table.all().size(), 3u);
  const auto& first = table.all()[0];
  EXPECT_EQ(first.vrid, 7);
  EXPECT_EQ(first.source, one);
  EXPECT_EQ(first.priority, 140);
  EXPECT_EQ(first.interval, 500ms);
  EXPECT_EQ(first.packets, 2u);
  EXPECT_EQ(first.first_seen, TimePoint{1s});
  EXPECT_EQ(first.last_seen, TimePoint{2s});
  EXPECT_THAT(first.addresses(), ElementsAre(IpAddress::v4(10, 0, 2, 1), IpAddress::v4(10, 0, 2, 2)));
  EXPECT_EQ(table.packets(), 4u);
}

TEST_F(Table, KeepsTheFirstAddressesOfALongListAndItsLength) {
  hear(7, one, 1s, 1s, 200);
  EXPECT_EQ(table.all()[0].addresses().size(), ForeignRouter::kAddresses);
  EXPECT_EQ(table.all()[0].address_count, 200u);
}

TEST_F(Table, ForgetsWhoIsSilentForSomeOfItsIntervals) {
  EXPECT_EQ(table.deadline(), std::nullopt);
  hear(7, one, 10s, 10ms);  // five seconds at least
  hear(8, one, 10s, 10s);
  hear(9, one, 10s, 40s);
  EXPECT_EQ(table.deadline(), TimePoint{15s});
  hear(7, one, 12s, 10ms);
  EXPECT_THAT(expire(15s), IsEmpty());
  EXPECT_EQ(table.deadline(), TimePoint{17s});
  EXPECT_THAT(expire(17s), ElementsAre(7));
  EXPECT_THAT(expire(49999ms), IsEmpty());
  EXPECT_THAT(expire(50s), ElementsAre(8));
  EXPECT_THAT(expire(10s + 5min), ElementsAre(9));
  EXPECT_EQ(table.deadline(), std::nullopt);
  EXPECT_TRUE(hear(7, one, 400s).appeared) << "and it is new when it comes back";
}

TEST_F(Table, LooksAtAListOnceASecondHoweverFastItComes) {
  int examined = 0;
  for (int i = 0; i < 3000; ++i) examined += hear(7, one, 1s + i * 1ms).examine ? 1 : 0;
  EXPECT_EQ(examined, 0) << "a VRID may be changing";
  for (int i = 3000; i < 8000; ++i) examined += hear(7, one, 1s + i * 1ms).examine ? 1 : 0;
  EXPECT_EQ(examined, 5);
}

TEST_F(Table, HoldsNobodyWhoTakesHisLeave) {
  EXPECT_EQ(hear(7, one, 1s, 100ms, 1, 0).router, nullptr);
  EXPECT_TRUE(table.all().empty());
}

TEST_F(Table, CountsThoseForWhomThereIsNoRoom) {
  for (int i = 0; i < 200; ++i) hear(7, IpAddress::v4(10, 1, 0, static_cast<std::uint8_t>(i)), 1s);
  EXPECT_EQ(table.all().size(), ForeignRouters::kCapacity);
  EXPECT_EQ(table.untracked(), 200u - ForeignRouters::kCapacity);
  EXPECT_EQ(hear(7, IpAddress::v4(10, 1, 0, 199), 1s).router, nullptr);
  EXPECT_NE(hear(7, IpAddress::v4(10, 1, 0, 0), 1s).router, nullptr) << "who is known is heard";
  EXPECT_EQ(expire(7s).size(), ForeignRouters::kCapacity);
  EXPECT_TRUE(hear(7, IpAddress::v4(10, 1, 0, 199), 8s).appeared);
}

}  // namespace
}  // namespace vipra::router
