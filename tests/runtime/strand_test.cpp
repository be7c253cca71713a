#include "runtime/strand.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace vipra::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Strand, RunsInOrderOnOneThread) {
  Strand strand;
  std::vector<int> seen;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) strand.post([&seen, i] { seen.push_back(i); });
  strand.post([&] { done.set_value(); });
  ASSERT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
  ASSERT_EQ(seen.size(), 100u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(Strand, RunsWhatIsDueEarliestFirst) {
  Strand strand;
  std::vector<int> seen;
  std::promise<void> done;
  strand.after(60ms, [&] {
    seen.push_back(2);
    done.set_value();
  });
  strand.after(20ms, [&] { seen.push_back(1); });
  strand.post([&] { seen.push_back(0); });
  ASSERT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2));
}

TEST(Strand, StopRunsWhatWasPostedAndDropsTheRest) {
  Strand strand;
  std::atomic<int> ran{0};
  strand.post([&] {
    std::this_thread::yield();
    ++ran;
  });
  strand.after(1h, [&] { ++ran; });
  strand.stop();
  strand.post([&] { ++ran; });
  strand.after(0s, [&] { ++ran; });
  strand.stop();
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace vipra::runtime
