#include "kube_core/watch_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace vipra::kube {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Type = WatchEvent::Type;

struct Fed {
  std::vector<std::string> lines;
  bool fits = true;
};
Fed feed(LineSplitter& splitter, const std::vector<std::string>& pieces) {
  Fed out;
  for (const auto& piece : pieces)
    out.fits = splitter.feed(piece, [&](std::string_view line) { out.lines.emplace_back(line); });
  return out;
}

TEST(LineSplitter, JoinsWhatTheTransportCut) {
  LineSplitter splitter;
  EXPECT_THAT(feed(splitter, {"on", "e\ntwo\n\nth", "", "ree\nrest"}).lines,
              ElementsAre("one", "two", "three"));
  EXPECT_EQ(splitter.rest(), "rest");
}

TEST(LineSplitter, GivesTheSameLinesWhereverTheCutIs) {
  const std::string text = "a\nbc\n\ndef\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    LineSplitter splitter;
    EXPECT_THAT(feed(splitter, {text.substr(0, cut), text.substr(cut)}).lines, ElementsAre("a", "bc", "def"))
        << cut;
  }
}

TEST(LineSplitter, EndsAtALineThatIsTooLongAndKeepsNothingOfIt) {
  LineSplitter splitter{4};
  const auto fed = feed(splitter, {"1234\n12", "345\nlater\n"});
  EXPECT_THAT(fed.lines, ElementsAre("1234"));
  EXPECT_FALSE(fed.fits);
  EXPECT_EQ(splitter.rest(), "");
  EXPECT_THAT(feed(splitter, {"x\n"}).lines, IsEmpty());
}

TEST(ParseWatchLine, ReadsEachTypeOfEvent) {
  const auto added = parse_watch_line(
      R"({"type":"ADDED","object":{"kind":"K","metadata":{"name":"n","resourceVersion":"5"}}})", nullptr);
  ASSERT_TRUE(added);
  EXPECT_EQ(added->type, Type::kAdded);
  EXPECT_EQ(added->object->key, "n");
  EXPECT_EQ(added->resource_version, "5");
  const auto bookmark =
      parse_watch_line(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}})", nullptr);
  ASSERT_TRUE(bookmark);
  EXPECT_EQ(bookmark->type, Type::kBookmark);
  EXPECT_EQ(bookmark->resource_version, "8");
  EXPECT_FALSE(bookmark->initial_events_end);
  const auto end = parse_watch_line(
      R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8","annotations":{"k8s.io/initial-events-end":"true"}}}})",
      nullptr);
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->initial_events_end);
  const auto error = parse_watch_line(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})", nullptr);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->type, Type::kError);
  EXPECT_EQ(error->code, 410);
  EXPECT_EQ(error->message, "too old");
}

TEST(ParseWatchLine, RefusesWhatIsNoEvent) {
  for (const char* line :
       {"", "x", "[]", "7", R"({"type":"ADDED"})", R"({"type":"ADDED","object":[]})",
        R"({"type":"ADDED","object":{}})",
        R"({"type":"RENAMED","object":{"metadata":{"name":"n","resourceVersion":"1"}}})",
        R"({"object":{"metadata":{"name":"n","resourceVersion":"1"}}})", R"({"type":"BOOKMARK","object":{}})",
        R"({"type":5,"object":{"metadata":{"name":"n","resourceVersion":"1"}}})"}) {
    EXPECT_FALSE(parse_watch_line(line, nullptr)) << line;
  }
}

}  // namespace
}  // namespace vipra::kube
