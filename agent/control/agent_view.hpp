// What the agent has told so far: the latest snapshot of each router, put together from batches. Pure.
//
// After a reconnect the routers of the old connection stay until the resync has told which still exist.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vipra/channel/v1/channel.pb.h"

namespace vipra::control {

class AgentView {
 public:
  // How much a message changed, in the order of how much it hurries.
  enum class Change : std::uint8_t { kNothing, kCounters, kContent, kState };
  static constexpr std::size_t kMaxTransitions = 256;  // kept, the newest
  using Routers = std::map<std::string, channel::v1::RouterSnapshot, std::less<>>;
  using SegmentKey = std::pair<std::uint32_t, std::uint32_t>;  // index of the interface, 4 or 6
  using Segments = std::map<SegmentKey, channel::v1::SegmentSnapshot>;

  Change apply(const channel::v1::AgentMessage& message);
  void on_disconnected();
  // The transitions that were told since this was asked last, each once, oldest first.
  [[nodiscard]] std::vector<channel::v1::Transition> take_news();

  // True once the agent has told everything since the last (re)connect.
  [[nodiscard]] bool resynced() const noexcept { return resynced_; }
  [[nodiscard]] const Routers& routers() const noexcept { return routers_; }
  // Where the agent runs routers, and whom else it hears there.
  [[nodiscard]] const Segments& segments() const noexcept { return segments_; }
  [[nodiscard]] const std::optional<channel::v1::SpeakerStatus>& speaker() const noexcept { return speaker_; }
  [[nodiscard]] const std::optional<channel::v1::SupervisorStatus>& supervisor() const noexcept {
    return supervisor_;
  }
  [[nodiscard]] const std::deque<channel::v1::Transition>& transitions() const noexcept {
    return transitions_;
  }

 private:
  Change apply(const channel::v1::Hello& hello);
  Change apply(const channel::v1::SnapshotBatch& batch);
  Change apply(const channel::v1::RouterSnapshot& snapshot);
  Change apply(const channel::v1::SegmentSnapshot& snapshot);
  Change apply(const channel::v1::SpeakerStatus& status);
  Change end_resync();

  Routers routers_;
  Segments segments_;
  std::optional<channel::v1::SpeakerStatus> speaker_;
  std::optional<channel::v1::SupervisorStatus> supervisor_;
  std::deque<channel::v1::Transition> transitions_;
  std::vector<channel::v1::Transition> news_;
  std::optional<std::set<std::string, std::less<>>> told_;  // during a resync
  std::set<SegmentKey> told_segments_;                         // then too
  std::uint64_t speaker_epoch_ = 0;
  std::uint64_t last_sequence_ = 0;
  bool resynced_ = false;
};

}  // namespace vipra::control
