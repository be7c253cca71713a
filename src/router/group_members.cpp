#include "router/group_members.hpp"

#include <algorithm>

namespace vipra::router {

void GroupMembers::keep(const std::vector<Member>& members) {
  std::erase_if(entries_, [&](const Entry& entry) {
    return !std::binary_search(members.begin(), members.end(), entry.member);
  });
}

bool GroupMembers::set(Member member, const MemberState& state) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.member == member; });
  if (found == entries_.end()) {
    entries_.push_back({member, state, std::nullopt});
    return true;
  }
  if (found->state == state) return false;
  found->state = state;
  return true;
}

void GroupMembers::judge(TimePoint now, bool stands, bool hears) {
  deadline_.reset();
  bool beaten = false;
  for (auto& entry : entries_) {
    if (!entry.state.beaten) {
      entry.beaten_since.reset();
      continue;
    }
    beaten = true;
    if (!stands) {
      // Whoever is no master waits for the next time that he is.
      entry.beaten_since.reset();
      continue;
    }
    if (!entry.beaten_since) entry.beaten_since = now;
    const auto at = *entry.beaten_since + entry.state.patience;
    if (at <= now) {
      may_stand_ = false;
    } else {
      deadline_ = deadline_ ? std::min(*deadline_, at) : at;
    }
  }
  if (!beaten || hears) may_stand_ = true;
}

const std::string& GroupMembers::fault() const noexcept {
  static const std::string kNone;
  for (const auto& entry : entries_) {
    if (!entry.state.fault.empty()) return entry.state.fault;
  }
  return kNone;
}

}  // namespace vipra::router
