#include "net/route_parse.hpp"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "tests/net/netlink_message.hpp"

namespace vipra::net {
namespace {

using ownership::NextHop;
using ownership::Route;

const IpPrefix kDefault4 = *IpPrefix::parse("0.0.0.0/0");
const IpPrefix kDefault6 = *IpPrefix::parse("::/0");
const IpPrefix kTen = *IpPrefix::parse("10.0.0.0/8");
const IpPrefix kDocumentation = *IpPrefix::parse("2001:db8::/32");
const IpAddress kVia4 = *IpAddress::parse("192.0.2.1");
const IpAddress kVia6 = *IpAddress::parse("fe80::1");

struct Keeper final : RouteVisitor {
  void on_route(Route route, bool gone) override {
    routes.push_back(std::move(route));
    removed.push_back(gone);
  }
  std::vector<Route> routes;
  std::vector<bool> removed;
};

Keeper parse(std::span<const std::uint8_t> bytes) {
  std::vector<IpPrefix> wanted{kDefault4, kDefault6, kTen, kDocumentation};
  std::sort(wanted.begin(), wanted.end());
  Keeper keeper;
  parse_routes(bytes, wanted, keeper);
  return keeper;
}

rtmsg body(unsigned char family, unsigned char length, unsigned char type = RTN_UNICAST) {
  rtmsg out{};
  out.rtm_family = family;
  out.rtm_dst_len = length;
  out.rtm_table = RT_TABLE_MAIN;
  out.rtm_type = type;
  return out;
}

MessageBuilder default4(std::uint16_t type = RTM_NEWROUTE) {
  return MessageBuilder{type, body(AF_INET, 0)}
      .attribute(RTA_TABLE, std::uint32_t{RT_TABLE_MAIN})
      .attribute(RTA_PRIORITY, std::uint32_t{100})
      .attribute(RTA_GATEWAY, kVia4)
      .attribute(RTA_OIF, std::uint32_t{7});
}

TEST(RouteParse, DefaultRouteHasNoDestinationAttribute) {
  const auto got = parse(default4().build());
  ASSERT_EQ(got.routes.size(), 1u);
  EXPECT_EQ(got.routes[0], (Route{kDefault4, 100, true, {NextHop{7, kVia4, false}}}));
  EXPECT_FALSE(got.removed[0]);
}

TEST(RouteParse, RemovedRouteIsTold) {
  EXPECT_EQ(parse(default4(RTM_DELROUTE).build()).removed, std::vector<bool>{true});
}

TEST(RouteParse, Ipv6RouteToAPrefix) {
  const auto got = parse(MessageBuilder{RTM_NEWROUTE, body(AF_INET6, 32)}
                             .attribute(RTA_DST, kDocumentation.address)
                             .attribute(RTA_GATEWAY, kVia6)
                             .attribute(RTA_OIF, std::uint32_t{3})
                             .build());
  ASSERT_EQ(got.routes.size(), 1u);
  EXPECT_EQ(got.routes[0], (Route{kDocumentation, 0, true, {NextHop{3, kVia6, false}}}));
}

TEST(RouteParse, OnlyExactlyWhatIsWanted) {
  for (const auto& [prefix, length] : {std::pair{"10.0.0.0", 9}, std::pair{"11.0.0.0", 8}}) {
    EXPECT_TRUE(parse(MessageBuilder{RTM_NEWROUTE, body(AF_INET, static_cast<unsigned char>(length))}
                          .attribute(RTA_DST, *IpAddress::parse(prefix))
                          .build())
                    .routes.empty());
  }
  EXPECT_TRUE(parse(MessageBuilder{RTM_NEWROUTE, body(AF_INET, 8)}.build()).routes.empty())
      << "a destination that is not named";
}

TEST(RouteParse, OtherTablesAreLeftOut) {
  auto local = body(AF_INET, 0);
  local.rtm_table = RT_TABLE_LOCAL;
  EXPECT_TRUE(parse(MessageBuilder{RTM_NEWROUTE, local}.build()).routes.empty());
  EXPECT_TRUE(parse(MessageBuilder{RTM_NEWROUTE, body(AF_INET, 0)}
                        .attribute(RTA_TABLE, std::uint32_t{1000})
                        .build())
                  .routes.empty());
  auto compatible = body(AF_INET, 0);
  compatible.rtm_table = RT_TABLE_COMPAT;
  EXPECT_EQ(parse(MessageBuilder{RTM_NEWROUTE, compatible}
                      .attribute(RTA_TABLE, std::uint32_t{RT_TABLE_MAIN})
                      .build())
                .routes.size(),
            1u);
}

TEST(RouteParse, RoutesForSomePacketsOnlyAreLeftOut) {
  auto by_service = body(AF_INET, 0);
  by_service.rtm_tos = 0x10;
  auto by_source = body(AF_INET6, 0);
  by_source.rtm_src_len = 64;
  auto cached = body(AF_INET6, 0);
  cached.rtm_flags = RTM_F_CLONED;
  for (const auto& message : {by_service, by_source, cached})
    EXPECT_TRUE(parse(MessageBuilder{RTM_NEWROUTE, message}.build()).routes.empty());
}

TEST(RouteParse, RefusingTypesDoNotForward) {
  for (const unsigned char type : {RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_THROW, RTN_LOCAL}) {
    const auto got = parse(MessageBuilder{RTM_NEWROUTE, body(AF_INET, 0, type)}.build());
    ASSERT_EQ(got.routes.size(), 1u);
    EXPECT_FALSE(got.routes[0].forwards);
  }
}

TEST(RouteParse, FlagsOfANextHopThatIsNotUsed) {
  for (const unsigned flag : {RTNH_F_DEAD, RTNH_F_LINKDOWN, RTNH_F_UNRESOLVED}) {
    auto dead = body(AF_INET, 0);
    dead.rtm_flags = flag;
    const auto got = parse(MessageBuilder{RTM_NEWROUTE, dead}.attribute(RTA_OIF, std::uint32_t{7}).build());
    ASSERT_EQ(got.routes.size(), 1u);
    EXPECT_TRUE(got.routes[0].next_hops[0].dead);
  }
}

// The next hops of a multipath route as the kernel lays them out.
std::vector<std::uint8_t> hops(std::initializer_list<std::pair<int, unsigned char>> list) {
  std::vector<std::uint8_t> out;
  for (const auto& [index, flags] : list) {
    const rtnexthop header{sizeof(rtnexthop) + 8, flags, 0, index};
    const auto* raw = reinterpret_cast<const std::uint8_t*>(&header);
    out.insert(out.end(), raw, raw + sizeof(header));
    const std::uint8_t gateway[] = {8, 0, RTA_GATEWAY, 0, 192, 0, 2, 1};
    out.insert(out.end(), std::begin(gateway), std::end(gateway));
  }
  return out;
}

TEST(RouteParse, ManyNextHops) {
  const auto got = parse(MessageBuilder{RTM_NEWROUTE, body(AF_INET, 0)}
                             .attribute(RTA_MULTIPATH, hops({{3, 0}, {4, RTNH_F_DEAD}}))
                             .build());
  ASSERT_EQ(got.routes.size(), 1u);
  EXPECT_EQ(got.routes[0].next_hops, (std::vector<NextHop>{{3, kVia4, false}, {4, kVia4, true}}));
}

TEST(RouteParse, CutAnywhereReadsNothingBeyond) {
  const auto whole = MessageBuilder{RTM_NEWROUTE, body(AF_INET, 0)}
                         .attribute(RTA_MULTIPATH, hops({{3, 0}, {4, 0}}))
                         .build();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    std::vector<std::uint8_t> cut{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)};
    EXPECT_TRUE(parse(cut).routes.empty()) << length;
    if (length < sizeof(nlmsghdr)) continue;
    const auto size = static_cast<std::uint32_t>(length);
    std::memcpy(cut.data(), &size, sizeof(size));
    (void)parse(cut);
  }
}

TEST(RouteParse, OthersAreSkipped) {
  auto bytes = MessageBuilder{RTM_NEWADDR, ifaddrmsg{}}.build();
  const auto route = default4().build();
  bytes.insert(bytes.end(), route.begin(), route.end());
  const auto bridge = MessageBuilder{RTM_NEWROUTE, body(AF_BRIDGE, 0)}.build();
  bytes.insert(bytes.end(), bridge.begin(), bridge.end());
  EXPECT_EQ(parse(bytes).routes.size(), 1u);
}

}  // namespace
}  // namespace vipra::net
