#include "announce/schedule.hpp"

#include <algorithm>

namespace vipra::announce {

using namespace std::chrono_literals;

namespace {

constexpr Duration kLeastGap = 10ms;

}  // namespace

Schedule for_family(Family family) {
  Schedule out;
  out.refresh = 60s;
  out.evidence_gap = 1s;
  out.follow_ups.push_back(1s);
  if (family == Family::kIpv4) {
    for (const Duration at : {Duration{100ms}, Duration{1s}, Duration{5s}}) out.repeats.push_back(at);
    out.follow_ups.push_back(5s);
    out.round_gap = 100ms;
    return out;
  }
  // RFC 4861 section 7.2.6: at most MAX_NEIGHBOR_ADVERTISEMENT (3) in a row, at least RetransTimer (1 s)
  // apart.
  for (const Duration at : {Duration{1s}, Duration{2s}}) out.repeats.push_back(at);
  out.round_gap = out.spacing = 1s;
  return out;
}

Schedule schedule_of(Family family, const plan::Announcements& announcements) {
  auto out = for_family(family);
  out.refresh = announcements.refresh;
  out.evidence_gap = std::max(announcements.evidence_interval, out.spacing);
  out.repeats.clear();
  Duration before{};
  for (const auto repeat : announcements.repeats) {
    if (out.repeats.size() == kMaxRepeats) break;
    out.repeats.push_back(repeat);
    // Late rounds come no closer than the closest two that are wanted.
    out.round_gap = std::max({std::min(out.round_gap, repeat - before), kLeastGap, out.spacing});
    before = repeat;
  }
  return out;
}

}  // namespace vipra::announce
