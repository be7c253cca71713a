// What the speaker tells about itself: the latest state of each router, transitions as they happened, and its
// own figures. Changes of state go out at the end of the turn that made them; what changes quickly (1,000
// addresses that are installed one by one) at most every kChangeInterval; counters every few seconds; some
// routers a turn, so that telling never delays electing.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/speaker/interface.hpp"
#include "agent/speaker/link.hpp"
#include "base/time.hpp"
#include "channel/lateness.hpp"
#include "election/machine.hpp"
#include "router/virtual_router.hpp"
#include "track/tracker.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::agent {

struct SpeakerFacts {
  std::uint64_t applied_generation = 0;
  bool realtime = false;
  bool memory_locked = false;
  std::string realtime_detail;
  std::array<std::uint64_t, kAllDropReasonValues.size()> drops{};
  channel::LatenessHistogram lateness;
  std::uint64_t log_lines_dropped = 0;
  std::uint64_t stalls = 0;
  std::uint64_t packets_received = 0;
};

// One family on one interface.
struct SegmentKey {
  int interface_index = 0;
  Family family = Family::kIpv4;
  auto operator<=>(const SegmentKey&) const = default;
};

class SegmentDirectory {
 public:
  virtual ~SegmentDirectory() = default;
  // Everything but its key; false if no router runs there any more.
  [[nodiscard]] virtual bool fill(const SegmentKey& key, channel::v1::SegmentSnapshot& out) = 0;
};

class Snapshots {
 public:
  Snapshots(Link& link, RouterDirectory& routers, SegmentDirectory& segments, const track::Tracker& tracker)
      : link_{link}, routers_{routers}, segments_{segments}, tracker_{tracker} {}

  void on_transition(const router::VirtualRouter& router, const election::Transition& transition,
                     std::int64_t unix_ns);
  void mark_changed(router::RouterIndex router);
  void mark_segment(const SegmentKey& key);
  void begin_segment(const SegmentKey& key) {
    if (!known_segments_.contains(key)) mark_segment(key);
  }
  void end_segment(const SegmentKey& key) {
    if (known_segments_.contains(key)) mark_segment(key);
  }
  void mark_facts_changed() noexcept { facts_dirty_ = true; }
  // Counters moved; told after kCounterInterval, in a turn that something else brings; at the latest so much
  // later.
  void mark_counted(TimePoint now);
  void remove(router::RouterIndex router, const std::string& id);
  void request_resync() noexcept { resync_ = true; }

  // Sends what is due. Returns when it wants to be called again (now, if it stopped at a chunk's end).
  [[nodiscard]] std::optional<TimePoint> flush(TimePoint now, const SpeakerFacts& facts);

 private:
  static constexpr Duration kCounterInterval = std::chrono::seconds{4};
  static constexpr Duration kCounterPatience = std::chrono::seconds{4};
  static constexpr Duration kChangeInterval = std::chrono::milliseconds{50};  // with more addresses than
  static constexpr std::size_t kFewAddresses = 64;
  static constexpr std::size_t kRoutersAtOnce = 32;
  static constexpr std::size_t kTransitionsAtOnce = 64;
  static constexpr std::size_t kMaxTransitions = 4096;

  struct Known {
    bool exists = false;
    bool dirty = false;
    bool urgent = false;  // whenever it was told last
    std::optional<TimePoint> told_at;
    std::uint64_t revision = 0;
    std::int64_t since_unix_ns = 0;
    std::map<std::tuple<State, State, Reason>, std::uint64_t> transitions;
    channel::TakeoverHistogram takeovers;
  };
  void fill(const router::VirtualRouter& router, Known& known, channel::v1::RouterSnapshot& out) const;
  void fill(const SpeakerFacts& facts, channel::v1::SpeakerStatus& out) const;
  [[nodiscard]] Known& known(router::RouterIndex router);
  // How many of each.
  [[nodiscard]] std::pair<std::size_t, std::size_t> add_news(channel::v1::SnapshotBatch& batch) const;
  [[nodiscard]] std::vector<SegmentKey>::size_type add_segments(channel::v1::SnapshotBatch& batch);
  void mark_all(bool urgent);
  [[nodiscard]] std::optional<TimePoint> counters_wake() const;
  // The first of those that are due, as many as fit a datagram, into `batch`; they are told_now_ then.
  // Returns when the next one is due.
  [[nodiscard]] std::optional<TimePoint> fill_routers(TimePoint now, channel::v1::SnapshotBatch& batch);

  Link& link_;
  RouterDirectory& routers_;
  SegmentDirectory& segments_;
  const track::Tracker& tracker_;
  std::vector<Known> known_;  // by router index
  std::vector<router::RouterIndex> dirty_;
  std::set<SegmentKey> known_segments_;
  std::vector<SegmentKey> dirty_segments_;
  std::vector<router::RouterIndex> told_now_;
  std::vector<std::string> removed_;
  std::deque<channel::v1::Transition> transitions_;
  std::uint64_t next_sequence_ = 1;
  channel::v1::AgentMessage message_;
  std::optional<TimePoint> counters_due_;
  bool facts_dirty_ = true;
  bool resync_ = false;
  bool in_resync_ = false;
};

}  // namespace vipra::agent
