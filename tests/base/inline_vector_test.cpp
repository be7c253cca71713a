#include "base/inline_vector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/base/allocation_count.hpp"

namespace vipra {
namespace {

using testing::ElementsAre;

TEST(InlineVector, KeepsWhatIsPushedInOrder) {
  InlineVector<int, 4> vector;
  EXPECT_TRUE(vector.empty());
  vector.push_back(3), vector.push_back(1), vector.push_back(2);
  EXPECT_THAT((std::vector<int>{vector.begin(), vector.end()}), ElementsAre(3, 1, 2));
  EXPECT_EQ(vector.size(), 3u);
  EXPECT_EQ(vector[1], 1);
  vector.clear();
  EXPECT_TRUE(vector.empty());
  EXPECT_EQ(vector.begin(), vector.end());
}

TEST(InlineVector, AppendsAnotherOfAnyCapacity) {
  InlineVector<int, 5> vector;
  InlineVector<int, 2> other;
  vector.push_back(1);
  other.push_back(2), other.push_back(3);
  vector.append(other);
  EXPECT_THAT((std::vector<int>{vector.begin(), vector.end()}), ElementsAre(1, 2, 3));
}

TEST(InlineVector, HoldsWhatCanOnlyBeMoved) {
  InlineVector<std::unique_ptr<int>, 2> vector;
  vector.push_back(std::make_unique<int>(7));
  EXPECT_EQ(*vector[0], 7);
}

TEST(InlineVector, NeverTouchesTheHeap) {
  EXPECT_EQ(testing_support::allocations_in([] {
              InlineVector<int, 100> vector;
              for (int i = 0; i < 100; ++i) vector.push_back(i);
            }),
            0u);
}

TEST(InlineVectorDeathTest, HoldsItsPromises) {
  InlineVector<int, 1> vector;
  EXPECT_DEATH((void)vector[0], "check.failed");
  vector.push_back(1);
  EXPECT_DEATH(vector.push_back(2), "check.failed");
}

}  // namespace
}  // namespace vipra
