#include "agent/control/agent_view.hpp"

#include <gtest/gtest.h>

#include "tests/agent/control/fake_agent.hpp"

namespace vipra::control {
namespace {

using test::router_snapshot;
using Change = AgentView::Change;
namespace wire = channel::v1;

wire::AgentMessage batch(const std::vector<wire::RouterSnapshot>& routers, bool first = false,
                         bool last = false) {
  wire::AgentMessage message;
  for (const auto& router : routers) *message.mutable_snapshots()->add_routers() = router;
  message.mutable_snapshots()->set_resync_first(first);
  message.mutable_snapshots()->set_resync_last(last);
  return message;
}

wire::AgentMessage transition(std::uint64_t sequence) {
  wire::AgentMessage message;
  auto& item = *message.mutable_snapshots()->add_transitions();
  item.set_sequence(sequence);
  item.set_router("a/ipv4");
  return message;
}

wire::AgentMessage speaker_hello(std::uint64_t epoch) {
  wire::AgentMessage message;
  *message.mutable_hello() = channel::make_hello(wire::ROLE_SPEAKER, "test", epoch);
  return message;
}

TEST(AgentView, AResyncInManyBatchesEndsWithExactlyTheRoutersItNamed) {
  AgentView view;
  view.apply(batch({router_snapshot("old/ipv4"), router_snapshot("a/ipv4")}));
  EXPECT_FALSE(view.resynced());
  view.apply(batch({router_snapshot("a/ipv4")}, true));
  view.apply(batch({router_snapshot("b/ipv4")}));
  EXPECT_EQ(view.routers().size(), 3u) << "nobody is gone before the end";
  view.apply(batch({router_snapshot("c/ipv4")}, false, true));
  EXPECT_TRUE(view.resynced());
  EXPECT_EQ(view.routers().size(), 3u);
  EXPECT_FALSE(view.routers().contains("old/ipv4"));
}

TEST(AgentView, AResyncThatBreaksOffTakesNothingAway) {
  AgentView view;
  view.apply(batch({router_snapshot("a/ipv4"), router_snapshot("b/ipv4")}, true, true));
  view.apply(batch({router_snapshot("a/ipv4")}, true));
  view.on_disconnected();
  EXPECT_FALSE(view.resynced());
  view.apply(batch({}, false, true));
  EXPECT_EQ(view.routers().size(), 2u);
}

TEST(AgentView, RemovedRoutersAreGone) {
  AgentView view;
  view.apply(batch({router_snapshot("a/ipv4"), router_snapshot("b/ipv4")}));
  wire::AgentMessage message;
  message.mutable_snapshots()->add_removed("a/ipv4");
  EXPECT_EQ(view.apply(message), Change::kState);
  EXPECT_EQ(view.routers().size(), 1u);
}

TEST(AgentView, TellsWhatHurriesFromWhatOnlyCounts) {
  AgentView view;
  auto router = router_snapshot("a/ipv4");
  EXPECT_EQ(view.apply(batch({router})), Change::kState);
  router.mutable_counters()->set_advertisements_sent(5);
  router.set_revision(2);
  EXPECT_EQ(view.apply(batch({router})), Change::kCounters);
  router.set_effective_priority(50);
  EXPECT_EQ(view.apply(batch({router})), Change::kContent);
  router.set_state(reason::v1::STATE_MASTER);
  EXPECT_EQ(view.apply(batch({router})), Change::kState);
  EXPECT_EQ(view.apply(wire::AgentMessage{}), Change::kNothing);
}

TEST(AgentView, TransitionsAreKeptOnceInOrderAndBounded) {
  AgentView view;
  for (std::uint64_t i = 1; i <= 300; ++i) view.apply(transition(i));
  view.apply(transition(299));
  ASSERT_EQ(view.transitions().size(), AgentView::kMaxTransitions);
  EXPECT_EQ(view.transitions().back().sequence(), 300u);
  EXPECT_EQ(view.transitions().front().sequence(), 300 - AgentView::kMaxTransitions + 1);
}

TEST(AgentView, ANewSpeakerCountsFromOneAgain) {
  AgentView view;
  view.apply(speaker_hello(7));
  view.apply(transition(5));
  view.apply(speaker_hello(7));
  view.apply(transition(1));
  EXPECT_EQ(view.transitions().size(), 1u) << "the same speaker, told twice";
  view.apply(speaker_hello(8));
  view.apply(transition(1));
  EXPECT_EQ(view.transitions().size(), 2u);
}

wire::SegmentSnapshot segment(std::uint32_t index, std::uint32_t family, int foreign = 0, int packets = 0) {
  wire::SegmentSnapshot out;
  out.set_interface_index(index);
  out.set_family(family);
  out.set_interface("eth" + std::to_string(index));
  for (int i = 0; i < foreign; ++i) {
    auto& item = *out.add_foreign_routers();
    item.set_vrid(static_cast<std::uint32_t>(i + 1));
    item.set_packets(static_cast<std::uint64_t>(packets));
    item.set_last_seen_unix_ns(packets);
  }
  out.set_foreign_packets(static_cast<std::uint64_t>(packets));
  return out;
}

wire::AgentMessage segments(const std::vector<wire::SegmentSnapshot>& all, bool first = false,
                            bool last = false) {
  auto message = batch({}, first, last);
  for (const auto& one : all) *message.mutable_snapshots()->add_segments() = one;
  return message;
}

TEST(AgentView, SegmentsAreKeptUntilTheyAreGone) {
  AgentView view;
  EXPECT_EQ(view.apply(segments({segment(2, 4), segment(2, 6)})), Change::kContent);
  EXPECT_EQ(view.apply(segments({segment(2, 4, 1, 5)})), Change::kContent);
  EXPECT_EQ(view.apply(segments({segment(2, 4, 1, 6)})), Change::kCounters) << "they merely count on";
  EXPECT_EQ(view.segments().at({2, 4}).foreign_packets(), 6u);
  auto gone = segment(2, 4);
  gone.set_gone(true);
  EXPECT_EQ(view.apply(segments({gone})), Change::kContent);
  EXPECT_EQ(view.apply(segments({gone})), Change::kNothing);
  EXPECT_EQ(view.segments().size(), 1u);
}

TEST(AgentView, AResyncEndsWithExactlyTheSegmentsItNamed) {
  AgentView view;
  view.apply(segments({segment(2, 4), segment(3, 4)}));
  view.apply(segments({segment(3, 4)}, true));
  view.apply(segments({segment(4, 6)}, false, true));
  ASSERT_EQ(view.segments().size(), 2u);
  EXPECT_TRUE(view.segments().contains({3, 4}));
  EXPECT_TRUE(view.segments().contains({4, 6}));
}

}  // namespace
}  // namespace vipra::control
