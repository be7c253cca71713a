// What the speaker tells of its routers, as the other end of its socket gets it.
#include "agent/speaker/snapshots.hpp"

#include <gmock/gmock.h>

#include "channel/convert.hpp"
#include "tests/router/fakes.hpp"

namespace vipra::agent {
namespace {

using namespace std::chrono_literals;

struct SnapshotsTest : testing::Test, RouterDirectory, SegmentDirectory, log::Sink {
  SnapshotsTest() {
    auto desired = router::desired_v4();
    desired.addresses.clear();
    for (int i = 0; i < 1000; ++i)
      desired.addresses.push_back(
          {IpAddress::v4(10, 1, std::uint8_t(i / 250), std::uint8_t(i % 250)), std::string(63, 'v')});
    bench.emplace(desired);
    auto pair = sys::SeqPacket::pair();
    EXPECT_TRUE(pair.has_value());
    link.emplace(std::move(pair->first), log);
    other.emplace(std::move(pair->second));
    snapshots.emplace(*link, *this, *this, tracker);
  }
  router::VirtualRouter* find(router::RouterIndex index) override {
    return index == 0 ? &bench->router : nullptr;
  }
  bool fill(const SegmentKey&, channel::v1::SegmentSnapshot&) override { return false; }
  void write_line(std::string_view line) noexcept override { ADD_FAILURE() << line; }

  // Of the router's own VirtualIP, then of other members of its group; each takes one off.
  static std::vector<plan::Contribution> failures(int own, int others) {
    std::vector<plan::Contribution> out;
    for (int i = 0; i < own + others; ++i) {
      plan::Contribution part;
      part.consumer = std::string(63, 'v') + "/ipv4";
      part.source = (i < own ? "" : std::string(63, 'w') + ": ") + "check/" + std::string(60, 'c') +
                    std::to_string(100 + i);
      part.delta = -1;
      part.reason = Reason::kCheckFailed;
      part.stale = i + 1 == own + others;
      for (int word = 0; word < 140; ++word) part.detail += "na\xc3\xafve ";
      out.push_back(part);
    }
    return out;
  }
  // The snapshots that are told at this time.
  int told_at(Duration at) {
    next = snapshots->flush(TimePoint{at}, facts);
    int count = 0;
    for (auto received = other->receive(); received.kind == sys::Received::Kind::kMessage;
         received = other->receive()) {
      channel::v1::FromSpeaker message;
      EXPECT_TRUE(channel::decode(received.bytes, message));
      channel::v1::AgentMessage inner;
      EXPECT_TRUE(inner.ParseFromString(message.agent_message()));
      count += inner.snapshots().routers_size();
      transitions += static_cast<std::size_t>(inner.snapshots().transitions_size());
      removed += static_cast<std::size_t>(inner.snapshots().removed_size());
      if (inner.snapshots().routers_size() > 0) last = inner.snapshots().routers(0);
    }
    return count;
  }

  log::Logger log{*this, []() noexcept -> std::int64_t { return 0; }, "test", log::Level::kWarning};
  std::optional<router::Bench> bench;
  std::optional<Link> link;
  std::optional<sys::SeqPacket> other;
  track::Tracker tracker;
  std::optional<Snapshots> snapshots;
  SpeakerFacts facts;
  channel::v1::RouterSnapshot last;
  std::size_t transitions = 0;
  std::size_t removed = 0;
  std::optional<TimePoint> next;
};

TEST_F(SnapshotsTest, ChangesInQuickSuccessionAreToldTogetherAndATransitionAtOnce) {
  snapshots->mark_changed(0);
  EXPECT_EQ(told_at(0ms), 1);
  for (int i = 1; i < 50; ++i) {
    snapshots->mark_changed(0);
    EXPECT_EQ(told_at(i * 1ms), 0) << i;
    EXPECT_EQ(next, TimePoint{50ms});
  }
  EXPECT_EQ(told_at(50ms), 1);
  snapshots->mark_changed(0);
  EXPECT_EQ(told_at(51ms), 0);
  snapshots->on_transition(bench->router, {State::kBackup, State::kMaster, Reason::kMasterSilent}, 7);
  EXPECT_EQ(told_at(52ms), 1);
  EXPECT_EQ(last.since_unix_ns(), 7);
}

TEST_F(SnapshotsTest, AThousandAddressesThatAllFailedFitADatagram) {
  bench->until(500ms);
  const std::string error(300, 'e');
  for (const auto& entry : bench->router.addresses().entries())
    const_cast<ownership::AddressSet&>(bench->router.addresses()).on_add_failed(entry.ip, error);
  snapshots->mark_changed(0);
  EXPECT_EQ(told_at(1s), 1);
  ASSERT_EQ(last.addresses_size(), 1000);
  EXPECT_EQ(last.addresses(0).error(), error);
  EXPECT_FALSE(last.addresses(999).error().empty());
}

// The largest that definitions can make: every name and list as long as the schema lets it be.
TEST_F(SnapshotsTest, HundredsOfFailuresBesideAThousandAddressesFitADatagram) {
  plan::VirtualRouter desired;
  desired.family = Family::kIpv6;
  desired.seniority.name = std::string(63, 'v');
  desired.id = desired.seniority.name + "/ipv6";
  desired.link_local = IpAddress::parse("fe80::200:5eff:fe00:201");
  for (int i = 0; i < 1024; ++i)
    desired.addresses.push_back(
        {*IpAddress::parse("2001:db8::" + std::to_string(1000 + i)), desired.seniority.name});
  for (int i = 0; i < 16; ++i)
    desired.tracks.push_back({std::string(61, 't') + std::to_string(10 + i),
                              plan::LinkTrack{"a-long-name-" + std::to_string(i)}, -1});
  bench.emplace(desired, router::segment("fe80::15"));
  tracker.set_router(desired, ~0U);
  bench->until(500ms);
  for (const auto& entry : bench->router.addresses().entries()) {
    const_cast<ownership::AddressSet&>(bench->router.addresses())
        .on_add_failed(entry.ip, std::string(300, 'e'));
  }
  const auto parts = failures(34, 500);
  bench->router.set_contributions(bench->now, parts);
  snapshots->mark_changed(0);
  ASSERT_EQ(told_at(1s), 1);
  EXPECT_EQ(last.addresses_size(), 1025);
  EXPECT_EQ(last.tracks_size(), 16);
  const auto& told = last.contributions();
  ASSERT_GT(told.size(), 35) << "all of its own VirtualIP, some of the others, and the rest in one";
  ASSERT_LT(told.size(), 534);
  int delta = 0;
  for (const auto& part : told) delta += part.delta();
  EXPECT_EQ(delta, -534) << "the sum is still that of the priority";
  for (int i = 0; i < 34; ++i) {
    EXPECT_EQ(told[i].source(), parts[static_cast<std::size_t>(i)].source);
    EXPECT_FALSE(told[i].detail().empty());
  }
  const auto& rest = told[told.size() - 1];
  EXPECT_EQ(rest.source(), "and " + std::to_string(535 - told.size()) + " more");
  EXPECT_TRUE(rest.stale());
  EXPECT_EQ(rest.reason(), reason::v1::REASON_CHECK_FAILED);
}

TEST_F(SnapshotsTest, AFewFailuresAreToldWordForWord) {
  const auto parts = failures(3, 2);
  bench->router.set_contributions(bench->now, parts);
  snapshots->mark_changed(0);
  ASSERT_EQ(told_at(1s), 1);
  ASSERT_EQ(last.contributions_size(), 5);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(last.contributions(i).detail(), parts[static_cast<std::size_t>(i)].detail);
}

TEST_F(SnapshotsTest, TransitionsAndRemovedRoutersThatFindNoRoomAreToldNext) {
  auto parts = failures(1, 0);
  parts.front().fault = true;  // its sentence is that of every transition
  bench->router.set_contributions(bench->now, parts);
  for (int i = 0; i < 300; ++i)
    snapshots->on_transition(bench->router, {State::kBackup, State::kFault, Reason::kCheckFailed}, i);
  for (int i = 0; i < 2000; ++i) snapshots->remove(1, std::string(260, 'r') + std::to_string(i));
  for (int turn = 0; turn < 50; ++turn) (void)told_at(1s);
  EXPECT_EQ(transitions, 300U);
  EXPECT_EQ(removed, 2000U);
}

TEST_F(SnapshotsTest, ARouterThatIsThereAgainIsNotToldAsRemoved) {
  snapshots->remove(0, "web/ipv4");
  snapshots->mark_changed(0);
  EXPECT_EQ(told_at(1s), 1);
  EXPECT_EQ(removed, 0U);
}

// No definition may have such names, but the channel lets them through.
TEST_F(SnapshotsTest, OfARouterThatNoDatagramHoldsAsMuchAsOneHoldsIsTold) {
  auto desired = bench->router.desired();
  for (auto& address : desired.addresses) address.virtual_ip = std::string(253, 'v');
  bench->router.reconfigure(bench->now, desired);
  snapshots->mark_changed(0);
  ASSERT_EQ(told_at(1s), 1);
  EXPECT_GT(last.addresses_size(), 100);
}

}  // namespace
}  // namespace vipra::agent
