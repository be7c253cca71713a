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
  pace.read(at(0ms), 1);
  EXPECT_FALSE(pace.pause(at(0ms)));
  pace.read(at(1ms), 1);
  EXPECT_EQ(pace.pause(at(1ms)), at(6ms));
  EXPECT_FALSE(pace.pause(at(1ms))) << "once for each reading";
  pace.read(at(6ms), 5);
  EXPECT_FALSE(pace.pause(at(6ms))) << "that was probably all";
  pace.read(at(7ms), 1);
  EXPECT_EQ(pace.pause(at(7ms)), at(12ms)) << "it was not";
  pace.read(at(12ms), 3);
  pace.read(at(30ms), 1);
  EXPECT_FALSE(pace.pause(at(30ms)));
}

TEST(ReadPace, TwoAtOnceAreTheBeginningOfMore) {
  ReadPace pace;
  pace.set_interval(100ms);
  pace.read(at(0ms), 2);
  EXPECT_EQ(pace.pause(at(0ms)), at(5ms));
  pace.read(at(5ms), 98);
  EXPECT_FALSE(pace.pause(at(5ms)));
}

TEST(ReadPace, IsASmallPartOfTheShortestInterval) {
  ReadPace pace;
  pace.set_interval(10ms);
  pace.read(at(0ms), 1);
  pace.read(at(1ms), 1);
  EXPECT_EQ(pace.pause(at(1ms)), at(1ms) + 625us);
  pace.read(at(3ms), 1);
  EXPECT_FALSE(pace.pause(at(3ms)));
}

}  // namespace
}  // namespace vipra::agent
