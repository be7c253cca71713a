#include "bench/series.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace vipra::bench {
namespace {
double to_ms(Duration d) {
  return std::chrono::duration<double, std::milli>{d}.count();
}
}  // namespace

bool Series::kept() const {
  if (!error.empty() || runs.empty()) return false;
  return std::all_of(runs.begin(), runs.end(),
                     [this](const Run& run) { return bound ? run.outage <= *bound : run.lost == 0; });
}

std::string table_head() {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "%-34s %5s %11s %11s %11s %9s %9s  %s", "", "runs", "median ms",
                "max ms", "bound ms", "lost max", "repeated", "kept");
  return text.data();
}

std::string Series::row() const {
  std::vector<Duration> outages;
  std::size_t lost = 0;
  for (const auto& run : runs) {
    outages.push_back(run.outage);
    lost = std::max(lost, run.lost);
  }
  std::sort(outages.begin(), outages.end());
  const auto median = outages.empty() ? Duration{} : outages[outages.size() / 2];
  const auto max = outages.empty() ? Duration{} : outages.back();
  std::array<char, 32> limit{};
  if (bound) {
    std::snprintf(limit.data(), limit.size(), "%.1f", to_ms(*bound));
  } else {
    std::snprintf(limit.data(), limit.size(), "%s", "0 lost");
  }
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(), "%-34s %5zu %11.1f %11.1f %11s %9zu %9zu  %s%s%s", name.c_str(),
                runs.size(), to_ms(median), to_ms(max), limit.data(), lost, repeated, kept() ? "yes" : "NO",
                error.empty() ? "" : ": ", error.c_str());
  return text.data();
}

}  // namespace vipra::bench
