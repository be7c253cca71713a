// The schema is the one source: what is made of it by hand or committed agrees with it.
#include "definitions/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "definitions/embedded_schema.hpp"
#include "definitions/rules.hpp"

namespace vipra::definitions {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// status is written by the controller and judged by the API server alone.
TEST(Schema, EveryCelRuleHasExactlyOneCounterpartAndTheOtherWayRound) {
  std::multiset<std::string> in_schema;
  for (const auto& rule : rules_of_schema(embedded_schema()))
    in_schema.insert(rule.place + " | " + rule.rule);
  std::multiset<std::string> in_code;
  for (const auto& entry : rule_counterparts()) {
    in_code.insert(std::string{entry.place} + " | " + std::string{entry.rule});
  }
  ASSERT_GE(in_schema.size(), 30u);
  EXPECT_EQ(std::set(in_schema.begin(), in_schema.end()).size(), in_schema.size())
      << "a rule is written twice";
  EXPECT_THAT(in_code, testing::ContainerEq(in_schema));
}

TEST(Schema, CommittedFieldReferenceIsTheGeneratedOne) {
  const auto generated = read(VIPRA_FIELD_REFERENCE);
  ASSERT_FALSE(generated.empty());
  EXPECT_EQ(read(std::filesystem::path{VIPRA_SOURCE_DIR} / "docs/virtualip.md"), generated)
      << "copy " << VIPRA_FIELD_REFERENCE << " to docs/virtualip.md";
}

}  // namespace
}  // namespace vipra::definitions
