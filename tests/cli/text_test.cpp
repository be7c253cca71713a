#include "cli/text.hpp"

#include <gtest/gtest.h>

#include "cli/names.hpp"

namespace vipra::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(Text, WhatMovesACursorOrHidesTextIsEscaped) {
  EXPECT_EQ(printable("web-1 10.0.0.1 ä€😀"), "web-1 10.0.0.1 ä€😀");
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(printable("a\nb\tc\rd\x7f"), "a\\nb\\tc\\rd\\x7f");
  EXPECT_EQ(printable(std::string_view{"a\0b", 3}), "a\\x00b");
  EXPECT_EQ(printable("\xc2\x9b"), "\\x9b");
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\u202e");
  EXPECT_EQ(printable("\xef\xbb\xbf"), "\\ufeff");
  EXPECT_EQ(printable("f\xfcr\xe2\x82"), "f\\xfcr\\xe2\\x82");
}

TEST(Text, AgesReadAsPeopleSayThem) {
  EXPECT_EQ(humanised(-5 * kSecond), "0s");
  EXPECT_EQ(humanised(kSecond - 1), "0s");
  EXPECT_EQ(humanised(12 * kSecond), "12s");
  EXPECT_EQ(humanised(60 * kSecond), "1m");
  EXPECT_EQ(humanised(303 * kSecond), "5m3s");
  EXPECT_EQ(humanised(3600 * kSecond), "1h");
  EXPECT_EQ(humanised((3 * 3600 + 12 * 60 + 59) * kSecond), "3h12m");
  EXPECT_EQ(humanised((2 * 86400 + 4 * 3600) * kSecond), "2d4h");
  EXPECT_EQ(age(0, kSecond), "-");
  EXPECT_EQ(age(5 * kSecond, 65 * kSecond), "1m");
}

TEST(Text, IntervalsAndMoments) {
  EXPECT_EQ(interval_text(kSecond / 10), "100ms");
  EXPECT_EQ(interval_text(kSecond), "1s");
  EXPECT_EQ(interval_text(40'950'000'000), "40.95s");
  EXPECT_EQ(interval_text(1'050'000'000), "1.05s");
  EXPECT_EQ(utc(1'795'316'400 * kSecond), "2026-11-22 03:00:00 UTC");
  EXPECT_EQ(utc_millis(951'827'696 * kSecond + 789'999'999), "2000-02-29 12:34:56.789 UTC");
  EXPECT_EQ(utc(-1), "1969-12-31 23:59:59 UTC");
}

TEST(Text, ColumnsAlignByCodePointsAndLinesHaveNoTrailingBlanks) {
  EXPECT_EQ(table_text({{"NAME", "STATE"}, {"äö", ""}, {"longer", "Master"}}),
            "NAME    STATE\n"
            "äö      -\n"
            "longer  Master\n");
  EXPECT_EQ(table_text({}), "");
}

TEST(Text, CloseNamesAreOfferedBestFirst) {
  const std::vector<std::string> names{"api", "ingress", "web", "web-internal"};
  EXPECT_EQ(close_names("wbe", names, 5), (std::vector<std::string>{}));
  EXPECT_EQ(close_names("wed", names, 5), std::vector<std::string>{"web"});
  EXPECT_EQ(close_names("web-internl", names, 5), std::vector<std::string>{"web-internal"});
  EXPECT_EQ(close_names("inte", names, 5), std::vector<std::string>{"web-internal"});
  EXPECT_EQ(close_names("web", names, 1).size(), 1u);
  EXPECT_TRUE(close_names("", names, 5).empty());
  EXPECT_TRUE(close_names(std::string(100'000, 'a'), names, 5).empty());
}

TEST(Names, AreThoseOfTheReasonListAndUnknownNumbersStayVisible) {
  EXPECT_EQ(name(wire::REASON_LOWER_PRIORITY), "LowerPriority");
  EXPECT_EQ(name(wire::STATE_MASTER), "Master");
  EXPECT_EQ(name(wire::DROP_REASON_TTL), "Ttl");
  EXPECT_EQ(name(static_cast<wire::Reason>(9999)), "Reason9999");
}

}  // namespace
}  // namespace vipra::cli
