#include "router/foreign_routers.hpp"

#include <algorithm>
#include <chrono>

namespace vipra::router {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kIntervals = 4;
constexpr Duration kLeastPatience = seconds{5};
constexpr Duration kMostPatience = minutes{5};

}  // namespace

Duration ForeignRouter::patience() const noexcept {
  return std::clamp(interval * kIntervals, kLeastPatience, kMostPatience);
}

ForeignRouters::Heard ForeignRouters::heard(const IpAddress& source, const vrrp::Advertisement& advertisement,
                                            TimePoint at) noexcept {
  ++packets_;
  // A farewell: whoever gets another VRID resigns under the old one.
  if (advertisement.priority == vrrp::kResign) return {};
  const auto end = routers_.begin() + static_cast<std::ptrdiff_t>(count_);
  auto found = std::find_if(routers_.begin(), end, [&](const ForeignRouter& router) {
    return router.vrid == advertisement.vrid && router.version == advertisement.version &&
           router.source == source;
  });
  const bool appeared = found == end;
  if (appeared && count_ == kCapacity) {
    ++untracked_;
    return {};
  }
  if (appeared) {
    *found = {};
    found->vrid = advertisement.vrid;
    found->version = advertisement.version;
    found->source = source;
    found->first_seen = at;
    ++count_;
  }
  found->priority = advertisement.priority;
  found->interval = advertisement.interval;
  found->address_count = advertisement.address_count;
  for (std::size_t i = 0; i < found->addresses().size(); ++i)
    found->first_addresses[i] = advertisement.address(i);
  ++found->packets;
  found->last_seen = std::max(found->last_seen, at);
  const bool examine = at - found->first_seen >= kSettling && at - found->examined_at >= kExamination;
  if (examine) found->examined_at = at;
  const auto ends = found->last_seen + found->patience();
  wake_ = wake_ ? std::min(*wake_, ends) : ends;
  return {&*found, appeared, examine};
}

void ForeignRouters::find_wake() noexcept {
  wake_.reset();
  for (const auto& router : all()) {
    const auto ends = router.last_seen + router.patience();
    wake_ = wake_ ? std::min(*wake_, ends) : ends;
  }
}

}  // namespace vipra::router
