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

}  // namespace
}  // namespace vipra::agent
