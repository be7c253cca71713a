#include "agent/supervisor/kept_state.hpp"

#include <utility>
#include <vector>

#include "channel/protocol.hpp"
#include "sys/memfd.hpp"

namespace vipra::supervisor {

Result<channel::DesiredStateSummary> KeptState::replace_desired(sys::UniqueFd fd,
                                                                const channel::v1::DesiredStateRef& ref) {
  const auto view = sys::SealedView::map(fd.get(), ref.size(), channel::kMaxDesiredStateBytes);
  if (!view) return tl::unexpected{view.error()};
  auto summary = channel::check_desired_state(view->bytes());
  if (!summary) return summary;
  if (summary->generation != ref.generation()) {
    return fail(Errc::kInvalid, "the desired state has another generation than announced");
  }
  desired_fd_ = std::move(fd);
  desired_ref_ = ref;
  return summary;
}

Status KeptState::replace_contributions(int fd, const channel::v1::ContributionSetRef& ref, TimePoint now) {
  auto list = channel::read_contribution_set_file(fd, ref);
  if (!list) return tl::unexpected{std::move(list).error()};
  contributions_.clear();
  for (auto& item : *list) {
    channel::ContributionKey key{item.consumer, item.source};
    contributions_.emplace(std::move(key), std::move(item));
  }
  contributions_known_ = true;
  confirmed_ = now;
  stale_ = false;
  return {};
}

Status KeptState::merge(const channel::v1::ContributionDelta& delta, TimePoint now) {
  auto changes = channel::from_proto(delta);
  if (!changes) return tl::unexpected{std::move(changes).error()};
  if (contributions_.size() + changes->upserts.size() > channel::kMaxContributions) {
    return fail(Errc::kInvalid, "too many contributions");
  }
  for (const auto& key : changes->removals) contributions_.erase(key);
  for (auto& item : changes->upserts) {
    channel::ContributionKey key{item.consumer, item.source};
    contributions_.insert_or_assign(std::move(key), std::move(item));
  }
  contributions_known_ = true;
  confirmed_ = now;
  stale_ = false;
  return {};
}

std::optional<TimePoint> KeptState::stale_at() const {
  if (stale_ || contributions_.empty()) return std::nullopt;
  return confirmed_ + kFresh;
}

bool KeptState::grow_stale(TimePoint now) {
  const auto at = stale_at();
  if (!at || now < *at) return false;
  stale_ = true;
  return true;
}

Result<channel::ContributionSetFile> KeptState::contributions() const {
  std::vector<plan::Contribution> list;
  list.reserve(contributions_.size());
  for (const auto& [key, item] : contributions_) {
    list.push_back(item);
    list.back().stale = item.stale || stale_;
  }
  return channel::make_contribution_set_file(list);
}

}  // namespace vipra::supervisor
