#include "router/conflict_watch.hpp"

#include <algorithm>

namespace vipra::router {

void ConflictWatch::set_interval(Duration interval) noexcept {
  window_ = std::clamp<Duration>(2 * interval, std::chrono::seconds{1}, announce::kDefendInterval);
}

void ConflictWatch::stood_down() noexcept {
  promoted_at_.reset();
  met_at_.reset();
  claim_.reset();
}

void ConflictWatch::met_master(TimePoint at) noexcept {
  met_at_ = at;
  if (claim_ && !claim_->strange) claim_.reset();
}

ConflictWatch::Verdict ConflictWatch::claimed(const IpAddress& ip, const MacAddress& mac,
                                              TimePoint at) noexcept {
  if ((promoted_at_ && at - *promoted_at_ < window_) || (met_at_ && at - *met_at_ < window_))
    return Verdict::kOrdinary;
  expire(at);
  const Claimant who{ip, mac};
  if (!claim_) {
    claim_ = Claim{who, at, at, at, false};
  } else if (claim_->named != who && at - claim_->named_at >= announce::kDefendInterval) {
    claim_->named = who;
    claim_->named_at = at;
  }
  claim_->last = std::max(claim_->last, at);
  return Verdict::kStrange;
}

void ConflictWatch::advertised(const OtherRouter& other, TimePoint at, Duration patience) noexcept {
  expire(at);
  if (!advertised_) {
    advertised_ = Advertised{other, at, at + patience};
  } else if (advertised_->named != other && at - advertised_->named_at >= announce::kDefendInterval) {
    advertised_->named = other;
    advertised_->named_at = at;
  }
  advertised_->until = std::max(advertised_->until, at + patience);
}

void ConflictWatch::expire(TimePoint now) noexcept {
  if (claim_ && now >= claim_->first + window_) claim_->strange = true;
  if (claim_ && now >= claim_->last + kClaimMemory) claim_.reset();
  if (advertised_ && now >= advertised_->until) advertised_.reset();
}

std::optional<TimePoint> ConflictWatch::deadline() const noexcept {
  std::optional<TimePoint> at;
  if (claim_) at = claim_->strange ? claim_->last + kClaimMemory : claim_->first + window_;
  if (advertised_) at = at ? std::min(*at, advertised_->until) : advertised_->until;
  return at;
}

std::optional<ConflictWatch::Claimant> ConflictWatch::claimant() const noexcept {
  if (!claim_ || !claim_->strange) return std::nullopt;
  return claim_->named;
}

std::optional<ConflictWatch::OtherRouter> ConflictWatch::other_router() const noexcept {
  if (!advertised_) return std::nullopt;
  return advertised_->named;
}

}  // namespace vipra::router
