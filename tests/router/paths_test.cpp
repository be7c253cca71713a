// A router whose advertisements go by unicast, alone or beside multicast.
#include <gmock/gmock.h>

#include "tests/router/fakes.hpp"

namespace vipra::router {
namespace {

using plan::TransportMode;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using vrrp::Path;

constexpr const char* kPeer = "10.0.2.20";
constexpr const char* kFar = "198.51.100.20";
const IpAddress kOwn = IpAddress::v4(10, 0, 2, 15);
const IpAddress kGroup = vrrp_group(Family::kIpv4);

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

plan::VirtualRouter desired_with(TransportMode mode) {
  auto desired = desired_v4();
  desired.transport = {mode, {ip(kPeer), ip(kFar)}};
  return desired;
}

ownership::Segment segment_with(std::vector<vrrp::UnicastPeer> peers) {
  auto out = segment();
  out.unicast = {{kOwn}, std::move(peers)};
  return out;
}

const std::vector<vrrp::UnicastPeer> kPeers{{ip(kPeer), kOwn, true}, {ip(kFar), kOwn, false}};

struct Routed : Bench {
  explicit Routed(plan::VirtualRouter desired, std::vector<vrrp::UnicastPeer> peers = kPeers)
      : Bench{std::move(desired), segment_with(std::move(peers))} {}
  explicit Routed(TransportMode mode, std::vector<vrrp::UnicastPeer> peers = kPeers)
      : Routed{desired_with(mode), std::move(peers)} {}
  void hear_by(Path path, int priority, const char* source = kPeer) {
    hear_at(path == Path::kMulticast ? kGroup : kOwn, priority, source);
  }
  std::uint64_t drops(DropReason reason) const {
    return router.counters().drops[static_cast<std::size_t>(reason)];
  }
  Reason warned() const { return router.warning() ? router.warning()->reason : Reason::kNone; }
};

TEST(Unicast, SendsToEveryPeerAndNotToTheGroup) {
  Routed b{TransportMode::kUnicast};
  b.world.take();
  b.until(400ms);
  const auto log = b.world.take();
  ASSERT_GE(log.size(), 2u);
  EXPECT_EQ(log[0], "advert(100) to 10.0.2.20 on eth0");
  EXPECT_EQ(log[1], "advert(100) to 198.51.100.20 on eth0");
  EXPECT_THAT(log, Not(Contains("advert(100) on eth0")));
  EXPECT_EQ(b.router.counters().advertisements_sent, 1u) << "one advertisement, whatever its copies";
}

TEST(Unicast, EveryCopyHasThePeersOwnChecksum) {
  auto desired = desired_with(TransportMode::kBoth);
  desired.checksum = plan::ChecksumMode::kRfc5798;
  Routed b{desired};
  struct Copies final : AdvertisementPort {
    bool send(const ownership::Segment&, std::span<const std::uint8_t> message,
              const vrrp::Endpoints& to) override {
      const auto parsed = vrrp::parse_advertisement({to.source, to.destination, 255}, message);
      ok += parsed && parsed->checksum_form == vrrp::ChecksumForm::kRfc5798 ? 1 : 0;
      ++all;
      return true;
    }
    int all = 0;
    int ok = 0;
  } copies;
  Ports ports{copies, b.world, b.world, b.world, b.world.signer};
  VirtualRouter router{0, desired, ports};
  router.set_segment(b.now, segment_with(kPeers));
  router.start(b.now);
  for (Instant now{}; copies.all < 30;) {
    now = Instant{*router.deadline(), BootTimePoint{router.deadline()->time_since_epoch()}};
    router.on_deadline(now);
  }
  EXPECT_EQ(copies.ok, copies.all);
}

TEST(Unicast, ResignsToEveryPeer) {
  Routed b{TransportMode::kBoth};
  b.become_master();
  b.router.release(b.now, Reason::kReleased);
  b.until(600ms);
  int group = 0;
  int peers = 0;
  for (const auto& line : b.world.take()) {
    group += line == "advert(0) on eth0" ? 1 : 0;
    peers += line.starts_with("advert(0) to ") ? 1 : 0;
  }
  EXPECT_EQ(group, 3);
  EXPECT_EQ(peers, 6);
}

TEST(Unicast, HearsItsPeersAndNobodyElse) {
  Routed b{TransportMode::kUnicast};
  b.hear_by(Path::kUnicast, 200);
  EXPECT_EQ(b.router.machine().heard_master(), ip(kPeer));
  b.hear_by(Path::kUnicast, 250, "10.0.2.66");
  EXPECT_EQ(b.drops(DropReason::kSource), 1u);
  b.hear_by(Path::kMulticast, 250);
  EXPECT_EQ(b.drops(DropReason::kDestination), 1u);
  EXPECT_EQ(b.router.machine().heard_priority(), 200);
  EXPECT_EQ(b.router.counters().advertisements_received, 1u);
}

TEST(Unicast, IsNotHeardWhereMulticastIsMeant) {
  Bench b;
  b.hear_at(kOwn, 200, kPeer);
  EXPECT_EQ(b.router.counters().drops[static_cast<std::size_t>(DropReason::kDestination)], 1u);
  EXPECT_EQ(b.router.machine().heard_master(), std::nullopt);
}

TEST(Unicast, WithoutAPeerStandsBackAndSendsNothing) {
  Routed b{TransportMode::kUnicast, {}};
  EXPECT_EQ(b.router.state(), State::kFault);
  EXPECT_EQ(b.router.reason(), Reason::kNoPeers);
  EXPECT_THAT(b.router.detail(), HasSubstr("spec.vrrp.transport.peers"));
  b.until(10s);
  for (const auto& line : b.world.take()) EXPECT_FALSE(line.starts_with("advert")) << line;
  b.router.set_segment(b.now, segment_with(kPeers));
  EXPECT_EQ(b.router.state(), State::kBackup) << "a peer became known";
}

TEST(Unicast, AMasterThatLosesItsLastPeerGoesOnAndSaysSo) {
  Routed b{TransportMode::kUnicast};
  b.become_master();
  b.router.set_segment(b.now, segment_with({}));
  EXPECT_EQ(b.router.state(), State::kMaster);
  EXPECT_EQ(b.warned(), Reason::kNoPeers);
  b.until(3s);
  EXPECT_EQ(b.router.state(), State::kMaster);
  EXPECT_LE(b.now.mono - b.router.last_advert().mono, 100ms) << "a heir may adopt it";
  b.router.set_segment(b.now, segment_with(kPeers));
  EXPECT_EQ(b.warned(), Reason::kNone);
}

TEST(Unicast, ABackupThatLosesItsLastPeerDoesNotTakeOver) {
  Routed b{TransportMode::kUnicast};
  b.hear_by(Path::kUnicast, 200);
  b.router.set_segment(b.now, segment_with({}));
  EXPECT_EQ(b.router.reason(), Reason::kNoPeers);
}

TEST(Unicast, AMasterThatIsTurnedToItWithoutAnyPeerStandsBack) {
  Bench b;
  b.become_master();
  auto desired = desired_v4();
  desired.transport.mode = TransportMode::kUnicast;
  b.router.reconfigure(b.now, desired);
  b.router.set_segment(b.now, segment_with({}));
  EXPECT_EQ(b.router.reason(), Reason::kNoPeers) << "the others may still listen to the group";
}

TEST(Unicast, AnotherPeerSendsNothingAndMovesNoDeadline) {
  Routed b{TransportMode::kUnicast};
  b.become_master();
  const auto deadline = b.router.deadline();
  auto desired = desired_with(TransportMode::kUnicast);
  desired.transport.peers.push_back(ip("198.51.100.21"));
  b.router.reconfigure(b.now, desired);
  auto peers = kPeers;
  peers.push_back({ip("198.51.100.21"), kOwn, false});
  b.router.set_segment(b.now, segment_with(peers));
  EXPECT_THAT(b.world.take(), IsEmpty());
  EXPECT_EQ(b.router.deadline(), deadline);
  b.until(600ms);
  EXPECT_THAT(b.world.take(), Contains("advert(100) to 198.51.100.21 on eth0"));
}

// ---- both
// ---------------------------------------------------------------------------------------------------

TEST(Both, SendsToTheGroupFirst) {
  Routed b{TransportMode::kBoth};
  b.become_master();
  b.until(600ms);
  EXPECT_THAT(b.world.take(), ElementsAre("advert(100) on eth0", "advert(100) to 10.0.2.20 on eth0",
                                          "advert(100) to 198.51.100.20 on eth0"));
}

TEST(Both, ASilentPathIsAWarningAndNoElection) {
  for (const auto heard : {Path::kMulticast, Path::kUnicast}) {
    Routed b{TransportMode::kBoth};
    for (int i = 0; i < 20; ++i) {
      b.until(i * 100ms);
      b.hear_by(heard, 200);
      EXPECT_EQ(b.warned(), i * 100ms > 360ms ? Reason::kOneWayMulticast : Reason::kNone) << i;
    }
    EXPECT_EQ(b.router.state(), State::kBackup);
    EXPECT_EQ(b.router.warning()->detail, heard == Path::kUnicast
                                              ? "10.0.2.20 is heard by unicast but not by multicast"
                                              : "10.0.2.20 is heard by multicast but not by unicast");
    b.world.take();
    b.hear_by(heard == Path::kUnicast ? Path::kMulticast : Path::kUnicast, 200);
    EXPECT_THAT(b.world.take(), Contains("warning over"));
    EXPECT_EQ(b.warned(), Reason::kNone);
  }
}

TEST(Both, SilenceOfBothIsATakeover) {
  Routed b{TransportMode::kBoth};
  b.hear_by(Path::kMulticast, 200);
  b.hear_by(Path::kUnicast, 200);
  b.until(1s);
  EXPECT_EQ(b.router.state(), State::kMaster);
  EXPECT_EQ(b.warned(), Reason::kNone);
}

TEST(Both, AMasterNoLongerKnowsWhichPathIsSilent) {
  Routed b{TransportMode::kBoth};
  for (int i = 0; i < 10; ++i) {
    b.until(i * 100ms);
    b.hear_by(Path::kUnicast, 200);
  }
  ASSERT_EQ(b.warned(), Reason::kOneWayMulticast);
  b.until(3s);
  ASSERT_EQ(b.router.state(), State::kMaster);
  EXPECT_EQ(b.warned(), Reason::kNone);
}

TEST(Both, NorDoesAFollowerThatHearsNobodyAndWaitsForItsLead) {
  auto desired = desired_with(TransportMode::kBoth);
  desired.lead = "vip/lead";
  Routed b{desired};
  b.router.on_lead(b.now, election::LeadState::kBackup);
  for (int i = 0; i < 10; ++i) {
    b.until(i * 100ms);
    b.hear_by(Path::kUnicast, 200);
  }
  ASSERT_EQ(b.warned(), Reason::kOneWayMulticast);
  b.world.take();
  b.until(3s);
  ASSERT_EQ(b.router.state(), State::kBackup);
  EXPECT_EQ(b.warned(), Reason::kNone);
  EXPECT_THAT(b.world.take(), Contains("warning over"));
}

TEST(Both, APeerBeyondARouterIsMissedByNobodyInTheGroup) {
  Routed b{TransportMode::kBoth};
  for (int i = 0; i < 20; ++i) {
    b.until(i * 100ms);
    b.hear_by(Path::kUnicast, 200, kFar);
  }
  EXPECT_EQ(b.router.state(), State::kBackup);
  EXPECT_EQ(b.warned(), Reason::kNone);
}

TEST(Both, WithoutAPeerRunsWithMulticastAndSaysSo) {
  Routed b{TransportMode::kBoth, {}};
  b.become_master();
  EXPECT_EQ(b.warned(), Reason::kNoPeers);
  b.router.set_segment(b.now, segment_with(kPeers));
  EXPECT_EQ(b.warned(), Reason::kNone);
}

TEST(PathWatch, SaysNothingUntilThePatienceIsOver) {
  PathWatch watch;
  for (int i = 0; i <= 3; ++i) watch.heard(Path::kUnicast, kOwn, TimePoint{i * 100ms}, 300ms);
  EXPECT_EQ(watch.silent(), std::nullopt);
  watch.heard(Path::kUnicast, kOwn, TimePoint{301ms}, 300ms);
  EXPECT_EQ(watch.silent(), Path::kMulticast);
}

TEST(PathWatch, ForgetsWhatItMissedWhenNobodyIsHeard) {
  PathWatch watch;
  for (int i = 0; i <= 4; ++i) watch.heard(Path::kUnicast, kOwn, TimePoint{i * 100ms}, 300ms);
  ASSERT_TRUE(watch.silent());
  watch.expire(TimePoint{700ms});
  EXPECT_TRUE(watch.silent());
  watch.expire(TimePoint{701ms});
  EXPECT_FALSE(watch.silent());
  watch.heard(Path::kUnicast, kOwn, TimePoint{5s}, 300ms);
  EXPECT_FALSE(watch.silent()) << "the other path has its time again";
}

TEST(PathWatch, AMasterThatIsHeardAgainAfterALongWhileIsGivenTime) {
  PathWatch watch;
  watch.heard(Path::kMulticast, kOwn, TimePoint{0ms}, 300ms);
  watch.heard(Path::kUnicast, kOwn, TimePoint{1ms}, 300ms);
  watch.heard(Path::kUnicast, kOwn, TimePoint{5s}, 300ms);
  EXPECT_FALSE(watch.silent());
}

}  // namespace
}  // namespace vipra::router
