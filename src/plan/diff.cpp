#include "plan/diff.hpp"

namespace vipra::plan {

bool is_senior(const Seniority& a, const Seniority& b) noexcept {
  if (a.created_unix_s != b.created_unix_s) {
    if (!a.created_unix_s) return true;
    if (!b.created_unix_s) return false;
    return *a.created_unix_s < *b.created_unix_s;
  }
  return a.name < b.name;
}

Diff diff(const DesiredState* previous, const DesiredState& next) {
  Diff out;
  static const std::vector<VirtualRouter> kNone;
  const auto& old_routers = previous != nullptr ? previous->routers : kNone;
  auto old_at = old_routers.begin();
  for (const auto& router : next.routers) {
    while (old_at != old_routers.end() && old_at->id < router.id) out.removed.push_back((old_at++)->id);
    if (old_at == old_routers.end() || old_at->id != router.id) {
      out.added.push_back(&router);
      continue;
    }
    if (!(*old_at == router)) out.changed.push_back(&router);
    ++old_at;
  }
  while (old_at != old_routers.end()) out.removed.push_back((old_at++)->id);
  return out;
}

}  // namespace vipra::plan
