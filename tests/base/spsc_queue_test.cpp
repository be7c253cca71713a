#include "base/spsc_queue.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>

#include "tests/base/allocation_count.hpp"

namespace vipra {
namespace {

TEST(SpscQueue, GivesInTheOrderTaken) {
  SpscQueue<int> queue{3};
  EXPECT_TRUE(queue.empty());
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.try_push(round * 3 + i));
    for (int i = 0; i < 3; ++i) ASSERT_EQ(queue.try_pop(), round * 3 + i);
    ASSERT_EQ(queue.try_pop(), std::nullopt);
  }
}

TEST(SpscQueue, RefusesWhenFullAndLeavesTheValueAlone) {
  SpscQueue<std::unique_ptr<int>> queue{2};
  ASSERT_TRUE(queue.try_push(std::make_unique<int>(1)));
  ASSERT_TRUE(queue.try_push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  EXPECT_FALSE(queue.try_push(std::move(third)));
  ASSERT_NE(third, nullptr);  // NOLINT(bugprone-use-after-move): that is the promise
  ASSERT_EQ(**queue.try_pop(), 1);
  EXPECT_TRUE(queue.try_push(std::move(third)));
  EXPECT_FALSE(queue.empty());
}

TEST(SpscQueue, NeverTouchesTheHeapOnceMade) {
  SpscQueue<std::uint64_t> queue{8};
  EXPECT_EQ(testing_support::allocations_in([&] {
              for (std::uint64_t i = 0; i < 100; ++i) {
                if (!queue.try_push(std::uint64_t{i}) || queue.try_pop() != i) std::abort();
              }
            }),
            0u);
}

// Run under TSan too. The text is built by one thread and read by the other, so a missing barrier is a race
// that TSan names and a torn value that the check sees.
TEST(SpscQueue, CarriesWholeValuesBetweenTwoThreads) {
  struct Item {
    std::uint64_t number = 0;
    std::uint64_t twice = 0;
  };
  constexpr std::uint64_t kItems = 50'000;
  SpscQueue<Item> queue{512};  // small ones spend the test in the scheduler
  std::thread producer{[&] {
    for (std::uint64_t i = 0; i < kItems; ++i) {
      while (!queue.try_push({i, 2 * i})) std::this_thread::yield();
    }
  }};
  std::uint64_t wrong = 0;
  for (std::uint64_t expected = 0; expected < kItems;) {
    const auto item = queue.try_pop();
    if (!item) {
      std::this_thread::yield();
      continue;
    }
    wrong += item->number != expected || item->twice != 2 * expected ? 1 : 0;
    ++expected;
  }
  producer.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace vipra
