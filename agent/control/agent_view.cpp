#include "agent/control/agent_view.hpp"

#include <algorithm>
#include <utility>

namespace vipra::control {

namespace wire = channel::v1;

namespace {

// All but what merely counts.
std::string content(wire::RouterSnapshot snapshot) {
  snapshot.clear_counters();
  snapshot.clear_revision();
  return snapshot.SerializeAsString();
}

std::string content(wire::SpeakerStatus status) {
  status.clear_lateness_buckets();
  status.clear_lateness_sum_ns();
  status.clear_packets_received();
  status.clear_drops();
  return status.SerializeAsString();
}

std::string content(wire::SegmentSnapshot snapshot) {
  snapshot.clear_foreign_packets();
  snapshot.clear_foreign_packets_untracked();
  for (auto& router : *snapshot.mutable_foreign_routers()) {
    router.clear_packets();
    router.clear_first_seen_unix_ns();  // told by how long ago it was, which moves it a little
    router.clear_last_seen_unix_ns();
  }
  return snapshot.SerializeAsString();
}

}  // namespace

AgentView::Change AgentView::apply(const wire::AgentMessage& message) {
  if (message.has_hello()) return apply(message.hello());
  if (message.has_snapshots()) return apply(message.snapshots());
  if (message.has_supervisor()) {
    supervisor_ = message.supervisor();
    return Change::kContent;
  }
  return Change::kNothing;
}

AgentView::Change AgentView::apply(const wire::Hello& hello) {
  if (hello.role() != wire::ROLE_SPEAKER || hello.epoch() == speaker_epoch_) return Change::kNothing;
  // A new speaker counts its transitions from one again, and has not told anything yet.
  speaker_epoch_ = hello.epoch();
  last_sequence_ = 0;
  told_.reset();
  return Change::kContent;
}

AgentView::Change AgentView::apply(const wire::SnapshotBatch& batch) {
  auto change = Change::kNothing;
  const auto note = [&change](Change more) { change = std::max(change, more); };
  if (batch.resync_first()) {
    told_.emplace();
    told_segments_.clear();
  }
  for (const auto& snapshot : batch.routers()) note(apply(snapshot));
  for (const auto& snapshot : batch.segments()) note(apply(snapshot));
  for (const auto& id : batch.removed()) {
    if (routers_.erase(id) > 0) note(Change::kState);
    if (told_) told_->erase(id);
  }
  for (const auto& transition : batch.transitions()) {
    if (transition.sequence() <= last_sequence_) continue;  // told twice, around a resync
    last_sequence_ = transition.sequence();
    transitions_.push_back(transition);
    news_.push_back(transition);
    if (transitions_.size() > kMaxTransitions) transitions_.pop_front();
    note(Change::kState);
  }
  if (batch.has_speaker()) note(apply(batch.speaker()));
  if (batch.resync_last() && told_) note(end_resync());
  return change;
}

AgentView::Change AgentView::apply(const wire::RouterSnapshot& snapshot) {
  if (told_) told_->insert(snapshot.router());
  const auto [found, added] = routers_.try_emplace(snapshot.router(), snapshot);
  if (added) return Change::kState;
  auto& known = found->second;
  auto change = Change::kCounters;
  if (known.state() != snapshot.state()) {
    change = Change::kState;
  } else if (content(known) != content(snapshot)) {
    change = Change::kContent;
  }
  known = snapshot;
  return change;
}

AgentView::Change AgentView::apply(const wire::SegmentSnapshot& snapshot) {
  const SegmentKey key{snapshot.interface_index(), snapshot.family()};
  if (snapshot.gone()) return segments_.erase(key) > 0 ? Change::kContent : Change::kNothing;
  if (told_) told_segments_.insert(key);
  const auto [found, added] = segments_.try_emplace(key, snapshot);
  if (added) return Change::kContent;
  const bool same = content(found->second) == content(snapshot);
  found->second = snapshot;
  return same ? Change::kCounters : Change::kContent;
}

AgentView::Change AgentView::apply(const wire::SpeakerStatus& status) {
  const bool same = speaker_ && content(*speaker_) == content(status);
  speaker_ = status;
  return same ? Change::kCounters : Change::kContent;
}

AgentView::Change AgentView::end_resync() {
  const auto gone =
      std::erase_if(routers_, [this](const auto& entry) { return !told_->contains(entry.first); });
  std::erase_if(segments_, [this](const auto& entry) { return !told_segments_.contains(entry.first); });
  told_.reset();
  resynced_ = true;
  return gone > 0 ? Change::kState : Change::kContent;
}

std::vector<wire::Transition> AgentView::take_news() {
  return std::exchange(news_, {});
}

void AgentView::on_disconnected() {
  told_.reset();
  resynced_ = false;
}

}  // namespace vipra::control
