#include <gtest/gtest.h>

#include "definitions/virtual_ip.hpp"

namespace vipra::definitions {
namespace {

using Operator = LabelRequirement::Operator;
using Labels = std::map<std::string, std::string>;

bool matches(const LabelRequirement& requirement, const Labels& labels) {
  return LabelSelector{{requirement}}.matches(labels);
}

TEST(LabelSelector, EmptyMatchesEveryNode) {
  EXPECT_TRUE(LabelSelector{}.matches({}));
  EXPECT_TRUE(LabelSelector{}.matches({{"a", "b"}}));
}

TEST(LabelSelector, InNeedsTheLabelAndOneOfTheValues) {
  const LabelRequirement in{"zone", Operator::kIn, {"a", "b"}};
  EXPECT_TRUE(matches(in, {{"zone", "b"}}));
  EXPECT_FALSE(matches(in, {{"zone", "c"}}));
  EXPECT_FALSE(matches(in, {}));
}

TEST(LabelSelector, NotInIsSatisfiedByAMissingLabel) {
  const LabelRequirement not_in{"zone", Operator::kNotIn, {"a"}};
  EXPECT_TRUE(matches(not_in, {}));
  EXPECT_TRUE(matches(not_in, {{"zone", "b"}}));
  EXPECT_FALSE(matches(not_in, {{"zone", "a"}}));
}

TEST(LabelSelector, ExistenceLooksAtTheKeyAlone) {
  EXPECT_TRUE(matches({"zone", Operator::kExists, {}}, {{"zone", ""}}));
  EXPECT_FALSE(matches({"zone", Operator::kExists, {}}, {{"Zone", ""}}));
  EXPECT_TRUE(matches({"zone", Operator::kDoesNotExist, {}}, {}));
  EXPECT_FALSE(matches({"zone", Operator::kDoesNotExist, {}}, {{"zone", ""}}));
}

TEST(LabelSelector, AllRequirementsMustHold) {
  const LabelSelector both{{{"a", Operator::kExists, {}}, {"b", Operator::kExists, {}}}};
  EXPECT_TRUE(both.matches({{"a", "1"}, {"b", "2"}}));
  EXPECT_FALSE(both.matches({{"a", "1"}}));
}

}  // namespace
}  // namespace vipra::definitions
