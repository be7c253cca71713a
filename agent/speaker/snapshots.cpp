#include "agent/speaker/snapshots.hpp"

#include <unistd.h>

#include <algorithm>

#include "channel/convert.hpp"
#include "vrrp/types.hpp"

namespace vipra::agent {
namespace {

// A message holds the snapshot of any router that a definition can make, of 1,024 addresses that all failed
// (120 KiB), beside these: of its contributions together, and of the speaker's status that goes with it.
constexpr std::size_t kErrorBytes = 8 * 1024;
constexpr const char* kErrorNotTold = "as others; the log has it";
constexpr std::size_t kContributionBytes = 12 * 1024;
constexpr std::size_t kShortDetailBytes = 128;
constexpr std::size_t kStatusBytes = 4 * 1024;
constexpr std::size_t kMessageBytes = channel::kMaxAgentMessageBytes - kStatusBytes;
constexpr std::size_t kPartBytes = 8;  // what a part costs beside itself

using Contributions = google::protobuf::RepeatedPtrField<channel::v1::Contribution>;

// Cut between two characters: the channel takes UTF-8 only.
void cut(std::string& text, std::size_t size) {
  constexpr const char* kEllipsis = "...";
  if (text.size() <= size) return;
  const auto continues = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; };
  while (size > 0 && continues(text[size])) --size;
  text.resize(size);
  text += kEllipsis;
}

// Shorter words for all; and the last ones, if there are too many, as one with their sum. Those of the
// router's own VirtualIP come first (plan::contributions_to) and always find room: from them control knows
// its verdicts of before a restart.
void shorten(Contributions& all) {
  auto room = kContributionBytes;
  int kept = 0;
  for (; kept < all.size(); ++kept) {
    cut(*all[kept].mutable_detail(), kShortDetailBytes);
    const auto size = all[kept].ByteSizeLong() + kPartBytes;
    if (size > room) break;
    room -= size;
  }
  const int more = all.size() - kept;
  if (more == 0) return;
  channel::v1::Contribution rest;
  rest.set_consumer(all[kept].consumer());
  rest.set_source("and " + std::to_string(more) + " more");
  rest.set_reason(all[kept].reason());
  rest.set_detail("too many to name each");
  for (int i = kept; i < all.size(); ++i) {
    rest.set_delta(rest.delta() + all[i].delta());
    rest.set_fault(rest.fault() || all[i].fault());
    rest.set_stale(rest.stale() || all[i].stale());
  }
  all.DeleteSubrange(kept, more);
  *all.Add() = std::move(rest);
}

void fill_contributions(const router::VirtualRouter& router, Contributions& out) {
  std::size_t size = 0;
  for (const auto& contribution : router.contributions()) {
    auto& part = *out.Add() = channel::to_proto(contribution);
    size += part.ByteSizeLong() + kPartBytes;
  }
  if (size > kContributionBytes) shorten(out);
}

// For names that are longer than a definition's: addresses without a word about them are better than a
// router without one.
void make_fit(channel::v1::RouterSnapshot& snapshot) {
  for (auto size = snapshot.ByteSizeLong();
       size + kPartBytes > kMessageBytes && snapshot.addresses_size() > 0; size = snapshot.ByteSizeLong()) {
    const auto each = size / static_cast<std::size_t>(snapshot.addresses_size()) + 1;
    const auto surplus = (size + kPartBytes - kMessageBytes) / each + 1;
    const auto cut_off = std::min(static_cast<int>(surplus), snapshot.addresses_size());
    snapshot.mutable_addresses()->DeleteSubrange(snapshot.addresses_size() - cut_off, cut_off);
  }
}

}  // namespace

Snapshots::Known& Snapshots::known(router::RouterIndex router) {
  if (known_.size() <= router) known_.resize(router + 1);
  known_[router].exists = true;
  return known_[router];
}

void Snapshots::mark_changed(router::RouterIndex router) {
  auto& entry = known(router);
  if (entry.dirty) return;
  entry.dirty = true;
  dirty_.push_back(router);
}

void Snapshots::mark_segment(const SegmentKey& key) {
  known_segments_.insert(key);
  if (std::find(dirty_segments_.begin(), dirty_segments_.end(), key) == dirty_segments_.end())
    dirty_segments_.push_back(key);
}

void Snapshots::mark_counted(TimePoint now) {
  if (!counters_due_) counters_due_ = now + kCounterInterval;
}

void Snapshots::on_transition(const router::VirtualRouter& router, const election::Transition& transition,
                              std::int64_t unix_ns) {
  auto& entry = known(router.index());
  ++entry.transitions[{transition.from, transition.to, transition.reason}];
  if (transition.to == State::kMaster && transition.silence > Duration::zero()) {
    entry.takeovers.observe(transition.silence);
  }
  entry.since_unix_ns = unix_ns;
  mark_changed(router.index());
  entry.urgent = true;
  if (transitions_.size() >= kMaxTransitions) transitions_.pop_front();  // the counts above lose nothing
  auto& out = transitions_.emplace_back();
  out.set_sequence(next_sequence_++);
  out.set_router(router.desired().id);
  out.set_from(channel::to_proto(transition.from));
  out.set_to(channel::to_proto(transition.to));
  out.set_reason(channel::to_proto(transition.reason));
  out.set_unix_ns(unix_ns);
  out.set_detail(router.detail());
}

void Snapshots::remove(router::RouterIndex router, const std::string& id) {
  if (router < known_.size()) known_[router] = {};
  std::erase(dirty_, router);
  removed_.push_back(id);
}

void Snapshots::mark_all(bool urgent) {
  for (router::RouterIndex i = 0; i < known_.size(); ++i) {
    if (!known_[i].exists) continue;
    mark_changed(i);
    known_[i].urgent |= urgent;
  }
  for (const auto& key : known_segments_) mark_segment(key);
  facts_dirty_ = true;
}

std::optional<TimePoint> Snapshots::fill_routers(TimePoint now, channel::v1::SnapshotBatch& batch) {
  told_now_.clear();
  std::optional<TimePoint> next;
  std::size_t room = kMessageBytes * 3 / 4;
  for (const auto index : dirty_) {
    auto& known = known_[index];
    const auto* router = routers_.find(index);
    const bool large = router != nullptr && router->addresses().entries().size() > kFewAddresses;
    const auto due = !large || known.urgent || !known.told_at ? now : *known.told_at + kChangeInterval;
    const bool full = told_now_.size() == kRoutersAtOnce || room == 0;
    if (due > now || full) {
      next = next ? std::min(*next, std::max(due, now)) : std::max(due, now);
      continue;
    }
    if (router != nullptr) {
      auto& snapshot = *batch.add_routers();
      std::erase(removed_, router->desired().id);  // it is there again
      fill(*router, known, snapshot);
      make_fit(snapshot);
      const auto size = snapshot.ByteSizeLong();
      if (size > room && batch.routers_size() > 1) {
        batch.mutable_routers()->RemoveLast();
        room = 0;
        next = now;
        continue;
      }
      room -= std::min(size, room);
    }
    told_now_.push_back(index);
  }
  return next;
}

std::optional<TimePoint> Snapshots::counters_wake() const {
  return counters_due_ ? std::optional{*counters_due_ + kCounterPatience} : std::nullopt;
}

std::optional<TimePoint> Snapshots::flush(TimePoint now, const SpeakerFacts& facts) {
  if (resync_) {
    resync_ = false;
    in_resync_ = true;
    mark_all(true);
    message_.mutable_snapshots()->set_resync_first(true);
  }
  if (counters_due_ && now >= *counters_due_) {
    counters_due_.reset();
    mark_all(false);
  }
  if (dirty_.empty() && dirty_segments_.empty() && removed_.empty() && transitions_.empty() &&
      !facts_dirty_ && !in_resync_) {
    return counters_wake();
  }
  auto& batch = *message_.mutable_snapshots();
  const bool first = batch.resync_first();
  batch.Clear();
  batch.set_resync_first(first);
  auto next = fill_routers(now, batch);
  if (const auto wake = counters_wake()) next = next ? std::min(*next, *wake) : *wake;
  const bool nothing = told_now_.empty() && dirty_segments_.empty() && removed_.empty() &&
                       transitions_.empty() && !facts_dirty_;
  if (nothing && !(in_resync_ && dirty_.empty())) return next;
  const auto [transition_count, removed_count] = add_news(batch);
  fill(facts, *batch.mutable_speaker());
  const auto segments_told = add_segments(batch);
  const bool last = told_now_.size() == dirty_.size() && segments_told == dirty_segments_.size();
  batch.set_resync_last(in_resync_ && last);
  if (!link_.try_publish(message_)) return counters_wake();  // called again when the socket has room
  for (const auto index : told_now_) {
    known_[index].dirty = known_[index].urgent = false;
    known_[index].told_at = now;
  }
  std::erase_if(dirty_, [this](auto index) { return !known_[index].dirty; });
  for (int i = 0; i < batch.segments_size(); ++i) {
    if (batch.segments(i).gone()) known_segments_.erase(dirty_segments_[static_cast<std::size_t>(i)]);
  }
  dirty_segments_.erase(dirty_segments_.begin(),
                        dirty_segments_.begin() + static_cast<std::ptrdiff_t>(segments_told));
  transitions_.erase(transitions_.begin(),
                     transitions_.begin() + static_cast<std::ptrdiff_t>(transition_count));
  removed_.erase(removed_.begin(), removed_.begin() + static_cast<std::ptrdiff_t>(removed_count));
  facts_dirty_ = false;
  batch.set_resync_first(false);
  if (in_resync_ && last) in_resync_ = false;
  return transitions_.empty() && removed_.empty() && dirty_segments_.empty() ? next : std::optional{now};
}

// Transitions and removed routers, as many as fit beside the snapshots.
std::pair<std::size_t, std::size_t> Snapshots::add_news(channel::v1::SnapshotBatch& batch) const {
  auto size = batch.ByteSizeLong();
  const auto fits = [&size](std::size_t more) {
    if (size + more + kPartBytes > kMessageBytes) return false;
    size += more + kPartBytes;
    return true;
  };
  std::size_t transitions = 0;
  while (transitions < std::min(transitions_.size(), kTransitionsAtOnce) &&
         fits(transitions_[transitions].ByteSizeLong()))
    *batch.add_transitions() = transitions_[transitions++];
  std::size_t removed = 0;
  while (removed < removed_.size() && fits(removed_[removed].size())) batch.add_removed(removed_[removed++]);
  return {transitions, removed};
}

// As many as fit beside the rest; alone, any one does.
std::size_t Snapshots::add_segments(channel::v1::SnapshotBatch& batch) {
  constexpr auto kEnough = kMessageBytes * 3 / 4;
  auto size = batch.ByteSizeLong();
  std::size_t told = 0;
  for (const auto& key : dirty_segments_) {
    auto& out = *batch.add_segments();
    out.set_interface_index(static_cast<std::uint32_t>(key.interface_index));
    out.set_family(key.family == Family::kIpv4 ? 4 : 6);
    if (!segments_.fill(key, out)) out.set_gone(true);
    size += out.ByteSizeLong() + 4;
    const auto parts =
        batch.routers_size() + batch.transitions_size() + batch.removed_size() + batch.segments_size();
    if (size > kEnough && parts > 1) {
      batch.mutable_segments()->RemoveLast();
      break;
    }
    ++told;
  }
  return told;
}

void Snapshots::fill(const router::VirtualRouter& router, Known& known,
                     channel::v1::RouterSnapshot& out) const {
  const auto& desired = router.desired();
  out.set_router(desired.id);
  out.set_family(desired.family == Family::kIpv4 ? 4 : 6);
  out.set_vrid(desired.vrid.value());
  out.set_state(channel::to_proto(router.state()));
  out.set_reason(channel::to_proto(router.reason()));
  out.set_detail(router.detail());
  out.set_since_unix_ns(known.since_unix_ns);
  if (const auto& segment = router.segment()) {
    out.set_interface_index(static_cast<std::uint32_t>(segment->index));
    out.set_interface(segment->name);
  }
  out.set_base_priority(desired.base_priority);
  out.set_effective_priority(router.effective_priority());
  fill_contributions(router, *out.mutable_contributions());
  tracker_.for_tracks(desired.id, [&](const track::Tracked& tracked) {
    auto& track = *out.add_tracks();
    track.set_name(tracked.track.name);
    track.set_kind(std::string{track::kind_of(tracked.track)});
    track.set_decided(tracked.verdict.outcome != track::Verdict::Outcome::kUnknown);
    track.set_failed(tracked.verdict.failed());
    track.set_reason(channel::to_proto(tracked.verdict.reason));
    track.set_detail(tracked.verdict.detail);
  });
  if (router.state() == State::kMaster) {
    out.set_master_address(channel::to_wire(router.segment()->primary));
    out.set_master_priority(static_cast<std::uint32_t>(router.effective_priority()));
  } else if (const auto heard = router.machine().heard_master()) {
    out.set_master_address(channel::to_wire(*heard));
    out.set_master_priority(static_cast<std::uint32_t>(router.machine().heard_priority()));
  }
  std::size_t i = 0;
  auto room = kErrorBytes;
  for (const auto& entry : router.addresses().entries()) {
    auto& address = *out.add_addresses();
    address.set_ip(channel::to_wire(entry.ip));
    // The virtual router's own link-local address comes first and belongs to every VirtualIP of it.
    const auto offset = desired.link_local ? 1U : 0U;
    if (i >= offset && i - offset < desired.addresses.size()) {
      address.set_virtual_ip(desired.addresses[i - offset].virtual_ip);
    }
    address.set_present(entry.kernel == ownership::AddressSet::Kernel::kOurs ||
                        (entry.kernel == ownership::AddressSet::Kernel::kStranger &&
                         desired.base_priority == vrrp::kOwnerPriority));
    if (!entry.error.empty()) address.set_error(entry.error.size() <= room ? entry.error : kErrorNotTold);
    room -= std::min(room, entry.error.size());
    ++i;
  }
  const auto& counters = router.counters();
  auto& counted = *out.mutable_counters();
  counted.set_advertisements_sent(counters.advertisements_sent);
  counted.set_resignations_sent(counters.resignations_sent);
  counted.set_advertisements_received(counters.advertisements_received);
  for (std::size_t r = 0; r < counters.drops.size(); ++r) {
    if (counters.drops[r] == 0) continue;
    auto& drop = *counted.add_drops();
    drop.set_reason(channel::to_proto(static_cast<DropReason>(r)));
    drop.set_count(counters.drops[r]);
  }
  counted.set_announcements_sent(counters.announcements_sent);
  counted.set_address_restores(counters.address_restores);
  counted.set_send_errors(counters.send_errors);
  counted.set_address_list_mismatches(counters.address_list_mismatches);
  counted.set_interval_mismatches(counters.interval_mismatches);
  counted.set_checksum_form_mixed(counters.checksum_form_mixed);
  counted.set_conflicting_claims(counters.conflicting_claims);
  for (const auto& [key, count] : known.transitions) {
    auto& transition = *counted.add_transitions();
    transition.set_from(channel::to_proto(std::get<0>(key)));
    transition.set_to(channel::to_proto(std::get<1>(key)));
    transition.set_reason(channel::to_proto(std::get<2>(key)));
    transition.set_count(count);
  }
  for (const auto count : known.takeovers.counts()) counted.add_takeover_buckets(count);
  counted.set_takeover_sum_ns(known.takeovers.sum_ns());
  if (const auto* warning = router.warning()) {
    out.set_warning(channel::to_proto(warning->reason));
    out.set_warning_detail(warning->detail);
  }
  out.set_interval_ns(desired.interval.count());
  out.set_misses(static_cast<std::uint32_t>(desired.misses));
  out.set_revision(++known.revision);
}

void Snapshots::fill(const SpeakerFacts& facts, channel::v1::SpeakerStatus& out) const {
  out.set_applied_generation(facts.applied_generation);
  out.set_pid(::getpid());
  out.set_realtime(facts.realtime);
  out.set_memory_locked(facts.memory_locked);
  out.set_realtime_detail(facts.realtime_detail);
  for (std::size_t r = 0; r < facts.drops.size(); ++r) {
    if (facts.drops[r] == 0) continue;
    auto& drop = *out.add_drops();
    drop.set_reason(channel::to_proto(static_cast<DropReason>(r)));
    drop.set_count(facts.drops[r]);
  }
  for (const auto count : facts.lateness.counts()) out.add_lateness_buckets(count);
  out.set_lateness_sum_ns(facts.lateness.sum_ns());
  out.set_log_lines_dropped(facts.log_lines_dropped);
  out.set_stalls(facts.stalls);
  out.set_packets_received(facts.packets_received);
}

}  // namespace vipra::agent
