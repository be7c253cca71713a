#include "router/path_watch.hpp"

#include <algorithm>

namespace vipra::router {

void PathWatch::heard(vrrp::Path path, const IpAddress& sender, TimePoint at, Duration patience) {
  expire(at);
  patience_ = patience;
  const auto other = path == vrrp::Path::kMulticast ? vrrp::Path::kUnicast : vrrp::Path::kMulticast;
  auto& other_at = heard_at_[static_cast<std::size_t>(other)];
  heard_at_[static_cast<std::size_t>(path)] = at;
  if (!other_at) other_at = at;  // from now on it is missed
  if (silent_ == path) silent_.reset();
  if (at - *other_at <= patience) return;
  silent_ = other;
  sender_ = sender;
}

std::optional<TimePoint> PathWatch::heard_last() const noexcept {
  std::optional<TimePoint> latest;
  for (const auto& at : heard_at_) {
    if (at) latest = latest ? std::max(*latest, *at) : *at;
  }
  return latest;
}

void PathWatch::expire(TimePoint now) {
  if (const auto latest = heard_last(); latest && now - *latest > patience_) reset();
}

std::optional<TimePoint> PathWatch::deadline() const noexcept {
  if (!silent_) return std::nullopt;
  return *heard_last() + patience_ + Duration{1};
}

}  // namespace vipra::router
