#include "source/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/source/temporary_folder.hpp"

namespace vipra::source {
namespace {

using test::definition;

struct ValidateTest : testing::Test {
  test::TemporaryFolder root;

  // "origin object path Reason"
  static std::vector<std::string> problems(const ValidationReport& report) {
    std::vector<std::string> out;
    for (const auto& one : report.problems) {
      out.push_back(one.origin + ' ' + one.object + ' ' + one.path + ' ' +
                    std::string{to_string(one.reason)});
    }
    return out;
  }
};

TEST_F(ValidateTest, FindsNothingWrongWithGoodFiles) {
  test::write(root / "a.yaml", definition("a", 1) + "---\n" + definition("b", 2));
  const auto report = validate_files({root / "a.yaml"});
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.files, 1u);
  ASSERT_EQ(report.objects.size(), 2u);
  EXPECT_EQ(report.objects[1].name, "b");
  EXPECT_TRUE(report.objects[1].valid);
  EXPECT_EQ(report.objects[1].origin, (root / "a.yaml").string() + ":2");
}

TEST_F(ValidateTest, NamesFileDocumentObjectAndPath) {
  const auto path = (root / "any name").string();
  test::write(path, definition("a", 1) + "---\n" + definition("b", 0) + "---\n[");
  const auto report = validate_files({path});
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(problems(report), testing::ElementsAre(path + ":3   ParseError",
                                                     path + ":2 b spec.vrrp.virtualRouterID OutOfRange"));
  EXPECT_TRUE(report.objects.at(0).valid);
  EXPECT_FALSE(report.objects.at(1).valid);
}

TEST_F(ValidateTest, ReadsFoldersAsTheAgentDoes) {
  test::write(root / "a.yaml", definition("a", 1));
  test::write(root / "b.yaml~", definition("b", 2));
  test::write(root / "c.json", "{");
  const auto report = validate_files({root.path()});
  EXPECT_EQ(report.files, 2u);
  EXPECT_THAT(problems(report), testing::ElementsAre((root / "c.json").string() + ":1   ParseError"));
}

TEST_F(ValidateTest, JudgesAllPathsTogether) {
  test::fs::create_directory(root / "x");
  test::fs::create_directory(root / "y");
  test::write(root / "x" / "a.yaml", definition("a", 1));
  test::write(root / "y" / "a.yaml", definition("a", 2));
  test::write(root / "b.yaml", definition("b", 1));
  const auto report = validate_files({root / "x", root / "y", root / "b.yaml"});
  EXPECT_THAT(problems(report), testing::UnorderedElementsAre(
                                    (root / "y" / "a.yaml").string() + ":1 a metadata.name Duplicate",
                                    (root / "b.yaml").string() + ":1 b spec.addresses AddressConflict"));
}

TEST_F(ValidateTest, ReportsPathsThatCannotBeRead) {
  const auto report = validate_files({root / "missing"});
  EXPECT_THAT(problems(report), testing::ElementsAre((root / "missing").string() + "   NotReadable"));
}

}  // namespace
}  // namespace vipra::source
