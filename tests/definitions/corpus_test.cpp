// Every object of tests/corpus/virtualip is accepted, or refused with exactly the errors that it names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "definitions/parse.hpp"
#include "source/yaml.hpp"

namespace vipra::definitions {
namespace {

namespace fs = std::filesystem;

struct Case {
  fs::path path;
  std::string text;
};

std::vector<Case> cases_in(const char* folder) {
  std::vector<Case> out;
  for (const auto& entry :
       fs::directory_iterator{fs::path{VIPRA_SOURCE_DIR} / "tests/corpus/virtualip" / folder}) {
    std::ifstream file{entry.path(), std::ios::binary};
    out.push_back({entry.path(), {std::istreambuf_iterator<char>{file}, {}}});
  }
  return out;
}

ParsedObject parse(const Case& one) {
  const auto documents = source::parse_yaml(one.text);
  EXPECT_FALSE(documents.error) << one.path << ": " << documents.error->message;
  EXPECT_EQ(documents.all.size(), 1u) << one.path;
  return parse_virtual_ip(documents.all.at(0));
}

std::vector<std::string> expected_errors(const Case& one) {
  std::vector<std::string> out;
  std::istringstream lines{one.text};
  const std::string mark = "# expect: ";
  for (std::string line; std::getline(lines, line) && line.starts_with(mark);)
    out.push_back(line.substr(mark.size()));
  return out;
}

TEST(Corpus, GoodObjectsAreAccepted) {
  const auto cases = cases_in("good");
  ASSERT_GE(cases.size(), 10u);
  for (const auto& one : cases) {
    const auto parsed = parse(one);
    ASSERT_TRUE(parsed.spec) << one.path << ": " << parsed.errors.at(0).path << ": "
                             << parsed.errors.at(0).message;
    EXPECT_TRUE(parsed.errors.empty());
    EXPECT_EQ(parsed.spec->name, one.path.stem());
  }
}

TEST(Corpus, BadObjectsAreRefusedWithExactlyTheErrorsTheyName) {
  const auto cases = cases_in("bad");
  ASSERT_GE(cases.size(), 90u);
  for (const auto& one : cases) {
    const auto expected = expected_errors(one);
    EXPECT_FALSE(expected.empty()) << one.path;
    const auto parsed = parse(one);
    EXPECT_FALSE(parsed.spec) << one.path;
    std::vector<std::string> found;
    for (const auto& error : parsed.errors) {
      found.push_back(error.path + ' ' + std::string{to_string(error.reason)});
      EXPECT_FALSE(error.message.empty()) << one.path;
    }
    EXPECT_THAT(found, testing::UnorderedElementsAreArray(expected)) << one.path;
  }
}

}  // namespace
}  // namespace vipra::definitions
