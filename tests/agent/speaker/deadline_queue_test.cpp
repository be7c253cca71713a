#include "agent/speaker/deadline_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace vipra::agent {
namespace {

using namespace std::chrono_literals;
TimePoint at(int ms) {
  return TimePoint{std::chrono::milliseconds{ms}};
}

TEST(DeadlineQueue, KnowsTheEarliest) {
  DeadlineQueue queue;
  queue.reserve(3);
  EXPECT_EQ(queue.next(), std::nullopt);
  queue.set(0, at(30));
  queue.set(1, at(10));
  queue.set(2, at(20));
  EXPECT_EQ(queue.next(), at(10));
  EXPECT_EQ(queue.due(at(9)), std::nullopt);
  EXPECT_EQ(queue.due(at(10)), 1u);
  queue.set(1, std::nullopt);
  EXPECT_EQ(queue.due(at(99)), 2u);
}

TEST(DeadlineQueue, AgreesWithASimpleModel) {
  std::mt19937 random{7};
  DeadlineQueue queue;
  queue.reserve(64);
  std::map<DeadlineQueue::Key, TimePoint> model;
  for (int i = 0; i < 20'000; ++i) {
    const auto key = static_cast<DeadlineQueue::Key>(random() % 64);
    if (random() % 4 == 0) {
      queue.set(key, std::nullopt);
      model.erase(key);
    } else {
      const auto when = at(static_cast<int>(random() % 1000));
      queue.set(key, when);
      model[key] = when;
    }
    std::optional<TimePoint> earliest;
    for (const auto& [k, when] : model) earliest = earliest ? std::min(*earliest, when) : when;
    ASSERT_EQ(queue.next(), earliest) << i;
    if (earliest) {
      ASSERT_EQ(model.at(*queue.due(*earliest)), *earliest) << i;
    }
  }
}

}  // namespace
}  // namespace vipra::agent
