#include "source/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vipra::source {
namespace {

using nlohmann::json;

json one(const std::string& text) {
  const auto documents = parse_yaml(text);
  EXPECT_FALSE(documents.error) << text << ": " << documents.error->message;
  EXPECT_EQ(documents.all.size(), 1u) << text;
  return documents.all.empty() ? json{} : documents.all[0];
}

std::optional<DocumentError> error_of(const std::string& text, const DocumentLimits& limits = {}) {
  return parse_yaml(text, limits).error;
}

TEST(Yaml, ReadsScalarsAsKubernetesDoes) {
  const std::pair<const char*, json> table[] = {
      {"v: text", "text"},
      {"v: 'true'", "true"},
      {"v: \"51\"", "51"},
      {"v: !!str 51", "51"},
      {"v: true", true},
      {"v: False", false},
      {"v: yes", true},
      {"v: off", false},
      {"v: n", false},
      {"v: null", nullptr},
      {"v: ~", nullptr},
      {"v:", nullptr},
      {"v: ''", ""},
      {"v: 51", 51},
      {"v: -51", -51},
      {"v: +51", 51},
      {"v: 0", 0},
      {"v: 0x1f", 31},
      {"v: 0o17", 15},
      {"v: 18446744073709551615", 18446744073709551615u},
      {"v: 1.5", 1.5},
      {"v: 1e3", 1000.0},
      {"v: -.5", -0.5},
      {"v: 1_000", "1_000"},
      {"v: 100ms", "100ms"},
      {"v: 192.0.2.1", "192.0.2.1"},
      {"v: '::1'", "::1"},
      {"v: .inf", ".inf"},
      {"v: nan", "nan"},
      {"v: 2026-01-31", "2026-01-31"},
      {"v: 1:30", "1:30"},

      {"v: .", "."},
      {"v: |\n  a\n  b\n", "a\nb\n"},
      {"v: >\n  a\n  b\n", "a b\n"},
      {"v: \"\\u00e9\"", "\xc3\xa9"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(one(text)["v"], expected) << text;
}

TEST(Yaml, RefusesANumberThatPeopleAndKubernetesReadDifferently) {
  for (const auto* text : {"v: 010", "v: -07", "v: 00"}) {
    const auto error = error_of(text);
    ASSERT_TRUE(error) << text;
    EXPECT_THAT(error->message, testing::HasSubstr("line 1"));
  }
  EXPECT_EQ(one("v: '010'")["v"], "010");
}

TEST(Yaml, RefusesAnEscapeThatIsNoUtf8) {
  for (const auto* text : {"a: \"x\\_y\"\n", "\"x\\_y\": 1\n", "a: \"\\N\"\n"}) {
    const auto documents = parse_yaml(text, DocumentLimits{});
    ASSERT_TRUE(documents.error) << text;
    EXPECT_EQ(documents.error->reason, Reason::kParseError);
  }
  EXPECT_FALSE(parse_yaml("a: \"\\xA0\\u00e4\"\n", DocumentLimits{}).error);
}

TEST(Yaml, ReadsKeysAsText) {
  EXPECT_EQ(one("{1: a, true: b, 'x y': c}"), json::parse(R"({"1": "a", "true": "b", "x y": "c"})"));
}

TEST(Yaml, ReadsManyDocuments) {
  const auto documents = parse_yaml("a: 1\n---\n---\nb: 2\n...\n---\n# only a comment\n");
  ASSERT_FALSE(documents.error);
  ASSERT_GE(documents.all.size(), 3u);
  EXPECT_EQ(documents.all[0], json({{"a", 1}}));
  EXPECT_EQ(documents.all[1], nullptr);
  EXPECT_EQ(documents.all[2], json({{"b", 2}}));
}

TEST(Yaml, KeepsTheDocumentsBeforeABrokenOne) {
  const auto documents = parse_yaml("a: 1\n---\nb: [\n---\nc: 3\n");
  ASSERT_EQ(documents.all.size(), 1u);
  ASSERT_TRUE(documents.error);
  EXPECT_EQ(documents.error->document, 2u);
  EXPECT_THAT(documents.error->message, testing::HasSubstr("line"));
}

TEST(Yaml, CopiesAliasesAndMergesMappings) {
  EXPECT_EQ(one("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\nd: {<<: [{r: 4}, *x], p: 5}\n"),
            json::parse(R"({"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 2}, "c": {"p": 1, "q": 3},
                            "d": {"p": 5, "q": 2, "r": 4}})"));
  EXPECT_TRUE(error_of("a: {<<: 5}"));
}

TEST(Yaml, RefusesWhatHasNoPlaceInJson) {
  for (const auto* text : {"{a: 1, a: 2}", "? [a]\n: b", "a: !binary x", "a: !custom {b: c}", "a: &x [*x]",
                           "a: *nothing", "%YAML", "a: b: c", "\ta: b", "[", "a: \"b", "a: 'b"}) {
    EXPECT_TRUE(error_of(text)) << text;
  }
  EXPECT_EQ(error_of("{a: 1, a: 2}")->reason, Reason::kDuplicate);
}

TEST(Yaml, RefusesBytesThatAreNotText) {
  for (const auto& text : {std::string{"a: \xff"}, std::string{"a: \xc0\xaf"}, std::string{"a: \xed\xa0\x80"},
                           std::string{"a: \xf5\x80\x80\x80"}, std::string{"a: \xe2\x82"},
                           std::string{"a: b\0c", 6}, std::string{"a: \x04 b"}, std::string{"a\x7f"}}) {
    EXPECT_TRUE(error_of(text));
  }
  EXPECT_EQ(one("a: \xf0\x9f\x98\x80")["a"], "\xf0\x9f\x98\x80");
}

TEST(Yaml, BoundsDepth) {
  EXPECT_TRUE(error_of(std::string(100'000, '[')));
  EXPECT_EQ(error_of(std::string(1'000, '[') + std::string(1'000, ']'))->reason, Reason::kTooLarge);
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_EQ(error_of(deep)->reason, Reason::kTooLarge);
  // Through aliases: each level is within the limit, their sum is not.
  std::string nested = "a0: &a0 [x]\n";
  for (int i = 1; i < 60; ++i)
    nested += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_EQ(error_of(nested)->reason, Reason::kTooLarge);
}

TEST(Yaml, BoundsWhatAliasesMultiply) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = " *a" + std::to_string(i - 1) + ",";
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += before;
    bomb += "]\n";
  }
  EXPECT_EQ(error_of(bomb)->reason, Reason::kTooLarge);
  // One long text, copied often.
  std::string long_text = "a: &a " + std::string(1u << 20, 'x') + "\nb: [";
  for (int i = 0; i < 2000; ++i) long_text += "*a, ";
  EXPECT_EQ(error_of(long_text + "]\n")->reason, Reason::kTooLarge);
}

TEST(Yaml, BoundsDocuments) {
  EXPECT_EQ(error_of(",")->reason, Reason::kTooMany);  // endless to yaml-cpp
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "---\na: 1\n";
  EXPECT_EQ(error_of(many)->reason, Reason::kTooMany);
}

TEST(Yaml, BoundsSize) {
  EXPECT_EQ(error_of("a: " + std::string(5u << 20, 'x'))->reason, Reason::kTooLarge);
  EXPECT_EQ(error_of("[a, a, a, a, a]", {1000, 10, 4})->reason, Reason::kTooLarge);
}

TEST(Json, IsReadStrictly) {
  EXPECT_EQ(parse_json(R"({"a": [1, -2, 3.5, true, null, "x"]})").all.at(0),
            json::parse(R"({"a": [1, -2, 3.5, true, null, "x"]})"));
  for (const auto* text :
       {"", "{", "{\"a\": 1,}", "{\"a\": 1} x", "{'a': 1}", "{\"a\": 1, \"a\": 2}", "[1e999]", "nul"}) {
    EXPECT_TRUE(parse_json(text).error) << text;
  }
  EXPECT_EQ(parse_json(std::string(100'000, '[')).error->reason, Reason::kTooLarge);
  EXPECT_EQ(parse_json(R"({"<<": 1})").all.size(), 0u) << "a merge key has no place in JSON";
}

TEST(Printable, EscapesWhatIsNotText) {
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(printable("a\xff\n\x1b"), "a\\xff\\x0a\\x1b");
}

}  // namespace
}  // namespace vipra::source
