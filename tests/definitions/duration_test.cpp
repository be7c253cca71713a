#include "definitions/duration.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace vipra::definitions {
namespace {

using namespace std::chrono_literals;

struct Written {
  std::string_view text;
  Duration value;
  std::string_view canonical;
};

TEST(Gep2257Duration, ReadsEveryFormAndWritesTheShortest) {
  const Written table[] = {
      {"0s", 0s, "0s"},
      {"0h0m0s0ms", 0s, "0s"},
      {"1ms", 1ms, "1ms"},
      {"10ms", 10ms, "10ms"},
      {"100ms", 100ms, "100ms"},
      {"1000ms", 1s, "1s"},
      {"1s500ms", 1500ms, "1s500ms"},
      {"40s950ms", 40'950ms, "40s950ms"},
      {"40950ms", 40'950ms, "40s950ms"},
      {"90s", 90s, "1m30s"},
      {"1h", 1h, "1h"},
      {"1h30m", 90min, "1h30m"},
      {"30m1h", 90min, "1h30m"},
      {"1m1m", 2min, "2m"},
      {"00010s", 10s, "10s"},
      {"99999h59m59s999ms", 99999h + 59min + 59s + 999ms, "99999h59m59s999ms"},
  };
  for (const auto& row : table) {
    EXPECT_EQ(parse_duration(row.text), row.value) << row.text;
    EXPECT_EQ(format_duration(row.value), row.canonical) << row.text;
  }
}

TEST(Gep2257Duration, RefusesWhatTheFormatDoesNotKnow) {
  for (const auto* text :
       {"",      "0",   "1",   "ms", "s1", "1 s", " 1s",      "1s ",        "-1s",   "+1s",       "1.5s",
        "1e3ms", "1us", "1ns", "1d", "1S", "1H",  "100000ms", "1s1s1s1s1s", "1h-1m", "\xc2\xb5s", "1s\n"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(Gep2257Duration, DoesNotWriteWhatItCannotSay) {
  EXPECT_EQ(format_duration(-1ms), std::nullopt);
  EXPECT_EQ(format_duration(1us), std::nullopt);
  EXPECT_EQ(format_duration(1500us), std::nullopt);
  EXPECT_EQ(format_duration(100000h), std::nullopt);
}

}  // namespace
}  // namespace vipra::definitions
