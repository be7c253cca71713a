#include "lab/probe_report.hpp"

#include <algorithm>
#include <cstdio>

#include "lab/clock.hpp"

namespace vipra::lab {

Duration ProbeReport::longest_outage() const {
  Duration longest{};
  for (const auto& outage : outages) longest = std::max(longest, outage.length);
  return longest;
}

Duration ProbeReport::longest_stall() const {
  Duration longest{};
  for (const auto& stall : stalls) longest = std::max(longest, stall.length());
  return longest;
}

std::vector<std::string> ProbeReport::owner_names() const {
  std::vector<std::string> names;
  names.reserve(owners.size());
  for (const auto& owner : owners) names.push_back(owner.node);
  return names;
}

std::string ProbeReport::summary() const {
  char text[256];
  std::snprintf(
      text, sizeof text,
      "%s: %llu sent, %llu lost, longest outage %.1f ms, longest round trip %.1f ms, host stalls %zu "
      "(longest %.1f ms), owners:",
      target.c_str(), static_cast<unsigned long long>(sent), static_cast<unsigned long long>(lost),
      to_ms(longest_outage()), to_ms(longest_round_trip), stalls.size(), to_ms(longest_stall()));
  std::string line = text;
  for (const auto& owner : owners) line += " " + owner.node + " x" + std::to_string(owner.answers);
  return line;
}

}  // namespace vipra::lab
