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

void Announcer::add(RouterIndex router, const Schedule& schedule, std::uint32_t address_count) {
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
  fresh.schedule = schedule;
  fresh.sent_at.assign(address_count, kLongAgo);
  fresh.defended_at.assign(address_count, kLongAgo);
  fresh.defend_at.assign(address_count, kNever);
  fresh.scheduled_at = fresh.evidence_at = kNever;
  fresh.evidence_round_at = kLongAgo;
  routers_[slot] = std::move(fresh);
  slots_.emplace(router, slot);
}

void Announcer::configure(RouterIndex index, const Schedule& schedule) {
  auto* const router = find(index);
  if (router == nullptr || router->schedule == schedule) return;
  router->schedule = schedule;
  if (router->phase == Phase::kStopped) return;
  if (router->evidence_is_new && router->evidence_at != kNever)
    router->evidence_at = std::min(router->evidence_at, router->evidence_round_at + schedule.evidence_gap);
  if (!router->first_pending) {
    const auto& repeats = schedule.repeats;
    router->repeats_done =
        static_cast<std::size_t>(std::count_if(repeats.begin(), repeats.end(), [&](Duration repeat) {
          return router->started + repeat <= router->scheduled_round_at;
        }));
    schedule_next(*router);
  }
  if (router->phase == Phase::kIdle) wake_ = std::min(wake_, due_at(*router));
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
  it->defended_at.resize(address_count, kLongAgo);
  it->defend_at.resize(address_count, kNever);
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
  wake_ = std::min(wake_, due_at(*it));
}

void Announcer::evidence(RouterIndex router, TimePoint now) {
  auto* const it = find(router);
  if (it == nullptr || it->phase == Phase::kStopped) return;
  it->evidence_at =
      std::min(it->evidence_at, std::max(now, it->evidence_round_at + it->schedule.evidence_gap));
  it->evidence_is_new = true;
  if (it->phase == Phase::kIdle) wake_ = std::min(wake_, due_at(*it));
}

void Announcer::defend(RouterIndex router, std::uint32_t address_index, TimePoint now) {
  auto* const it = find(router);
  if (it == nullptr || it->phase == Phase::kStopped || address_index >= it->defend_at.size()) return;
  auto& at = it->defend_at[address_index];
  at = std::min(at, std::max(now, it->defended_at[address_index] + kDefendInterval));
  it->defence_at = std::min(it->defence_at, defence_of(*it, address_index));
  wake_ = std::min(wake_, it->defence_at);
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
  const auto serve = [&](Queue& queue) {
    while (queue.head != kNone) {
      if (most == 0) return false;
      const auto announced = announce_next(queue, now, sink);
      if (!announced) return false;
      if (*announced) --most;
    }
    return true;
  };
  if (serve(first) && serve_defences(now, sink, most)) static_cast<void>(serve(later));
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
  router.round_at = now;
  const bool scheduled = router.scheduled_at <= now;
  if (scheduled) {
    router.scheduled_round_at = now;
    if (!std::exchange(router.first_pending, false))
      router.repeats_done = std::min(router.repeats_done + 1, schedule.repeats.size());
  }
  if (scheduled || router.repeats_done == schedule.repeats.size()) schedule_next(router);
  if (router.evidence_at > now) return;
  router.evidence_round_at = now;
  if (std::exchange(router.evidence_is_new, false)) {
    router.answered_at = now;
    router.follow_ups_done = 0;
  } else {
    ++router.follow_ups_done;
  }
  router.evidence_at = kNever;
  if (router.follow_ups_done < schedule.follow_ups.size()) {
    router.evidence_at = std::max(router.answered_at + schedule.follow_ups[router.follow_ups_done],
                                  now + schedule.evidence_gap);
  }
}

// From what was announced, by the figures of now.
void Announcer::schedule_next(Router& router) noexcept {
  const auto& schedule = router.schedule;
  if (router.repeats_done >= schedule.repeats.size()) {
    router.scheduled_at = router.round_at + schedule.refresh;
  } else {
    router.scheduled_at = std::max(router.started + schedule.repeats[router.repeats_done],
                                   router.scheduled_round_at + schedule.round_gap);
  }
}

TimePoint Announcer::defence_of(const Router& router, std::uint32_t address) noexcept {
  return std::max(router.defend_at[address], router.sent_at[address] + router.schedule.spacing);
}

void Announcer::find_defence(Router& router) noexcept {
  router.defence_at = kNever;
  for (std::uint32_t address = 0; address < router.defend_at.size(); ++address)
    router.defence_at = std::min(router.defence_at, defence_of(router, address));
}

// False when the bucket is empty.
bool Announcer::serve_defences(TimePoint now, Sink& sink, std::size_t& most) {
  for (auto& router : routers_) {
    if (router.phase == Phase::kStopped || router.defence_at > now) continue;
    for (std::uint32_t address = 0; address < router.defend_at.size(); ++address) {
      if (defence_of(router, address) > now) continue;
      if (most == 0 || !bucket_.try_take(now)) return false;
      --most;
      router.sent_at[address] = router.defended_at[address] = now;
      router.defend_at[address] = kNever;
      sink.announce(router.id, address);
    }
    find_defence(router);
  }
  return true;
}

void Announcer::halt(Slot slot) noexcept {
  auto& router = routers_[slot];
  if (router.phase == Phase::kReady) unlink(slot);
  router.phase = Phase::kStopped;
  router.left = 0;
  router.scheduled_at = router.evidence_at = kNever;
  if (router.defence_at == kNever) return;
  std::fill(router.defend_at.begin(), router.defend_at.end(), kNever);
  router.defence_at = kNever;
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
    if (router.phase != Phase::kStopped && router.defence_at != kNever)
      wake_ = std::min(wake_, std::max(router.defence_at, bucket_.next_token_at(now)));
  }
}

}  // namespace vipra::announce
