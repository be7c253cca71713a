#include "source/labels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "tests/source/temporary_folder.hpp"

namespace vipra::source {
namespace {

using namespace std::chrono_literals;

TEST(ParseLabel, TakesWhatKubernetesTakes) {
  for (const auto* text :
       {"zone=a", "a.b/c=d", "kubernetes.io/hostname=node-a", "role=", "x_y.z-1=V_1.2-3"}) {
    EXPECT_TRUE(parse_label(text)) << text;
  }
  const auto label = parse_label(" zone = a ");
  ASSERT_TRUE(label);
  EXPECT_EQ(*label, std::pair(std::string{"zone"}, std::string{"a"}));
  for (const auto& text : {std::string{""}, std::string{"zone"}, std::string{"=a"}, std::string{"-a=b"},
                           std::string{"a=b=c"}, std::string{"a=b c"}, std::string{"A.B/c=d"},
                           std::string{"/a=b"}, std::string{"a/=b"}, std::string{"a/b/c=d"},
                           std::string{"a=-"}, std::string(64, 'a') + "=b", "a=" + std::string(64, 'b')}) {
    EXPECT_FALSE(parse_label(text)) << text;
  }
}

TEST(ParseLabels, ReadsOneALineAndNamesTheBadOne) {
  EXPECT_EQ(parse_labels("# nodes\n\n zone=a \r\nrole=\nzone=b").value(),
            (Labels{{"role", ""}, {"zone", "b"}}));
  EXPECT_EQ(parse_labels("").value(), Labels{});
  const auto bad = parse_labels("zone=a\n\nwhat\n");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().what, testing::HasSubstr("line 3"));
}

class LabelsFileTest : public testing::Test {
 protected:
  template <class Condition>
  [[nodiscard]] bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) {
      if (loop.stopped()) loop.restart();
      loop.run_one_for(20ms);
    }
    return condition();
  }
  void start() {
    file.start([this](auto change) { labels = std::get<0>(change).all.at(0); },
               [this](const Health& health) { readable = health.readable; });
  }

  test::TemporaryFolder root;
  boost::asio::io_context loop;
  LabelsFile file{loop, root / "labels"};
  std::optional<Labels> labels;
  std::optional<bool> readable;
};

TEST_F(LabelsFileTest, FollowsTheFile) {
  test::write(root / "labels", "zone=a\n");
  start();
  ASSERT_TRUE(eventually([&] { return labels == Labels{{"zone", "a"}}; }));
  test::write(root / "labels", "zone=b\n");
  ASSERT_TRUE(eventually([&] { return labels == Labels{{"zone", "b"}}; }));
  test::write(root / "next", "zone=c\n");
  test::fs::rename(root / "next", root / "labels");
  ASSERT_TRUE(eventually([&] { return labels == Labels{{"zone", "c"}}; }));
  EXPECT_EQ(readable, true);
}

TEST_F(LabelsFileTest, KeepsQuietAboutLabelsWhileTheFileIsMissingOrBad) {
  start();
  ASSERT_TRUE(eventually([&] { return readable == false; }));
  EXPECT_FALSE(labels);
  test::write(root / "labels", "zone=a\n");
  ASSERT_TRUE(eventually([&] { return readable == true && labels; }));
  test::write(root / "labels", "zone=a\nnonsense\n");
  ASSERT_TRUE(eventually([&] { return readable == false; }));
  EXPECT_EQ(labels, (Labels{{"zone", "a"}}));
  test::fs::remove(root / "labels");
  test::fs::create_directory(root / "labels");
  test::fs::remove(root / "labels");
  test::write(root / "labels", "zone=z\n");
  EXPECT_TRUE(eventually([&] { return labels == Labels{{"zone", "z"}}; }));
}

TEST_F(LabelsFileTest, FollowsALink) {
  test::fs::create_directory(root / "elsewhere");
  test::write(root / "elsewhere" / "labels", "zone=a\n");
  test::fs::create_symlink(root / "elsewhere" / "labels", root / "labels");
  start();
  ASSERT_TRUE(eventually([&] { return labels == Labels{{"zone", "a"}}; }));
  test::write(root / "elsewhere" / "labels", "zone=b\n");
  EXPECT_TRUE(eventually([&] { return labels == Labels{{"zone", "b"}}; }));
}

}  // namespace
}  // namespace vipra::source
