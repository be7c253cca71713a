#include "base/log.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/base/allocation_count.hpp"

namespace vipra::log {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kNow = 1'700'000'000'123'456'789;

std::string line(std::initializer_list<Field> fields, std::string_view event = "test.event",
                 std::string_view process = "speaker") {
  char buffer[kMaxLine];
  return std::string{format_line(buffer, kNow, process, Level::kInfo, event, fields)};
}

// nlohmann refuses invalid UTF-8 and unescaped control characters: it is the judge of every line.
Json parsed(const std::string& text) {
  EXPECT_LE(text.size(), kMaxLine);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(text.find('\n'), text.size() - 1) << "one object, one line";
  const auto json = Json::parse(text, nullptr, false);
  EXPECT_TRUE(json.is_object()) << text;
  return json;
}

TEST(LogLine, CarriesEveryTypeOfField) {
  const auto json = parsed(line({{"text", "a"},
                                 {"yes", true},
                                 {"number", -5},
                                 {"large", std::numeric_limits<std::uint64_t>::max()},
                                 {"small", std::numeric_limits<std::int64_t>::min()},
                                 {"real", 0.25}}));
  EXPECT_EQ(json.at("level"), "info");
  EXPECT_EQ(json.at("process"), "speaker");
  EXPECT_EQ(json.at("event"), "test.event");
  EXPECT_EQ(json.at("text"), "a");
  EXPECT_EQ(json.at("yes"), true);
  EXPECT_EQ(json.at("number"), -5);
  EXPECT_EQ(json.at("large"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(json.at("small"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(json.at("real"), 0.25);
  EXPECT_FALSE(json.contains("truncated"));
}

TEST(LogLine, WritesNumbersThatJsonLacksAsNull) {
  const auto json = parsed(line({{"nan", std::nan("")}, {"inf", std::numeric_limits<double>::infinity()}}));
  EXPECT_TRUE(json.at("nan").is_null());
  EXPECT_TRUE(json.at("inf").is_null());
}

TEST(LogLine, GivesTheTimeOfTheCLibrary) {
  std::mt19937_64 random{1970};
  for (int round = 0; round < 20'000; ++round) {
    const auto microseconds =
        static_cast<std::int64_t>(random() % 8'000'000'000'000'000) - 1'000'000'000'000'000;
    char buffer[kMaxLine];
    const auto json =
        parsed(std::string{format_line(buffer, microseconds * 1000, "p", Level::kInfo, "e", {})});
    auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
    auto rest = microseconds % 1'000'000;
    if (rest < 0) rest += 1'000'000, --seconds;
    std::tm broken{};
    gmtime_r(&seconds, &broken);
    char want[64];
    const auto length = std::strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S", &broken);
    std::snprintf(want + length, sizeof want - length, ".%06dZ", static_cast<int>(rest));
    ASSERT_EQ(json.at("time"), want);
  }
}

TEST(LogLine, KeepsHostileTextsApart) {
  for (const std::string text :
       {"\"", "\\", "\\\"", "a\"},{\"event\":\"forged", "\n{\"event\":\"forged\"}\n", "\r\t\b\f", "\x7f",
        "\x1b[2J", "{}", "</script>", "häß", "日本", "\xf0\x9f\x98\x80"}) {
    const auto json = parsed(line({{"text", text}, {text, 1}}, text, text));
    EXPECT_EQ(json.at("text"), text);
    EXPECT_EQ(json.at("event"), text);
    EXPECT_EQ(json.at("process"), text);
    EXPECT_EQ(json.at(text), 1);
  }
}

TEST(LogLine, EscapesEveryControlCharacter) {
  for (int c = 0; c < 0xa0; ++c) {
    const std::string text =
        c < 0x80 ? std::string(1, static_cast<char>(c)) : std::string{"\xc2"} + static_cast<char>(c);
    const auto written = line({{"text", text}});
    EXPECT_EQ(parsed(written).at("text"), text);
    if (c < 0x20 || c >= 0x7f) {
      EXPECT_EQ(written.find(text), c == '\n' ? written.size() - 1 : std::string::npos) << c;
    }
  }
}

TEST(LogLine, ReplacesWhatIsNotUtf8) {
  const std::string bad = "\xef\xbf\xbd";
  const std::vector<std::pair<std::string, std::string>> texts{
      {"a\xff"
       "b",
       "a" + bad + "b"},
      {"\x80", bad},            // a tail alone
      {"\xc3", bad},            // cut short at the end
      {"\xc3(", bad + "("},     // and in the middle: what follows is kept
      {"\xc0\xaf", bad + bad},  // overlong slash
      {"\xe0\x80\xaf", bad + bad + bad},
      {"\xed\xa0\x80", bad + bad + bad},            // a surrogate
      {"\xf4\x90\x80\x80", bad + bad + bad + bad},  // beyond U+10FFFF
      {"\xe2\x82", bad + bad},
      {"\xc3\"", bad + "\""},  // must not swallow the quote
      {"\xe2\x82\\", bad + bad + "\\"},
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},  // the last code point there is
      {"\xed\x9f\xbf", "\xed\x9f\xbf"},
      {"\xee\x80\x80", "\xee\x80\x80"}};
  for (const auto& [text, want] : texts) EXPECT_EQ(parsed(line({{"text", text}})).at("text"), want);
}

TEST(LogLine, IsJsonForAnyBytes) {
  std::mt19937 random{8259};
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 40, '\0');
    for (auto& c : text) c = static_cast<char>(random() % 3 == 0 ? 0xc0 + random() % 64 : random());
    const auto json = parsed(line({{"text", text}}));
    ASSERT_TRUE(json.contains("text"));
  }
}

TEST(LogLine, LosesWholeFieldsWhenTheyDoNotFit) {
  for (std::size_t size = kMaxLine - 220; size < kMaxLine + 20; ++size) {
    const auto json = parsed(line({{"long", std::string(size, 'x')}, {"short", 1}}));
    const bool kept = json.contains("long");
    EXPECT_EQ(json.contains("truncated"), !kept || !json.contains("short")) << size;
    if (kept) {
      EXPECT_EQ(json.at("long").get<std::string>().size(), size);
    }
    EXPECT_EQ(json.at("event"), "test.event");
  }
}

TEST(LogLine, IsJsonAtEveryLengthOfEscapedText) {
  for (std::size_t size = 300; size < 420; ++size) {
    const auto json = parsed(line({{"a", std::string(size, '\x01')}, {"b", std::string(size, '\xff')}}));
    EXPECT_TRUE(json.contains("truncated") || json.contains("b"));
  }
}

TEST(LogLine, SurvivesEventsAndKeysThatDoNotFit) {
  const std::string huge(10'000'000, '"');
  const auto json = parsed(line({{huge, 1}, {"kept", 2}}, huge, huge));
  EXPECT_EQ(json.at("truncated"), true);
  EXPECT_EQ(json.at("kept"), 2);
}

class Collector final : public Sink {
 public:
  void write_line(std::string_view text) noexcept override { ++lines_, bytes_ += text.size(); }
  std::size_t lines_ = 0, bytes_ = 0;
};

TEST(Logger, SkipsLevelsBelowItsOwn) {
  Collector sink;
  const Logger logger{sink, +[]() noexcept { return kNow; }, "agent", Level::kWarning};
  logger.debug("a"), logger.info("b");
  EXPECT_EQ(sink.lines_, 0u);
  logger.warning("c"), logger.error("d");
  EXPECT_EQ(sink.lines_, 2u);
  EXPECT_TRUE(logger.enabled(Level::kError));
  EXPECT_FALSE(logger.enabled(Level::kInfo));
}

TEST(Logger, WritesWithoutTheHeap) {
  Collector sink;
  const Logger logger{sink, +[]() noexcept { return kNow; }, "agent"};
  const std::string text(5000, '\xff');
  EXPECT_EQ(testing_support::allocations_in([&] {
              logger.info("test.event", {{"text", std::string_view{text}}, {"number", 1}, {"real", 0.1}});
            }),
            0u);
  EXPECT_EQ(sink.lines_, 1u);
}

}  // namespace
}  // namespace vipra::log
