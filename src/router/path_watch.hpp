// Whether the master is heard on both paths, where advertisements travel on both. Pure; never allocates.
//
// Only while somebody is heard can a path be called silent: a master hears nobody, and knows nothing of
// paths.
#pragma once

#include <array>
#include <optional>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "vrrp/types.hpp"

namespace vipra::router {

class PathWatch {
 public:
  // An advertisement of somebody who is expected on both paths. `patience` is how long the other path may be
  // silent: the Active_Down_Interval.
  void heard(vrrp::Path path, const IpAddress& sender, TimePoint at, Duration patience);
  // Nobody was heard for the patience: then neither path is known to be worse than the other.
  void expire(TimePoint now);
  // When it may do so: a silent path is told of no longer than somebody is heard.
  [[nodiscard]] std::optional<TimePoint> deadline() const noexcept;
  void reset() noexcept { *this = {}; }

  // The path that is silent while the other is heard.
  [[nodiscard]] std::optional<vrrp::Path> silent() const noexcept { return silent_; }
  // Whom the other one brings.
  [[nodiscard]] const IpAddress& sender() const noexcept { return sender_; }

 private:
  [[nodiscard]] std::optional<TimePoint> heard_last() const noexcept;

  std::array<std::optional<TimePoint>, 2> heard_at_;  // by vrrp::Path; since when it is waited for, at first
  std::optional<vrrp::Path> silent_;
  IpAddress sender_;
  Duration patience_{};
};

}  // namespace vipra::router
