#include "kube_core/lease_machine.hpp"

#include <algorithm>
#include <utility>

namespace vipra::kube {
namespace {

using namespace std::chrono_literals;

constexpr Duration kAfterUnknown = 300ms;

Duration duration_of(const LeaseRecord& record, Duration ours) {
  return record.duration_seconds > 0 ? Duration{std::chrono::seconds{record.duration_seconds}} : ours;
}

}  // namespace

bool is_sane(const LeaseTimes& times) {
  const bool whole = times.duration % 1s == Duration::zero();
  return whole && times.renew_every > 0ns && times.retry_every > 0ns && times.request_limit > 0ns &&
         times.renew_every + 2 * times.request_limit < times.duration;
}

LeaseMachine::LeaseMachine(std::string identity, LeaseTimes times)
    : identity_{std::move(identity)}, times_{times} {}

LeaseMachine::Action LeaseMachine::next(BootTimePoint now, std::int64_t unix_ns, double random) {
  random_ = random;
  if (busy_ || released_ || now < due_) return {};
  if (!known_) {
    busy_ = true;
    return {Action::What::kRead, {}};
  }
  const bool ours = exists_ && seen_.holder == identity_;
  if (releasing_ && !ours) {
    released_ = true;
    return {};
  }
  if (!exists_) return write(Action::What::kCreate, now, unix_ns);
  return write(Action::What::kReplace, now, unix_ns);
}

BootTimePoint LeaseMachine::deadline() const noexcept {
  auto out = busy_ || released_ ? BootTimePoint::max() : due_;
  if (held_until_) out = std::min(out, *held_until_);
  return out;
}

Duration LeaseMachine::jittered(Duration wait) const {
  return wait - Duration{static_cast<Duration::rep>(static_cast<double>(wait.count()) / 4 * random_)};
}

bool LeaseMachine::takeable(BootTimePoint now) const noexcept {
  return !exists_ || seen_.holder.empty() || now - seen_at_ >= duration_of(seen_, times_.duration);
}

LeaseMachine::Action LeaseMachine::write(Action::What what, BootTimePoint now, std::int64_t unix_ns) {
  // Never the same twice, also when the wall clock stands still or goes back.
  last_renew_us_ = std::max(last_renew_us_ + 1, unix_ns / 1000);
  auto record = seen_;
  record.renew_time = micro_time(last_renew_us_ * 1000);
  if (releasing_) {
    record.holder.clear();
    record.duration_seconds = 1;
  } else {
    if (record.holder != identity_) {
      record.acquire_time = record.renew_time;
      if (what == Action::What::kReplace) ++record.transitions;
    }
    record.holder = identity_;
    record.duration_seconds = std::chrono::duration_cast<std::chrono::seconds>(times_.duration).count();
    attempts_.insert_or_assign(record.renew_time, now);
  }
  write_began_ = now;
  busy_ = true;
  return {what, std::move(record)};
}

void LeaseMachine::observe(LeaseRecord record, BootTimePoint now) {
  if (!exists_ || record.resource_version != seen_.resource_version) seen_at_ = now;
  seen_ = std::move(record);
  exists_ = true;
}

void LeaseMachine::read(std::optional<LeaseRecord> record, BootTimePoint now) {
  busy_ = false;
  due_ = now;
  known_ = true;
  if (!record) {
    // Whoever else sees that there is none takes it at once.
    exists_ = false;
    seen_ = {};
    held_until_.reset();
    attempts_.clear();
    return;
  }
  observe(std::move(*record), now);
  if (seen_.holder == identity_) {
    const auto attempt = attempts_.find(seen_.renew_time);
    if (attempt != attempts_.end()) held_until_ = attempt->second + times_.duration;
    attempts_.clear();
    return;
  }
  held_until_.reset();
  if (releasing_ || takeable(now)) return;
  attempts_.clear();
  known_ = false;
  const auto runs_out = seen_at_ + duration_of(seen_, times_.duration);
  due_ = std::min(now + jittered(times_.retry_every), runs_out);
}

void LeaseMachine::read_failed(BootTimePoint now) {
  busy_ = false;
  known_ = false;
  due_ = now + jittered(held_until_ ? std::min<Duration>(times_.retry_every, 1s) : times_.retry_every);
}

void LeaseMachine::wrote(Outcome outcome, std::optional<LeaseRecord> written, BootTimePoint now) {
  busy_ = false;
  known_ = false;
  due_ = now;
  switch (outcome) {
    case Outcome::kDone:
      if (releasing_ && written && written->holder.empty()) {
        released_ = true;
        held_until_.reset();
        return;
      }
      if (!written || written->holder != identity_) return;  // read what there is
      observe(std::move(*written), now);
      known_ = true;
      attempts_.clear();
      held_until_ = write_began_ + times_.duration;
      due_ = releasing_ ? now : write_began_ + times_.renew_every;
      return;
    case Outcome::kConflict:
      return;
    case Outcome::kMissing:
      held_until_.reset();
      due_ = now + jittered(times_.retry_every);
      return;
    case Outcome::kRefused:
      due_ = now + jittered(std::min<Duration>(times_.retry_every, 1s));
      return;
    case Outcome::kUnknown:
      due_ = now + kAfterUnknown;
      return;
  }
}

void LeaseMachine::release() {
  releasing_ = true;
  due_ = BootTimePoint::min();
  // One that has never tried to hold it has nothing to give up.
  if (!busy_ && !held_until_ && attempts_.empty() && !(known_ && seen_.holder == identity_)) released_ = true;
}

bool LeaseMachine::released() const noexcept {
  return released_;
}

bool LeaseMachine::leading(BootTimePoint now) const noexcept {
  return remaining(now) > Duration::zero();
}

Duration LeaseMachine::remaining(BootTimePoint now) const noexcept {
  if (!held_until_ || releasing_) return Duration::zero();
  return std::max(*held_until_ - now, Duration::zero());
}

}  // namespace vipra::kube
