#include "net/vrrp_socket.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "tests/net/allocation_count.hpp"
#include "tests/net/eventually.hpp"
#include "tests/net/namespace.hpp"

namespace vipra::net {
namespace {

using namespace std::chrono_literals;

struct Heard {
  vrrp::IpMeta meta;
  std::vector<std::uint8_t> message;
  DropReason drop = DropReason::kNone;
  Duration age{};
};

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

std::vector<Heard> read_all(VrrpSocket& socket) {
  std::vector<Heard> heard;
  const auto status = socket.receive([&](const ReceivedDatagram& datagram, Duration age) {
    Heard one;
    one.age = age;
    if (datagram) {
      one.meta = datagram->meta;
      one.message.assign(datagram->message.begin(), datagram->message.end());
    } else {
      one.drop = datagram.error();
    }
    heard.push_back(std::move(one));
  });
  EXPECT_TRUE(status.has_value()) << status.error().what;
  return heard;
}

std::vector<Heard> wait_for_datagram(VrrpSocket& socket) {
  EXPECT_TRUE(wait_readable(socket.fd(), kPatience));
  return read_all(socket);
}

VrrpSocket open_socket(const Namespace& ns, Family family, int index, bool join = true) {
  const Namespace::Inside inside{ns};
  auto fd = open_vrrp_socket(family, index, "eth0");
  if (!fd) throw std::runtime_error{fd.error().what};
  if (join)
    if (auto joined = join_vrrp_group(fd->get(), family, index); !joined)
      throw std::runtime_error{joined.error().what};
  return {std::move(*fd), family, index};
}

class VrrpSocketTest : public testing::TestWithParam<Family> {
 protected:
  [[nodiscard]] bool v4() const { return GetParam() == Family::kIpv4; }
  [[nodiscard]] IpAddress group() const { return vrrp_group(GetParam()); }
  // What advertisements come from: the interface's address, for IPv6 its link-local one.
  [[nodiscard]] IpAddress source_a() const { return ip(v4() ? "192.0.2.1" : "fe80::1"); }
  [[nodiscard]] IpAddress source_b() const { return ip(v4() ? "192.0.2.2" : "fe80::2"); }

  VethPair veth;
  int index_a = veth.index_a();
  int index_b = veth.index_b();
  VrrpSocket a = open_socket(veth.a, GetParam(), index_a);
  VrrpSocket b = open_socket(veth.b, GetParam(), index_b);
  const std::vector<std::uint8_t> message{0x31, 7, 100, 1, 0, 100, 0, 0, 192, 0, 2, 10};
};
INSTANTIATE_TEST_SUITE_P(Families, VrrpSocketTest, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& instance) { return std::string{to_string(instance.param)}; });

TEST_P(VrrpSocketTest, AdvertisementReachesThePeerAsTheProtocolWantsIt) {
  const auto sent = a.send(message, source_a(), group());
  ASSERT_TRUE(sent.has_value()) << sent.error().what;
  const auto heard = wait_for_datagram(b);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].drop, DropReason::kNone);
  EXPECT_EQ(heard[0].meta.source, source_a());
  EXPECT_EQ(heard[0].meta.destination, group());
  EXPECT_EQ(heard[0].meta.ttl, 255);
  EXPECT_EQ(heard[0].message, message) << "the checksum field, zero here, stays as the codec left it";
  EXPECT_GE(heard[0].age, 0ns);
  EXPECT_LT(heard[0].age, 5s);
}

TEST_P(VrrpSocketTest, TrafficClassIsInternetworkControl) {
  const int on = 1;
  ASSERT_EQ(v4() ? ::setsockopt(b.fd(), IPPROTO_IP, IP_RECVTOS, &on, sizeof(on))
                 : ::setsockopt(b.fd(), IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on)),
            0);
  ASSERT_TRUE(a.send(message, source_a(), group()).has_value());
  ASSERT_TRUE(wait_readable(b.fd(), kPatience));
  std::array<std::uint8_t, 256> data{};
  alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
  iovec vector{data.data(), data.size()};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ASSERT_GT(::recvmsg(b.fd(), &header, MSG_DONTWAIT), 0);
  std::optional<int> traffic_class;
  for (auto* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TOS) traffic_class = *CMSG_DATA(item);
    if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_TCLASS) {
      int value = 0;
      std::memcpy(&value, CMSG_DATA(item), sizeof(value));
      traffic_class = value;
    }
  }
  EXPECT_EQ(traffic_class, 0xc0);
}

TEST_P(VrrpSocketTest, UnicastToAPeerHasFullTtlToo) {
  ASSERT_TRUE(a.send(message, source_a(), source_b()).has_value());
  const auto heard = wait_for_datagram(b);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].meta.destination, source_b());
  EXPECT_EQ(heard[0].meta.ttl, 255);
}

TEST_P(VrrpSocketTest, UnicastNeedsNoMembership) {
  auto outsider = open_socket(veth.b, GetParam(), index_b, /*join=*/false);
  ASSERT_TRUE(a.send(message, source_a(), source_b()).has_value());
  const auto heard = wait_for_datagram(outsider);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].meta.source, source_a());
}

// Datagrams to somebody who does not answer wait in the kernel; meanwhile everybody else is to be heard.
TEST_P(VrrpSocketTest, DeadPeersDoNotSilenceTheOthers) {
  std::vector<IpAddress> dead;
  for (int i = 0; i < 64; ++i) {
    dead.push_back(ip(((v4() ? "192.0.2." : "fe80::d:") + std::to_string(100 + i)).c_str()));
  }
  for (int round = 0; round < 300; ++round) {
    for (const auto& peer : dead) ASSERT_TRUE(a.send(message, source_a(), peer).has_value()) << round;
  }
  ASSERT_TRUE(a.send(message, source_a(), group()).has_value());
  ASSERT_TRUE(a.send(message, source_a(), source_b()).has_value());
  std::vector<Heard> heard;
  ASSERT_TRUE(eventually([&] {
    for (auto& one : read_all(b)) heard.push_back(std::move(one));
    return heard.size() >= 2;
  }));
}

// The socket is bound to its interface: a route through that interface is what an off-link peer needs.
TEST_P(VrrpSocketTest, APeerBeyondARouterIsReachedThroughTheInterface) {
  const std::string far = v4() ? "198.51.100.9" : "2001:db8:9::9";
  const auto near_a = ip(v4() ? "192.0.2.1" : "2001:db8::1");
  // The router is b, and the peer's address is on another interface of it.
  veth.b.run("ip link add far0 type veth peer name far1 && ip link set far0 up && ip addr add " + far +
             (v4() ? "/24" : "/64") + " dev far0" + (v4() ? "" : " nodad"));
  veth.a.run(v4() ? "ip route add 198.51.100.0/24 via 192.0.2.2"
                  : "ip -6 route add 2001:db8:9::/64 via 2001:db8::2");
  const auto sent = a.send(message, near_a, ip(far.c_str()));
  ASSERT_TRUE(sent.has_value()) << sent.error().what;
  const auto heard = wait_for_datagram(b);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].meta.source, near_a);
  EXPECT_EQ(heard[0].meta.destination, ip(far.c_str()));
}

TEST_P(VrrpSocketTest, SourceIsTheOneAskedFor) {
  veth.a.run(v4() ? "ip addr add 192.0.2.33/24 dev eth0" : "ip addr add fe80::33/64 dev eth0 nodad");
  const auto other = ip(v4() ? "192.0.2.33" : "fe80::33");
  ASSERT_TRUE(a.send(message, other, group()).has_value());
  const auto heard = wait_for_datagram(b);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].meta.source, other);
}

TEST_P(VrrpSocketTest, SourceThatIsNotOursIsRefused) {
  const Namespace::Inside inside{veth.a};  // where the name of the interface is known
  const auto sent = a.send(message, source_b(), group());
  ASSERT_FALSE(sent.has_value());
  EXPECT_TRUE(sent.error().sys_errno == EINVAL || sent.error().sys_errno == ENETUNREACH) << sent.error().what;
  EXPECT_NE(sent.error().what.find("eth0"), std::string::npos) << sent.error().what;
}

TEST_P(VrrpSocketTest, OwnAdvertisementsAreNotHeard) {
  ASSERT_TRUE(a.send(message, source_a(), group()).has_value());
  ASSERT_TRUE(b.send(message, source_b(), group()).has_value());
  const auto heard = wait_for_datagram(a);
  ASSERT_EQ(heard.size(), 1u) << "only the peer's, which was sent later";
  EXPECT_EQ(heard[0].meta.source, source_b());
}

// A raw IPv6 socket hears every group of its interface, so the destination is judged later.
TEST_P(VrrpSocketTest, GroupThatOnlyAnotherSocketJoinedIsHeardInIpv6Alone) {
  auto outsider = open_socket(veth.b, GetParam(), index_b, /*join=*/false);
  ASSERT_TRUE(a.send(message, source_a(), group()).has_value());
  ASSERT_EQ(wait_for_datagram(b).size(), 1u);
  const auto heard = read_all(outsider);
  EXPECT_EQ(heard.size(), v4() ? 0u : 1u);
  for (const auto& one : heard) EXPECT_EQ(one.meta.destination, group());
}

TEST_P(VrrpSocketTest, OnlyTheBoundInterfaceIsHeard) {
  veth.a.run("ip link add other0 type veth peer name other1");
  veth.a.run("ip link set other1 netns " + veth.b.path() + " && ip link set other0 up");
  veth.b.run("ip link set other1 up");
  auto other_b = open_socket(veth.b, GetParam(), veth.b.index_of("other1"));
  ASSERT_TRUE(a.send(message, source_a(), group()).has_value());
  ASSERT_EQ(wait_for_datagram(b).size(), 1u);
  EXPECT_TRUE(read_all(other_b).empty());
}

TEST_P(VrrpSocketTest, AgeIsTheTimeInTheQueue) {
  // The kernel begins to stamp arrivals some time after the machine's first socket asked for it, hence the
  // retries.
  ASSERT_TRUE(eventually([&] {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_TRUE(a.send(message, source_a(), group()).has_value());
    EXPECT_TRUE(wait_readable(b.fd(), kPatience));
    std::this_thread::sleep_for(100ms);  // the subject of the test, not a wait for something
    const auto heard = read_all(b);
    const auto after = std::chrono::steady_clock::now();
    EXPECT_EQ(heard.size(), 1u);
    if (heard.empty()) return true;
    EXPECT_LE(heard[0].age, after - before + 10ms);
    return heard[0].age >= 90ms;
  }));
}

TEST_P(VrrpSocketTest, ManyDatagramsAreReadInOneCallInOrder) {
  for (std::uint8_t i = 0; i < 100; ++i)
    ASSERT_TRUE(a.send(std::array<std::uint8_t, 2>{i, 0}, source_a(), group()).has_value());
  std::vector<Heard> heard;
  ASSERT_TRUE(eventually([&] {
    for (auto& one : read_all(b)) heard.push_back(std::move(one));
    return heard.size() == 100;
  }));
  for (std::uint8_t i = 0; i < 100; ++i) EXPECT_EQ(heard[i].message.at(0), i);
}

TEST_P(VrrpSocketTest, LongestMessageArrivesAndALongerOneIsADropByLength) {
  veth.a.run("ip link set eth0 mtu 9000");
  veth.b.run("ip link set eth0 mtu 9000");
  const std::vector<std::uint8_t> longest(vrrp::kMaxMessage, 0x5a);
  const std::vector<std::uint8_t> too_long(vrrp::kMaxMessage + 61, 0x5a);
  ASSERT_TRUE(a.send(too_long, source_a(), group()).has_value());
  ASSERT_TRUE(a.send(longest, source_a(), group()).has_value());
  std::vector<Heard> heard;
  ASSERT_TRUE(eventually([&] {
    for (auto& one : read_all(b)) heard.push_back(std::move(one));
    return heard.size() == 2;
  }));
  EXPECT_EQ(heard[0].drop, DropReason::kLength);
  EXPECT_EQ(heard[1].drop, DropReason::kNone);
  EXPECT_EQ(heard[1].message, longest);
}

TEST_P(VrrpSocketTest, RoutedTtlIsSeen) {
  const int low = 64;
  ASSERT_EQ(v4() ? ::setsockopt(a.fd(), IPPROTO_IP, IP_MULTICAST_TTL, &low, sizeof(low))
                 : ::setsockopt(a.fd(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &low, sizeof(low)),
            0);
  ASSERT_TRUE(a.send(message, source_a(), group()).has_value());
  const auto heard = wait_for_datagram(b);
  ASSERT_EQ(heard.size(), 1u);
  if (heard[0].drop == DropReason::kNone)
    EXPECT_EQ(heard[0].meta.ttl, 64);
  else
    EXPECT_EQ(heard[0].drop, DropReason::kTtl);
}

TEST_P(VrrpSocketTest, InterfaceThatIsDownIsAnErrorAndComesBack) {
  veth.a.run("ip link set eth0 down");
  const auto sent = a.send(message, source_a(), group());
  ASSERT_FALSE(sent.has_value());
  EXPECT_TRUE(sent.error().sys_errno == ENETDOWN || sent.error().sys_errno == ENETUNREACH ||
              sent.error().sys_errno == EINVAL)
      << sent.error().what;
  veth.a.run("ip link set eth0 up");
  if (!v4()) veth.a.run("ip addr replace fe80::1/64 dev eth0 nodad");
  EXPECT_TRUE(eventually([&] { return a.send(message, source_a(), group()).has_value(); }));
  EXPECT_TRUE(eventually([&] { return !read_all(b).empty() || !a.send(message, source_a(), group()); }));
}

TEST_P(VrrpSocketTest, RenameChangesNothing) {
  veth.a.run("ip link set eth0 down && ip link set eth0 name uplink && ip link set uplink up");
  if (!v4()) veth.a.run("ip addr replace fe80::1/64 dev uplink nodad");
  ASSERT_TRUE(eventually([&] { return a.send(message, source_a(), group()).has_value(); }));
  ASSERT_TRUE(eventually([&] {
    (void)a.send(message, source_a(), group());
    return !read_all(b).empty();
  }));
  ASSERT_TRUE(eventually([&] {
    (void)b.send(message, source_b(), group());
    return !read_all(a).empty();
  })) << "the group is still joined";
}

TEST_P(VrrpSocketTest, DeletedInterfaceIsAnErrorAlsoWhenTheNameIsBack) {
  veth.a.run("ip link del eth0");
  veth.a.run("ip link add eth0 type veth peer name peer0");
  veth.a.run("ip link set eth0 up && ip link set peer0 up && ip addr add 192.0.2.1/24 dev eth0");
  ASSERT_NE(veth.index_a(), index_a);
  const auto sent = a.send(message, source_a(), group());
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().sys_errno, ENODEV) << sent.error().what;
  EXPECT_TRUE(read_all(a).empty());
}

TEST_P(VrrpSocketTest, OpeningOnAMissingInterfaceNamesIt) {
  const Namespace::Inside inside{veth.a};
  const auto opened = open_vrrp_socket(GetParam(), 99, "bond7");
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Errc::kNotFound);
  EXPECT_NE(opened.error().what.find("bond7"), std::string::npos) << opened.error().what;
}

TEST_P(VrrpSocketTest, SendingThatFailsAllocatesNothingEither) {
  const auto strangers = source_b();
  const auto to = group();
  ASSERT_NE(a.transmit(message, strangers, to), 0);
  const auto before = allocation_count();
  for (int i = 0; i < 100; ++i) (void)a.transmit(message, strangers, to);
  EXPECT_EQ(allocation_count(), before);
}

TEST_P(VrrpSocketTest, SendingAndReceivingAllocateNothing) {
  ASSERT_TRUE(a.send(message, source_a(), group()).has_value());
  ASSERT_EQ(wait_for_datagram(b).size(), 1u);
  const auto source = source_a();
  const auto to = group();
  const auto before = allocation_count();
  std::size_t heard = 0;
  std::size_t failed = 0;
  for (int i = 0; i < 200; ++i) {
    if (!a.send(message, source, to)) ++failed;
    (void)wait_readable(b.fd(), kPatience);
    if (!b.receive([&](const ReceivedDatagram& datagram, Duration) { heard += datagram ? 1 : 0; })) ++failed;
  }
  EXPECT_EQ(allocation_count(), before);
  EXPECT_EQ(heard, 200u);
  EXPECT_EQ(failed, 0u);
}

}  // namespace
}  // namespace vipra::net
