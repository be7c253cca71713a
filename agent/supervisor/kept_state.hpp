// What control said last, kept so that a restarted speaker needs nobody else: the desired state as the sealed
// memory file it came in, and the contributions as one merged set.
//
// Both are judged when they come. A desired state that a speaker would refuse must not replace one that
// works: the next speaker would have nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/result.hpp"
#include "base/time.hpp"
#include "channel/convert.hpp"
#include "plan/desired_state.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::supervisor {

class KeptState {
 public:
  // Keeps the last good one on an error.
  [[nodiscard]] Result<channel::DesiredStateSummary> replace_desired(sys::UniqueFd fd,
                                                                     const channel::v1::DesiredStateRef& ref);
  [[nodiscard]] Status replace_contributions(int fd, const channel::v1::ContributionSetRef& ref,
                                             TimePoint now);
  [[nodiscard]] Status merge(const channel::v1::ContributionDelta& delta, TimePoint now);

  // What control has not confirmed for kFresh is kept and marked: a control that hangs or is gone freezes its
  // last verdicts. True when that has just become so.
  static constexpr Duration kFresh = std::chrono::seconds{6};
  [[nodiscard]] bool grow_stale(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> stale_at() const;
  [[nodiscard]] bool stale() const noexcept { return stale_; }

  [[nodiscard]] bool has_desired() const noexcept { return static_cast<bool>(desired_fd_); }
  [[nodiscard]] int desired_fd() const noexcept { return desired_fd_.get(); }
  [[nodiscard]] const channel::v1::DesiredStateRef& desired_ref() const noexcept { return desired_ref_; }

  // False until control said anything about contributions, which is not the same as an empty set.
  [[nodiscard]] bool has_contributions() const noexcept { return contributions_known_; }
  [[nodiscard]] std::size_t contribution_count() const noexcept { return contributions_.size(); }
  [[nodiscard]] Result<channel::ContributionSetFile> contributions() const;

 private:
  sys::UniqueFd desired_fd_;
  channel::v1::DesiredStateRef desired_ref_;
  bool contributions_known_ = false;
  bool stale_ = false;
  TimePoint confirmed_{};
  std::map<channel::ContributionKey, plan::Contribution> contributions_;
};

}  // namespace vipra::supervisor
