#include "announce/announcer.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace vipra::announce {
namespace {

constexpr TimePoint kNever = TimePoint::max();
// Before every time a driver can hand in, and far enough from the end of the axis to subtract from.
constexpr TimePoint kLongAgo{Duration::min() / 2};

}  // namespace

Announcer::Announcer(TokenBucket bucket) : bucket_{bucket} {}

void Announcer::add(RouterIndex router, Family family, std::uint32_t address_count) {
  VIPRA_CHECK(!slots_.contains(router));
  Slot slot = 0;
  if (free_.empty()) {
    slot = static_cast<Slot>(routers_.size());
    routers_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Router fresh;
  fresh.id = router;
  fresh.schedule = for_family(family);
  fresh.sent_at.assign(address_count, kLongAgo);
  fresh.scheduled_at = fresh.evidence_at = kNever;
  fresh.evidence_allowed = kLongAgo;
  routers_[slot] = std::move(fresh);
  slots_.emplace(router, slot);
}

void Announcer::remove(RouterIndex router) {
  const auto found = slots_.find(router);
  if (found == slots_.end()) return;
  halt(found->second);
  free_.push_back(found->second);
  slots_.erase(found);
}

void Announcer::resize(RouterIndex router, std::uint32_t address_count, TimePoint now) {
  auto* const it = find(router);
  VIPRA_CHECK(it != nullptr);
  const auto before = static_cast<std::uint32_t>(it->sent_at.size());
  if (address_count == before) return;
  const bool was_announcing = it->phase != Phase::kStopped;
  stop(router);
  it->sent_at.resize(address_count, kLongAgo);
  it->cursor = before < address_count ? before : 0;
  if (was_announcing) start(router, now);
}

void Announcer::start(RouterIndex router, TimePoint now) {
  auto* const it = find(router);
  VIPRA_CHECK(it != nullptr);
  if (it->sent_at.empty()) return;
  stop(router);
  it->phase = Phase::kIdle;
  it->first_pending = true;
  it->repeats_done = 0;
  it->started = it->scheduled_at = now;
  it->evidence_at = kNever;
  it->evidence_is_follow_up = false;
  wake_ = std::min(wake_, due_at(*it));
}

void Announcer::evidence(RouterIndex router, TimePoint now) {
  auto* const it = find(router);
  if (it == nullptr || it->phase == Phase::kStopped) return;
  it->evidence_at = std::min(it->evidence_at, std::max(now, it->evidence_allowed));
  it->evidence_is_follow_up = false;
  if (it->phase == Phase::kIdle) wake_ = std::min(wake_, due_at(*it));
}

void Announcer::stop(RouterIndex router) {
  const auto found = slots_.find(router);
  if (found != slots_.end()) halt(found->second);
}

bool Announcer::announcing(RouterIndex router) const {
  const auto found = slots_.find(router);
  return found != slots_.end() && routers_[found->second].phase != Phase::kStopped;
}

std::optional<TimePoint> Announcer::deadline() const noexcept {
  if (wake_ == kNever) return std::nullopt;
  return wake_;
}

void Announcer::step(TimePoint now, Sink& sink, std::size_t most) {
  if (now < wake_) return;
  collect_due(now);
  auto& [first, later] = queues_;
  while (most > 0 && (first.head != kNone || later.head != kNone)) {
    const auto announced = announce_next(first.head != kNone ? first : later, now, sink);
    if (!announced) break;
    if (*announced) --most;
  }
  find_wake(now);
}

Announcer::Router* Announcer::find(RouterIndex router) {
  const auto found = slots_.find(router);
  return found == slots_.end() ? nullptr : &routers_[found->second];
}

TimePoint Announcer::next_address_at(const Router& router) noexcept {
  return router.sent_at[router.cursor] + router.schedule.spacing;
}

TimePoint Announcer::due_at(const Router& router) noexcept {
  return std::max(std::min(router.scheduled_at, router.evidence_at), next_address_at(router));
}

Announcer::Queue& Announcer::queue_of(const Router& router) noexcept {
  return queues_[static_cast<std::size_t>(router.round_class)];
}

void Announcer::append(Slot slot) noexcept {
  auto& router = routers_[slot];
  auto& queue = queue_of(router);
  router.phase = Phase::kReady;
  router.before = queue.tail;
  router.after = kNone;
  (queue.tail == kNone ? queue.head : routers_[queue.tail].after) = slot;
  queue.tail = slot;
}

void Announcer::unlink(Slot slot) noexcept {
  auto& router = routers_[slot];
  auto& queue = queue_of(router);
  (router.before == kNone ? queue.head : routers_[router.before].after) = router.after;
  (router.after == kNone ? queue.tail : routers_[router.after].before) = router.before;
  router.before = router.after = kNone;
}

// One round serves the schedule and the evidence that are due by now.
void Announcer::begin_round(Router& router, TimePoint now) noexcept {
  const auto& schedule = router.schedule;
  router.left = static_cast<std::uint32_t>(router.sent_at.size());
  router.round_class = router.first_pending ? Class::kFirst : Class::kLater;
  if (router.scheduled_at <= now && !std::exchange(router.first_pending, false)) {
    router.repeats_done = std::min(router.repeats_done + 1, schedule.repeat_count);
  }
  if (router.repeats_done == schedule.repeat_count) {
    router.scheduled_at = now + schedule.refresh;
  } else if (router.scheduled_at <= now) {
    const auto planned = router.started + schedule.repeats[router.repeats_done];
    router.scheduled_at = std::max(planned, now + schedule.round_gap);
  }
  if (router.evidence_at <= now) {
    router.evidence_allowed = now + schedule.evidence_gap;
    router.evidence_at = router.evidence_is_follow_up ? kNever : router.evidence_allowed;
    router.evidence_is_follow_up = true;
  }
}

void Announcer::halt(Slot slot) noexcept {
  auto& router = routers_[slot];
  if (router.phase == Phase::kReady) unlink(slot);
  router.phase = Phase::kStopped;
  router.left = 0;
  router.scheduled_at = router.evidence_at = kNever;
}

void Announcer::collect_due(TimePoint now) noexcept {
  for (Slot slot = 0; slot < routers_.size(); ++slot) {
    auto& router = routers_[slot];
    if (router.phase == Phase::kIdle && due_at(router) <= now) {
      begin_round(router, now);
      append(slot);
    } else if (router.phase == Phase::kParked && router.resume_at <= now) {
      append(slot);
    }
  }
}

// Serves the head of the queue.
std::optional<bool> Announcer::announce_next(Queue& queue, TimePoint now, Sink& sink) {
  const Slot slot = queue.head;
  auto& router = routers_[slot];
  const auto allowed = next_address_at(router);
  if (allowed > now) {
    unlink(slot);
    router.phase = Phase::kParked;
    router.resume_at = allowed;
    return false;
  }
  if (!bucket_.try_take(now)) return std::nullopt;
  unlink(slot);
  const auto address = router.cursor;
  router.sent_at[address] = now;
  router.cursor = address + 1 == router.sent_at.size() ? 0 : address + 1;
  if (--router.left == 0) {
    router.phase = Phase::kIdle;
  } else {
    append(slot);
  }
  sink.announce(router.id, address);
  return true;
}

void Announcer::find_wake(TimePoint now) noexcept {
  wake_ = kNever;
  for (const auto& router : routers_) {
    if (router.phase == Phase::kIdle) wake_ = std::min(wake_, due_at(router));
    if (router.phase == Phase::kParked) wake_ = std::min(wake_, router.resume_at);
    if (router.phase == Phase::kReady) wake_ = std::min(wake_, bucket_.next_token_at(now));
  }
}

}  // namespace vipra::announce
