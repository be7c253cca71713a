#include "lab/demo_story.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "lab/clock.hpp"

namespace vipra::lab {
namespace {

// What a client may wait beyond the election itself: answering, ARP, and the probe's own millisecond.
constexpr Duration kMargin = std::chrono::milliseconds{10};

std::string line_of(const Finding& finding, int width) {
  char text[320];
  char bound[64] = "no probe may be lost";
  if (finding.bound)
    std::snprintf(bound, sizeof bound, "bound %.1f + %.0f ms", to_ms(*finding.bound), to_ms(kMargin));
  const char* verdict = finding.good() ? "ok" : "MISSED";
  if (finding.host_stalled) verdict = "not judged: this machine itself stalled meanwhile";
  std::snprintf(text, sizeof text, "%-*s %5llu lost, outage %7.1f ms   %-22s %s", width, finding.what.c_str(),
                static_cast<unsigned long long>(finding.lost), to_ms(finding.outage), bound, verdict);
  return text;
}

}  // namespace

std::string seconds_text(Duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", std::chrono::duration<double>{d}.count());
  return text;
}

void tell_end(bool good, Duration took, bool files_kept) {
  std::cout << "\n"
            << (good ? "Done" : "Ended") << " in " << seconds_text(took)
            << (files_kept ? "; the logs are kept" : "; nothing is left behind") << ".\n";
}

bool Finding::good() const {
  if (host_stalled) return true;
  return bound ? outage <= *bound + kMargin : lost == 0;
}

Finding finding_of(std::string what, const ProbeReport& report, std::optional<Duration> bound) {
  const bool stalled = std::any_of(report.outages.begin(), report.outages.end(),
                                   [](const Outage& outage) { return outage.host_stalled; });
  return {std::move(what), report.longest_outage(), report.lost, bound, stalled};
}

void Story::step(const std::string& title) {
  std::cout << "\n" << ++steps_ << ". " << title << '\n' << std::flush;
}
void Story::say(const std::string& text) {
  std::cout << "   " << text << '\n' << std::flush;
}

void Story::add(const Finding& finding) {
  say("measured: " + line_of(finding, 0));
  findings_.push_back(finding);
}

std::string Story::table() const {
  std::size_t width = 0;
  for (const auto& finding : findings_) width = std::max(width, finding.what.size());
  std::string text;
  for (const auto& finding : findings_) text += "   " + line_of(finding, static_cast<int>(width)) + "\n";
  return text;
}

bool Story::all_good() const {
  return std::all_of(findings_.begin(), findings_.end(),
                     [](const Finding& finding) { return finding.good(); });
}

}  // namespace vipra::lab
