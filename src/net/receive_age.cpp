#include "net/receive_age.hpp"

#include <algorithm>

namespace vipra::net {

Duration receive_age(Duration stamp, const ClockReading& now, const std::optional<ClockReading>& emptied,
                     Duration longest) noexcept {
  constexpr Duration kNone{0};
  if (!emptied) return std::clamp(now.wall - stamp, kNone, longest);
  const auto most = std::clamp(now.monotonic - emptied->monotonic, kNone, longest);
  const auto by_present = now.monotonic - (stamp - now.offset());
  const auto by_former = now.monotonic - (stamp - emptied->offset());
  const auto possible = [most](Duration age) { return age >= Duration{0} && age <= most; };
  if (possible(by_present) && possible(by_former)) return std::min(by_present, by_former);
  if (possible(by_former)) return by_former;
  return std::clamp(by_present, kNone, most);
}

}  // namespace vipra::net
