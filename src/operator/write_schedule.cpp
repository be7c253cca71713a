#include "operator/write_schedule.hpp"

#include <algorithm>
#include <utility>

namespace vipra::cluster {

void WriteSchedule::observed(const std::string& uid, const std::string& name,
                             const std::string& resource_version, const Status& status, TimePoint now) {
  const auto [at, is_new] = entries_.try_emplace(uid);
  Entry& entry = at->second;
  if (is_new) {
    entry.tokens = options_.burst;
    entry.refilled = now;
    entry.trust_cache = now;
  }
  entry.name = name;
  entry.seen_version = resource_version;
  entry.seen = status;
  // Until our own write has come back, the cache may show what was there before it.
  if (!entry.echo.empty() && resource_version != entry.echo && now < entry.trust_cache) return;
  believe(entry);
}

void WriteSchedule::believe(Entry& entry) {
  entry.echo.clear();
  entry.resource_version = entry.seen_version;
  entry.server = entry.seen;
  settle(entry);
}

void WriteSchedule::gone(const std::string& uid) {
  const auto found = entries_.find(uid);
  if (found == entries_.end()) return;
  if (found->second.writing) --in_flight_;
  entries_.erase(found);
}

void WriteSchedule::wanted(const std::string& uid, const Status& status, TimePoint now, double unit_random) {
  const auto found = entries_.find(uid);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (!entry.echo.empty() && now >= entry.trust_cache) believe(entry);
  if (!entry.wanted && !entry.writing && status == entry.server) return;
  if (!entry.wanted && !(entry.writing && *entry.writing == status)) {
    const auto jitter = static_cast<double>(options_.jitter.count()) * unit_random;
    entry.not_before =
        std::max(entry.not_before, now + options_.coalesce + Duration{static_cast<Duration::rep>(jitter)});
  }
  entry.wanted = status;
  settle(entry);
}

// What the object has, or will have when the write under way is done, need not be written.
void WriteSchedule::settle(Entry& entry) {
  const Status& there = entry.writing ? *entry.writing : entry.server;
  if (entry.wanted && *entry.wanted == there) entry.wanted.reset();
}

void WriteSchedule::refill(Entry& entry, TimePoint now) const {
  const auto count = (now - entry.refilled) / options_.refill;
  if (count <= 0) return;
  entry.tokens = std::min(options_.burst, entry.tokens + static_cast<double>(count));
  entry.refilled += count * options_.refill;
}

TimePoint WriteSchedule::ready_at(const Entry& entry) const {
  if (entry.tokens >= 1) return entry.not_before;
  return std::max(entry.not_before, entry.refilled + options_.refill);
}

std::vector<Write> WriteSchedule::due(TimePoint now) {
  std::vector<std::pair<TimePoint, Write>> ready;
  for (auto& [uid, entry] : entries_) {
    if (!entry.wanted || entry.writing) continue;
    refill(entry, now);
    if (const auto at = ready_at(entry); at <= now && entry.tokens >= 1) {
      ready.emplace_back(at, Write{entry.name, uid, entry.resource_version, *entry.wanted});
    }
  }
  // Who waits longest goes first, so that a few busy objects starve nobody.
  std::stable_sort(ready.begin(), ready.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Write> out;
  for (auto& [at, write] : ready) {
    if (in_flight_ >= options_.max_in_flight) break;
    Entry& entry = entries_.at(write.uid);
    entry.writing = std::exchange(entry.wanted, std::nullopt);
    entry.tokens -= 1;
    ++in_flight_;
    out.push_back(std::move(write));
  }
  return out;
}

// The entry whose write has come to an end; null if the object has gone meanwhile.
WriteSchedule::Entry* WriteSchedule::finish(const std::string& uid) {
  const auto found = entries_.find(uid);
  if (found == entries_.end() || !found->second.writing) return nullptr;
  --in_flight_;
  return &found->second;
}

void WriteSchedule::written(const std::string& uid, const std::string& resource_version, TimePoint now) {
  Entry* entry = finish(uid);
  if (entry == nullptr) return;
  entry->server = *std::exchange(entry->writing, std::nullopt);
  entry->resource_version = resource_version;
  // The watch may have been faster than the answer: then nothing is to be waited for.
  entry->echo = entry->seen_version == resource_version ? std::string{} : resource_version;
  entry->trust_cache = now + options_.cache_lag;
  entry->backoff.reset();
  settle(*entry);
}

void WriteSchedule::try_again(Entry& entry, Duration at_least, TimePoint now, double unit_random) {
  if (!entry.wanted) entry.wanted = std::move(entry.writing);
  entry.writing.reset();
  if (!entry.backoff) entry.backoff.emplace(options_.first_retry, options_.last_retry);
  entry.not_before = now + std::max(at_least, entry.backoff->next(unit_random));
  settle(entry);
}

void WriteSchedule::conflicted(const std::string& uid, TimePoint now, double unit_random) {
  Entry* entry = finish(uid);
  if (entry == nullptr) return;
  // It may have been our own write, answered too late, or somebody's that came with the echo of ours: the
  // cache tells, or will tell.
  believe(*entry);
  try_again(*entry, {}, now, unit_random);
}

void WriteSchedule::failed(const std::string& uid, Duration retry_after, TimePoint now, double unit_random) {
  if (Entry* entry = finish(uid)) try_again(*entry, retry_after, now, unit_random);
}

void WriteSchedule::postponed(const std::string& uid, Duration wait, TimePoint now) {
  Entry* entry = finish(uid);
  if (entry == nullptr) return;
  if (!entry->wanted) entry->wanted = std::move(entry->writing);
  entry->writing.reset();
  entry->tokens += 1;
  entry->not_before = now + wait;
  settle(*entry);
}

std::optional<TimePoint> WriteSchedule::deadline() const {
  std::optional<TimePoint> out;
  if (in_flight_ >= options_.max_in_flight) return out;
  for (const auto& [uid, entry] : entries_) {
    if (!entry.wanted || entry.writing) continue;
    const auto at = ready_at(entry);
    if (!out || at < *out) out = at;
  }
  return out;
}

}  // namespace vipra::cluster
