#include "report/utf8.hpp"

#include <gtest/gtest.h>

#include "tests/report/dynamic_report.hpp"

namespace vipra::report {
namespace {

TEST(Utf8, TellsWellFormedFromTheRest) {
  struct Case {
    const char* what;
    std::string text;
    bool good;
  };
  const std::vector<Case> cases{
      {"empty", "", true},
      {"ascii with control characters", std::string{"a\0\x1b[31m\n", 8}, true},
      {"two bytes", "\xc3\xa4", true},
      {"three bytes", "\xe2\x82\xac", true},
      {"four bytes", "\xf0\x9f\x98\x80", true},
      {"last code point", "\xf4\x8f\xbf\xbf", true},
      {"lone continuation", "\x80", false},
      {"overlong slash", "\xc0\xaf", false},
      {"overlong three", "\xe0\x80\xaf", false},
      {"surrogate", "\xed\xa0\x80", false},
      {"beyond the last", "\xf4\x90\x80\x80", false},
      {"cut short", "ab\xe2\x82", false},
      {"latin-1", "f\xfcr", false},
      {"0xff", "\xff", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(is_utf8(c.text), c.good) << c.what;
    EXPECT_TRUE(is_utf8(repaired_utf8(c.text))) << c.what;
    EXPECT_EQ(repaired_utf8(c.text) == c.text, c.good) << c.what;
  }
  EXPECT_EQ(repaired_utf8("f\xfcr"), "f\xef\xbf\xbdr");
}

TEST(Utf8, EveryStringOfTheReportIsVisitedOnce) {
  const DynamicReport dynamic{VIPRA_REPORT_DESCRIPTORS};
  int visited = 0;
  for_each_string(dynamic.lite(), [&](const std::string& text) { visited += text.empty() ? 0 : 1; });
  EXPECT_EQ(visited, dynamic.strings());
}

TEST(Utf8, RepairsNestedStringsAndLeavesGoodOnesAlone) {
  v1::NodeReport report;
  report.set_node("node-\xff");
  report.add_virtual_ips()->add_problems()->set_origin("/etc/b\xe4r.yaml");
  report.add_routers()->set_detail("good");
  EXPECT_FALSE(all_strings_utf8(report));
  repair_strings(report);
  EXPECT_TRUE(all_strings_utf8(report));
  EXPECT_EQ(report.node(), "node-\xef\xbf\xbd");
  EXPECT_EQ(report.virtual_ips(0).problems(0).origin(), "/etc/b\xef\xbf\xbdr.yaml");
  EXPECT_EQ(report.routers(0).detail(), "good");
  EXPECT_EQ(v1::NodeReport{}.node(), "");
}

}  // namespace
}  // namespace vipra::report
