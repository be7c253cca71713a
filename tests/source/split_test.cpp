#include "source/split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vipra::source {
namespace {

using testing::ElementsAre;

std::vector<std::string> origins(const definitions::InputFile& file) {
  std::vector<std::string> out;
  for (const auto& object : file.objects) out.push_back(object.origin + ' ' + object.json.value("kind", "?"));
  return out;
}

TEST(Split, NamesEveryDocumentByItsNumber) {
  const auto file = split("w.yaml", "kind: A\n---\n# nothing\n---\nkind: B\n");
  EXPECT_TRUE(file.complete);
  EXPECT_THAT(origins(file), ElementsAre("w.yaml:1 A", "w.yaml:3 B"));
  EXPECT_EQ(file.objects[0].file, "w.yaml");
}

TEST(Split, TakesJsonAndYamlInAFileOfYamlAndJsonAloneInAFileOfJson) {
  EXPECT_THAT(origins(split("w.yaml", R"( {"kind": "A"})")), ElementsAre("w.yaml:1 A"));
  EXPECT_THAT(origins(split("w.json", R"({"kind": "A"})")), ElementsAre("w.json:1 A"));
  EXPECT_FALSE(split("w.json", "kind: A").complete);
  EXPECT_THAT(origins(split("w.yaml", "{kind: A}\n---\n{kind: B}")), ElementsAre("w.yaml:1 A", "w.yaml:2 B"));
  EXPECT_THAT(origins(split("w.yaml", "\xef\xbb\xbfkind: A")), ElementsAre("w.yaml:1 A"));
}

TEST(Split, TakesListsApart) {
  EXPECT_THAT(
      origins(split("l", R"({"apiVersion": "v1", "kind": "List", "items": [{"kind": "A"}, {"kind": "B"}]})")),
      ElementsAre("l:1.items[0] A", "l:1.items[1] B"));
  const auto typed = split("l", "apiVersion: g/v1\nkind: VirtualIPList\nitems: [{metadata: {name: x}}]");
  ASSERT_EQ(typed.objects.size(), 1u);
  EXPECT_EQ(typed.objects[0].json["kind"], "VirtualIP");
  EXPECT_EQ(typed.objects[0].json["apiVersion"], "g/v1");
  const auto empty = split("l", "kind: List\nitems: []");
  EXPECT_TRUE(empty.complete);
  EXPECT_TRUE(empty.objects.empty());
}

TEST(Split, AnEmptiedFileIsIncompleteAndACommentIsNot) {
  for (const auto* text : {"", "\n \t\n", "\xef\xbb\xbf"}) EXPECT_FALSE(split("e", text).complete);
  const auto commented = split("e", "# all of it is off today\n");
  EXPECT_TRUE(commented.complete);
  EXPECT_TRUE(commented.objects.empty());
}

TEST(Split, SaysWhatIsWrongAndKeepsTheRest) {
  const auto broken = split("b", "kind: A\n---\n[");
  EXPECT_FALSE(broken.complete);
  EXPECT_THAT(origins(broken), ElementsAre("b:1 A"));
  EXPECT_EQ(broken.problems.at(0).origin, "b:2");

  const auto mixed = split("m", "kind: List\nitems: [5, {kind: A}]\n---\njust text\n---\nkind: List\n");
  EXPECT_THAT(origins(mixed), ElementsAre("m:1.items[1] A"));
  ASSERT_EQ(mixed.problems.size(), 3u);
  EXPECT_EQ(mixed.problems[0].origin, "m:1.items[0]");
  EXPECT_EQ(mixed.problems[1].origin, "m:2");
  EXPECT_EQ(mixed.problems[2].path, "items");
  EXPECT_FALSE(mixed.complete);
}

TEST(Split, ReportsTheJsonErrorOfABrokenJsonFile) {
  const auto file = split("j.json", "{\"kind\": \"A\",\n \"x\": }");
  ASSERT_EQ(file.problems.size(), 1u);
  EXPECT_THAT(file.problems[0].message, testing::HasSubstr("line 2"));
}

TEST(Split, BoundsTheNumberOfObjects) {
  std::string text = "kind: List\nitems:\n";
  for (std::size_t i = 0; i <= kMaxObjectsPerFile; ++i) text += "- {kind: A}\n";
  const auto file = split("many", text);
  EXPECT_EQ(file.objects.size(), kMaxObjectsPerFile);
  ASSERT_EQ(file.problems.size(), 1u);
  EXPECT_EQ(file.problems[0].reason, Reason::kTooMany);
}

}  // namespace
}  // namespace vipra::source
