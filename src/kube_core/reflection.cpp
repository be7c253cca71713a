#include "kube_core/reflection.hpp"

#include <algorithm>
#include <utility>

namespace vipra::kube {
namespace {

using namespace std::chrono_literals;

constexpr Duration kMaxRetryAfter = 1min;
constexpr int kMinPageLimit = 10;
constexpr int kFailuresBeforeRelist = 5;
constexpr int kFailuresOfInitialEvents = 2;

bool is_server_error(const Failure& failure) {
  return failure.kind == Failure::Kind::kStatus && failure.status >= 500;
}

Reason reason_of(const Failure& failure) {
  switch (failure.kind) {
    case Failure::Kind::kConnection:
      return Reason::kApiUnreachable;
    case Failure::Kind::kTooLarge:
    case Failure::Kind::kGarbage:
      return Reason::kApiBadAnswer;
    case Failure::Kind::kStatus:
      break;
  }
  switch (failure.status) {
    case 401:
    case 403:
      return Reason::kApiForbidden;
    case 404:
      return Reason::kApiNotFound;
    case 429:
      return Reason::kApiThrottled;
    default:
      return Reason::kApiFailed;
  }
}

}  // namespace

Reflection::Reflection(ReflectionOptions options)
    : options_{options},
      initial_events_work_{options.initial_events},
      limit_{options.page_limit},
      quick_{200ms, 2s},
      busy_{250ms, 5s},
      slow_{500ms, 30s} {}

Next Reflection::start(double random) {
  return read_all(Duration::zero(), random);
}

Next Reflection::read_all(Duration after, double random) {
  resource_version_.clear();
  if (initial_events_work_) return watch(after, random);
  return list(after);
}

Next Reflection::list(Duration after) {
  seen_.clear();
  resource_version_.clear();
  ++relists_;
  Next out;
  out.what = Next::What::kListPage;
  out.after = after;
  out.limit = limit_;
  return out;
}

// Without a resourceVersion it begins with everything.
Next Reflection::watch(Duration after, double random) {
  Next out;
  out.what = Next::What::kWatch;
  out.after = after;
  out.resource_version = resource_version_;
  out.initial_events = initial_ = resource_version_.empty();
  const auto span = static_cast<double>((options_.watch_timeout_max - options_.watch_timeout_min).count());
  out.timeout = options_.watch_timeout_min + Duration{static_cast<Duration::rep>(span * random)};
  if (initial_) {
    seen_.clear();
    ++relists_;
  }
  opened_.reset();
  heard_ = false;
  return out;
}

Next Reflection::listed(Page page, double random, Delta& delta) {
  const auto before = seen_.size();
  for (auto& object : page.objects) {
    seen_.insert(object->key);
    take(std::move(object), delta);
  }
  if (known_.size() > options_.max_objects) return give_up_on_size(random);
  if (!page.continue_token.empty()) {
    if (seen_.size() == before)  // or it would never end
      return list_failed({Failure::Kind::kGarbage, 0, {}, "a page of a list that adds nothing"}, random);
    Next out;
    out.what = Next::What::kListPage;
    out.limit = limit_;
    out.continue_token = std::move(page.continue_token);
    return out;
  }
  resource_version_ = std::move(page.resource_version);
  keep_only_seen(delta);
  complete(delta);
  return watch(Duration::zero(), random);
}

Next Reflection::list_failed(const Failure& failure, double random) {
  if (failure.kind == Failure::Kind::kTooLarge) limit_ = std::max(limit_ / 2, kMinPageLimit);
  if (failure.kind != Failure::Kind::kStatus || failure.status != 410) bad(failure);
  return list(wait_after(failure, random));
}

void Reflection::watch_opened(TimePoint now) {
  opened_ = now;
  if (!initial_ && !doubtful_) good();
}

std::optional<Next> Reflection::event(WatchEvent event, double random, Delta& delta) {
  if (event.type == WatchEvent::Type::kError) return stream_error(event, random);
  heard_ = true;
  watch_failures_ = 0;
  if (!initial_) settle();
  if (event.type == WatchEvent::Type::kBookmark) {
    if (!initial_) resource_version_ = std::move(event.resource_version);
    if (initial_ && event.initial_events_end) {
      initial_ = false;
      initial_failures_ = 0;
      resource_version_ = std::move(event.resource_version);
      keep_only_seen(delta);
      settle();
      complete(delta);
    }
    return std::nullopt;
  }
  if (!initial_) resource_version_ = std::move(event.resource_version);
  if (event.type == WatchEvent::Type::kDeleted) {
    seen_.erase(event.object->key);
    if (known_.erase(event.object->key) > 0 && state_.synced) delta.removed.push_back(event.object->key);
    return std::nullopt;
  }
  if (initial_) seen_.insert(event.object->key);
  take(std::move(event.object), delta);
  if (known_.size() > options_.max_objects) return give_up_on_size(random);
  return std::nullopt;
}

Next Reflection::watch_ended(const std::optional<Failure>& failure, TimePoint now, double random) {
  const bool lived = opened_ && (heard_ || now - *opened_ >= options_.short_watch);
  if (lived && !initial_ && !doubtful_ && (!failure || failure->kind == Failure::Kind::kConnection)) settle();
  if (initial_ && opened_ && (!failure || failure->kind == Failure::Kind::kConnection)) {
    // An older server may not know the option, and say nothing at the end of what there was.
    if (++initial_failures_ >= kFailuresOfInitialEvents) initial_events_work_ = false;
    return read_all(quick_.next(random), random);
  }
  if (!failure) return watch(lived ? Duration::zero() : quick_.next(random), random);
  if (failure->kind == Failure::Kind::kConnection) {
    if (!lived) {
      ++watch_failures_;
      bad(*failure);
    }
    const auto wait = wait_after(*failure, random);
    return opened_ && watch_failures_ >= kFailuresBeforeRelist ? read_all(wait, random) : watch(wait, random);
  }
  if (failure->kind == Failure::Kind::kStatus) return watch_refused(*failure, random);
  doubtful_ = true;
  return unreadable(*failure, random);
}

Next Reflection::watch_refused(const Failure& failure, double random) {
  if (failure.status == 410) return read_all(quick_.next(random), random);
  if (initial_ && (failure.status == 400 || failure.status == 422)) {
    initial_events_work_ = false;
    return list(Duration::zero());
  }
  bad(failure);
  const auto wait = wait_after(failure, random);
  // A resource that was absent may be another one when it is back, and a bad request would be one for ever.
  const bool anew = failure.status == 404 || failure.status == 400 || failure.status == 422;
  return anew ? read_all(wait, random) : watch(wait, random);
}

std::optional<Next> Reflection::stream_error(const WatchEvent& event, double random) {
  if (event.code == 410) return read_all(quick_.next(random), random);
  Failure failure{Failure::Kind::kStatus, event.code, {}, event.message};
  bad(failure);
  const auto wait = wait_after(failure, random);
  return ++watch_failures_ >= kFailuresBeforeRelist || initial_ ? read_all(wait, random)
                                                                : watch(wait, random);
}

Next Reflection::give_up_on_size(double random) {
  return unreadable({Failure::Kind::kTooLarge, 0, {}, "more objects than this program is made for"}, random);
}

// The stream makes no sense: a list is the surer way to go on.
Next Reflection::unreadable(const Failure& failure, double random) {
  bad(failure);
  return list(wait_after(failure, random));
}

Duration Reflection::wait_after(const Failure& failure, double random) {
  auto& backoff = failure.kind == Failure::Kind::kConnection ? quick_
                  : is_server_error(failure)                 ? busy_
                                                             : slow_;
  const auto wait = backoff.next(random);
  if (!failure.retry_after) return wait;
  const auto asked = std::clamp(*failure.retry_after, Duration::zero(), kMaxRetryAfter);
  return std::max(wait,
                  asked + Duration{static_cast<Duration::rep>(static_cast<double>(wait.count()) * random)});
}

// The connection has proved to be good.
void Reflection::settle() {
  quick_.reset();
  busy_.reset();
  slow_.reset();
  doubtful_ = false;
  good();
}

void Reflection::good() {
  if (state_.synced) state_ = {true, true, Reason::kNone, {}};
}

void Reflection::bad(const Failure& failure) {
  state_ = {state_.synced, false, reason_of(failure), failure.message};
}

void Reflection::take(ObjectPtr object, Delta& delta) {
  auto& known = known_[object->key];
  const bool same =
      known && (known->resource_version == object->resource_version || known->json == object->json);
  known = std::move(object);
  if (!same && state_.synced) delta.upserted.push_back(known);
}

void Reflection::keep_only_seen(Delta& delta) {
  for (auto it = known_.begin(); it != known_.end();) {
    if (seen_.contains(it->first)) {
      ++it;
      continue;
    }
    if (state_.synced) delta.removed.push_back(it->first);
    it = known_.erase(it);
  }
  seen_.clear();
}

void Reflection::complete(Delta& delta) {
  if (!state_.synced) {
    state_.synced = true;
    delta.first.emplace();
    for (const auto& [key, object] : known_) delta.first->push_back(object);
  }
  if (!doubtful_) good();
}

}  // namespace vipra::kube
