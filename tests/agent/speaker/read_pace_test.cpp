#include "agent/speaker/read_pace.hpp"

#include <gtest/gtest.h>

namespace vipra::agent {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint at(Duration since) {
  return TimePoint{100h + since};
}

TEST(ReadPace, WhatComesQuicklyIsReadTogether) {
  ReadPace pace;
  pace.set_interval(100ms);
  pace.read(at(0ms));
  EXPECT_FALSE(pace.pause(at(0ms)));
  pace.read(at(1ms));
  EXPECT_EQ(pace.pause(at(1ms)), at(6ms));
  EXPECT_FALSE(pace.pause(at(1ms))) << "once for each reading";
  pace.read(at(6ms));
  EXPECT_EQ(pace.pause(at(6ms)), at(11ms)) << "and on, while they come";
  pace.read(at(30ms));
  EXPECT_FALSE(pace.pause(at(30ms)));
}

TEST(ReadPace, IsASmallPartOfTheShortestInterval) {
  ReadPace pace;
  pace.set_interval(10ms);
  pace.read(at(0ms));
  pace.read(at(1ms));
  EXPECT_EQ(pace.pause(at(1ms)), at(1ms) + 625us);
  pace.read(at(3ms));
  EXPECT_FALSE(pace.pause(at(3ms)));
}

}  // namespace
}  // namespace vipra::agent
