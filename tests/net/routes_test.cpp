// Routes of the real kernel: read for a few destinations, and word of their changes.
#include <gtest/gtest.h>

#include "net/kernel_writer.hpp"
#include "net/route_events.hpp"
#include "net/route_socket.hpp"
#include "tests/net/eventually.hpp"
#include "tests/net/namespace.hpp"

namespace vipra::net {
namespace {

const IpPrefix kDefault4 = *IpPrefix::parse("0.0.0.0/0");
const IpPrefix kDefault6 = *IpPrefix::parse("::/0");
const IpPrefix kTen = *IpPrefix::parse("10.0.0.0/8");

std::vector<IpPrefix> wanted(std::vector<IpPrefix> all = {kDefault4, kDefault6, kTen}) {
  std::sort(all.begin(), all.end());
  return all;
}

struct RoutesTest : testing::Test {
  std::vector<ownership::Route> dump(const std::vector<IpPrefix>& destinations) {
    const Namespace::Inside inside{pair.a};
    auto socket = RouteSocket::open();
    EXPECT_TRUE(socket);
    auto routes = socket->dump_routes(destinations);
    EXPECT_TRUE(routes) << (routes ? "" : routes.error().what);
    return routes ? *routes : std::vector<ownership::Route>{};
  }
  RouteEvents watch(const std::vector<IpPrefix>& destinations) {
    const Namespace::Inside inside{pair.a};
    auto events = RouteEvents::make(destinations);
    EXPECT_TRUE(events) << (events ? "" : events.error().what);
    return std::move(*events);
  }
  static bool touched(RouteEvents& events) {
    return eventually([&] {
      const auto news = events.read();
      return news && *news;
    });
  }
  VethPair pair;
};

TEST_F(RoutesTest, OnlyWhatIsWantedIsRead) {
  pair.a.ip(
      "route add default via 192.0.2.2 metric 7\nroute add 10.0.0.0/8 nexthop via 192.0.2.2 nexthop via "
      "192.0.2.3\nroute add 10.1.0.0/16 via 192.0.2.2\nroute add unreachable 10.0.0.0/8 metric 900\n"
      "route add default via 192.0.2.9 table 100\nroute add ::/0 via fe80::2 dev eth0\n");
  auto routes = dump(wanted());
  std::sort(routes.begin(), routes.end(), [](const auto& a, const auto& b) {
    return std::tie(a.destination, a.metric) < std::tie(b.destination, b.metric);
  });
  ASSERT_EQ(routes.size(), 4u);
  const int eth0 = pair.index_a();
  EXPECT_EQ(routes[0], (ownership::Route{kDefault4, 7, true, {{eth0, IpAddress::parse("192.0.2.2"), false}}}));
  EXPECT_EQ(routes[1].next_hops.size(), 2u);
  EXPECT_EQ(routes[2].metric, 900u);
  EXPECT_FALSE(routes[2].forwards);
  EXPECT_EQ(routes[3].destination, kDefault6);
  EXPECT_EQ(routes[3].next_hops[0], (ownership::NextHop{eth0, IpAddress::parse("fe80::2"), false}));
  EXPECT_EQ(dump(wanted({kTen})).size(), 2u);
}

TEST_F(RoutesTest, AddressesAreStillReadByTheSameSocket) {
  const Namespace::Inside inside{pair.a};
  auto socket = RouteSocket::open();
  ASSERT_TRUE(socket);
  ASSERT_TRUE(socket->dump_routes(wanted()));
  const auto kernel = socket->dump();
  ASSERT_TRUE(kernel) << kernel.error().what;
  EXPECT_EQ(kernel->links.size(), 2u);
}

TEST_F(RoutesTest, ChangesOfWantedRoutesAreTold) {
  auto events = watch(wanted());
  for (const auto* change : {"route add default via 192.0.2.2\n", "route replace default via 192.0.2.3\n",
                             "route del default\n", "route add ::/0 via fe80::2 dev eth0\n",
                             "route del ::/0 via fe80::2 dev eth0\n", "route add 10.0.0.0/8 dev eth0\n"}) {
    pair.a.ip(change);
    EXPECT_TRUE(touched(events)) << change;
  }
}

TEST_F(RoutesTest, OthersWakeNobody) {
  auto events = watch(wanted({kDefault4, kTen}));
  pair.a.ip("route add 10.2.0.0/16 dev eth0\nroute add default via 192.0.2.2 table 100\n");
  pollfd readable{events.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&readable, 1, 50), 0) << "by length and table they do not even reach the socket";
  pair.a.ip("route add 11.0.0.0/8 dev eth0\n");
  EXPECT_EQ(::poll(&readable, 1, 5000), 1);
  const auto news = events.read();
  ASSERT_TRUE(news);
  EXPECT_FALSE(*news) << "of a wanted length, but another destination";
}

TEST_F(RoutesTest, WhatIsWantedMayChange) {
  auto events = watch(wanted({kTen}));
  ASSERT_TRUE(events.set_wanted(wanted({kDefault4})));
  pair.a.ip("route add default via 192.0.2.2\n");
  EXPECT_TRUE(touched(events));
}

TEST_F(RoutesTest, AThreadReadsThemBesideAddresses) {
  const Namespace::Inside inside{pair.a};
  auto writer = KernelWriter::make(2);
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->start(KernelWriter::Urgency::kNone));
  ASSERT_TRUE((*writer)->post(DumpRoutes{7, std::make_shared<const std::vector<IpPrefix>>(wanted())}));
  std::optional<KernelResult> result;
  EXPECT_TRUE(eventually([&] {
    (*writer)->drain([&](KernelResult&& got) { result = std::move(got); });
    return result.has_value();
  }));
  ASSERT_TRUE(result && result->routes);
  EXPECT_EQ(result->token, 7u);
  EXPECT_EQ(result->kind, CommandKind::kDumpRoutes);
  EXPECT_TRUE(result->routes->empty());
}

}  // namespace
}  // namespace vipra::net
