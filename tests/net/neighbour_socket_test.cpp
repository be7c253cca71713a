#include "net/neighbour_socket.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "tests/net/allocation_count.hpp"
#include "tests/net/eventually.hpp"
#include "tests/net/namespace.hpp"

namespace vipra::net {
namespace {

using namespace std::chrono_literals;

constexpr MacAddress kMac{{2, 0, 0, 0, 0, 0x77}};

NeighbourSocket open_socket(const Namespace& ns, Family family, int index) {
  const Namespace::Inside inside{ns};
  auto fd = open_neighbour_socket(family, index, "eth0");
  if (!fd) throw std::runtime_error{fd.error().what};
  return {std::move(*fd), family, index};
}

class NeighbourSocketTest : public testing::TestWithParam<Family> {
 protected:
  [[nodiscard]] bool v4() const { return GetParam() == Family::kIpv4; }
  [[nodiscard]] IpAddress nth(int i) const {
    auto text = (v4() ? "192.0.2." : "2001:db8::") + std::to_string(i);
    return *IpAddress::parse(text);
  }
  [[nodiscard]] vrrp::NeighbourFrame frame(int i) const {
    return v4() ? vrrp::gratuitous_arp(nth(i), kMac, vrrp::ArpForm::kRequest)
                : vrrp::unsolicited_na(nth(i), kMac, false);
  }
  static std::vector<vrrp::NeighbourClaim> read_all(NeighbourSocket& socket) {
    std::vector<vrrp::NeighbourClaim> claims;
    const auto status = socket.receive([&](const vrrp::NeighbourClaim& claim, Duration age) {
      EXPECT_GE(age, 0ns);
      EXPECT_LT(age, 5s);
      claims.push_back(claim);
    });
    EXPECT_TRUE(status.has_value()) << status.error().what;
    return claims;
  }
  // Claims of `mac`, until there are `count`: the kernel has its own to tell beside them.
  static std::vector<vrrp::NeighbourClaim> wait_for_claims(NeighbourSocket& socket, std::size_t count,
                                                           const MacAddress& mac = kMac) {
    std::vector<vrrp::NeighbourClaim> claims;
    EXPECT_TRUE(eventually([&] {
      for (const auto& claim : read_all(socket))
        if (claim.mac == mac) claims.push_back(claim);
      return claims.size() >= count;
    }));
    return claims;
  }

  VethPair veth;
  int index_a = veth.index_a();
  int index_b = veth.index_b();
  NeighbourSocket a = open_socket(veth.a, GetParam(), index_a);
  NeighbourSocket b = open_socket(veth.b, GetParam(), index_b);
};
INSTANTIATE_TEST_SUITE_P(Families, NeighbourSocketTest, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& instance) { return std::string{to_string(instance.param)}; });

TEST_P(NeighbourSocketTest, QuestionsToEverybodyAndToOneAreAnsweredByItsKernel) {
  const MacAddress mac_a{{2, 0, 0, 0, 0, 1}};
  const MacAddress mac_b{{2, 0, 0, 0, 0, 2}};
  const auto source = v4() ? nth(1) : *IpAddress::parse("fe80::1");
  for (const auto& to : {std::optional<MacAddress>{}, std::optional{mac_b}}) {
    const auto question = v4() ? vrrp::arp_request(nth(2), source, mac_a, to)
                               : vrrp::neighbour_solicitation(nth(2), source, mac_a, to);
    ASSERT_EQ(a.send({&question, 1}).value(), 1u);
    const auto answers = wait_for_claims(a, 1, mac_b);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].ip, nth(2));
    EXPECT_FALSE(answers[0].gratuitous);
  }
}

TEST_P(NeighbourSocketTest, AnnouncementsAreHeardBothWays) {
  const std::array frames{frame(10), frame(11)};
  ASSERT_EQ(a.send(frames).value(), 2u);
  const auto at_b = wait_for_claims(b, 2);
  ASSERT_EQ(at_b.size(), 2u);
  EXPECT_EQ(at_b[0].ip, nth(10));
  EXPECT_EQ(at_b[1].ip, nth(11));
  EXPECT_TRUE(at_b[0].gratuitous);
  ASSERT_EQ(b.send(frames).value(), 2u);
  EXPECT_EQ(wait_for_claims(a, 2).size(), 2u);
}

TEST_P(NeighbourSocketTest, OwnAnnouncementsAreNotHeard) {
  ASSERT_EQ(a.send(std::array{frame(10)}).value(), 1u);
  ASSERT_EQ(b.send(std::array{frame(11)}).value(), 1u);
  const auto heard = wait_for_claims(a, 1);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].ip, nth(11));
}

TEST_P(NeighbourSocketTest, AnnouncementTeachesThePeersKernel) {
  // The peer knows the neighbour by another address already: an announcement changes, it need not create.
  veth.b.run("ip neigh replace " + nth(10).to_string() + " lladdr 02:00:00:00:00:99 dev eth0 nud stale");
  ASSERT_EQ(a.send(std::array{frame(10)}).value(), 1u);
  veth.b.run("for i in $(seq 100); do ip neigh show " + nth(10).to_string() +
             " dev eth0 | grep -q 02:00:00:00:00:77 && exit 0; sleep 0.05; done; exit 1");
}

TEST_P(NeighbourSocketTest, SolicitedAnswerOfTheKernelIsAClaim) {
  ASSERT_TRUE(reaches(veth.b, nth(1)));
  const auto claims = wait_for_claims(b, 1, MacAddress{{2, 0, 0, 0, 0, 1}});
  ASSERT_GE(claims.size(), 1u);
  EXPECT_EQ(claims[0].ip, nth(1));
  EXPECT_FALSE(claims[0].gratuitous);
}

// Raw reads: what comes up to the process, not what the parser makes of it.
TEST_P(NeighbourSocketTest, FilterLetsNothingElseUp) {
  // Traffic of both families both ways, with ordinary ARP requests and neighbour solicitations to b.
  veth.a.run("ip neigh flush dev eth0 && ip -6 neigh flush dev eth0");
  for (const auto* from : {&veth.a, &veth.b})
    for (const auto* host : {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"})
      ASSERT_TRUE(reaches(*from, *IpAddress::parse(host)));
  ASSERT_EQ(a.send(std::array{frame(77)}).value(), 1u);
  std::array<std::uint8_t, 2048> buffer{};
  bool last_seen = false;
  ASSERT_TRUE(eventually([&] {
    for (;;) {
      const auto size = ::recv(b.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size < 0) return last_seen;
      const std::span<const std::uint8_t> bytes{buffer.data(), static_cast<std::size_t>(size)};
      const auto claim = vrrp::parse_neighbour_frame(bytes);
      EXPECT_TRUE(claim) << "a frame of ethertype " << std::hex << int{bytes[12]} << int{bytes[13]};
      if (claim && claim->ip == nth(77)) last_seen = true;
    }
  }));
}

TEST_P(NeighbourSocketTest, FrameForAnotherStationIsNotHeardEvenWhenPromiscuous) {
  veth.b.run("ip link set eth0 promisc on");
  auto elsewhere = frame(10);
  constexpr MacAddress kOther{{2, 0, 0, 0, 0, 0x55}};
  std::copy(kOther.bytes.begin(), kOther.bytes.end(), elsewhere.bytes.begin());
  ASSERT_EQ(a.send(std::array{elsewhere, frame(11)}).value(), 2u);
  const auto heard = wait_for_claims(b, 1);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].ip, nth(11));
}

TEST_P(NeighbourSocketTest, ThousandFramesGoOutAndArrive) {
  std::vector<vrrp::NeighbourFrame> frames;
  for (int i = 0; i < 1000; ++i) frames.push_back(frame(i % 200 + 1));
  std::size_t sent = 0;
  std::size_t heard = 0;
  ASSERT_TRUE(eventually([&] {
    const auto more = a.send(std::span{frames}.subspan(sent));
    EXPECT_TRUE(more.has_value()) << more.error().what;
    sent += more.value_or(0);
    for (const auto& claim : read_all(b)) heard += claim.mac == kMac ? 1 : 0;
    return heard == frames.size();
  }));
  EXPECT_EQ(sent, frames.size());
}

TEST_P(NeighbourSocketTest, InterfaceThatIsDownIsAnErrorToSendAndQuietToRead) {
  veth.a.run("ip link set eth0 down");
  EXPECT_TRUE(read_all(a).empty());
  const auto sent = a.send(std::array{frame(10)});
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().sys_errno, ENETDOWN) << sent.error().what;
  veth.a.run("ip link set eth0 up");
  ASSERT_TRUE(eventually([&] { return a.send(std::array{frame(10)}).value_or(0) == 1; }));
  EXPECT_GE(wait_for_claims(b, 1).size(), 1u);
  ASSERT_TRUE(eventually([&] { return b.send(std::array{frame(11)}).value_or(0) == 1; }));
  EXPECT_GE(wait_for_claims(a, 1).size(), 1u) << "the same socket hears again";
}

TEST_P(NeighbourSocketTest, RenameChangesNothing) {
  veth.a.run("ip link set eth0 down && ip link set eth0 name uplink && ip link set uplink up");
  (void)read_all(a);
  ASSERT_TRUE(eventually([&] { return a.send(std::array{frame(10)}).value_or(0) == 1; }));
  EXPECT_GE(wait_for_claims(b, 1).size(), 1u);
  ASSERT_TRUE(eventually([&] { return b.send(std::array{frame(11)}).value_or(0) == 1; }));
  EXPECT_GE(wait_for_claims(a, 1).size(), 1u);
}

TEST_P(NeighbourSocketTest, DeletedInterfaceIsAnErrorToSend) {
  veth.a.run("ip link del eth0");
  (void)read_all(a);
  const auto sent = a.send(std::array{frame(10)});
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, Errc::kNotFound) << sent.error().what;
}

TEST_P(NeighbourSocketTest, OpeningOnAMissingInterfaceNamesIt) {
  const Namespace::Inside inside{veth.a};
  const auto opened = open_neighbour_socket(GetParam(), 99, "bond7");
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().what.find("bond7"), std::string::npos) << opened.error().what;
}

TEST_P(NeighbourSocketTest, SendingAndReceivingAllocateNothing) {
  const std::array frames{frame(10), frame(11)};
  ASSERT_EQ(a.send(frames).value(), 2u);
  ASSERT_EQ(wait_for_claims(b, 2).size(), 2u);
  const auto before = allocation_count();
  std::size_t heard = 0;
  std::size_t failed = 0;
  for (int i = 0; i < 100; ++i) {
    if (a.send(frames).value_or(0) != 2) ++failed;
    (void)wait_readable(b.fd(), kPatience);
    if (!b.receive([&](const vrrp::NeighbourClaim&, Duration) { ++heard; })) ++failed;
  }
  EXPECT_EQ(allocation_count(), before);
  EXPECT_GE(heard, 100u);
  EXPECT_EQ(failed, 0u);
}

}  // namespace
}  // namespace vipra::net
