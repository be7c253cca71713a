#include "track/gateways.hpp"

#include <gtest/gtest.h>

#include "tests/track/world.hpp"

namespace vipra::track {
namespace {

const IpAddress kGateway = *IpAddress::parse("192.0.2.1");
constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kOther{{2, 0, 0, 0, 0, 2}};

struct GatewaysTest : testing::Test {
  void want(Duration interval = 1s, int misses = 3) {
    gateways.begin();
    gateways.want(2, kGateway, interval, misses);
    gateways.end();
  }
  // Everything that is due until then, at its time.
  void until(Duration end) {
    for (auto due = gateways.deadline(at(0s)); due && *due <= at(end); due = gateways.deadline(*due))
      (void)gateways.step(*due, world);
  }
  bool answer(MacAddress mac = kMac, int index = 2) {
    return gateways.on_claim(index, {kGateway, mac, false});
  }
  int unanswered() { return gateways.find(2, kGateway)->unanswered; }

  World world;
  Gateways gateways;
};

TEST_F(GatewaysTest, NothingWantedAsksNobody) {
  EXPECT_FALSE(gateways.deadline(at(0s)));
  EXPECT_FALSE(gateways.step(at(0s), world));
}

TEST_F(GatewaysTest, AsksAtOnceAndThenEveryInterval) {
  want();
  until(10s);
  EXPECT_EQ(world.sent, 11);
  EXPECT_EQ(world.last.index, 2);
  EXPECT_EQ(world.last.target, kGateway);
}

TEST_F(GatewaysTest, IsSilentAfterAsManyQuestionsAsMayBeMissed) {
  want();
  until(2999ms);
  EXPECT_FALSE(gateways.find(2, kGateway)->is_silent(1s, 3));
  until(3s);
  EXPECT_TRUE(gateways.find(2, kGateway)->is_silent(1s, 3));
}

TEST_F(GatewaysTest, OneAnswerHeals) {
  want();
  until(20s);
  EXPECT_TRUE(answer());
  EXPECT_FALSE(gateways.find(2, kGateway)->is_silent(1s, 3));
  EXPECT_EQ(unanswered(), 0);
  EXPECT_FALSE(answer()) << "nothing new";
}

TEST_F(GatewaysTest, AnswersEachTimeAreNeverSilence) {
  want();
  for (int second = 0; second < 100; ++second) {
    until(second * 1s);
    (void)answer();
  }
  EXPECT_EQ(unanswered(), 0);
  EXPECT_EQ(world.sent, 100);
}

TEST_F(GatewaysTest, AnAnnouncementTellsWhereButIsNoAnswer) {
  want();
  until(5s);
  EXPECT_FALSE(gateways.on_claim(2, {kGateway, kMac, true}));
  EXPECT_TRUE(gateways.find(2, kGateway)->is_silent(1s, 3));
  EXPECT_FALSE(gateways.on_claim(3, {kGateway, kMac, false})) << "on another interface";
}

TEST_F(GatewaysTest, AsksWhoeverAnsweredAndEverybodyOnceThatOneIsSilent) {
  want();
  until(0s);
  EXPECT_FALSE(world.last.to);
  (void)answer();
  until(1s);
  EXPECT_EQ(world.last.to, kMac);
  until(2s);
  EXPECT_FALSE(world.last.to) << "the last question had no answer";
  (void)answer(kOther);
  until(3s);
  EXPECT_EQ(world.last.to, kOther);
}

TEST_F(GatewaysTest, AsksEverybodyAlwaysWhereOneMissIsTooMany) {
  want(1s, 1);
  until(0s);
  (void)answer();
  until(1s);
  EXPECT_FALSE(world.last.to);
}

TEST_F(GatewaysTest, OneQuestionServesAllThatWantToKnow) {
  gateways.begin();
  gateways.want(2, kGateway, 5s, 2);
  gateways.want(2, kGateway, 1s, 3);
  gateways.want(2, kGateway, 10s, 4);
  gateways.end();
  until(9s);
  EXPECT_EQ(world.sent, 10);
  const auto& gateway = *gateways.find(2, kGateway);
  EXPECT_TRUE(gateway.is_silent(1s, 3));
  EXPECT_FALSE(gateway.is_silent(5s, 2)) << "its patience is ten seconds";
  until(10s);
  EXPECT_TRUE(gateway.is_silent(5s, 2));
  EXPECT_FALSE(gateway.is_silent(10s, 4));
}

TEST_F(GatewaysTest, WhatIsStillWantedKeepsItsAnswers) {
  want();
  until(2s);
  EXPECT_EQ(unanswered(), 2);
  want(2s, 3);
  EXPECT_EQ(unanswered(), 2);
  gateways.begin();
  gateways.end();
  EXPECT_EQ(gateways.size(), 0u);
}

TEST_F(GatewaysTest, LessPatienceAsksSooner) {
  want(1h);
  until(0s);
  want(1s);
  EXPECT_EQ(gateways.deadline(at(0s)), at(1s));
}

TEST_F(GatewaysTest, AQuestionThatCouldNotGoOutBlamesNobody) {
  want();
  world.can_send = false;
  until(30s);
  EXPECT_EQ(unanswered(), 0);
  world.can_send = true;
  until(34s);
  EXPECT_TRUE(gateways.find(2, kGateway)->is_silent(1s, 3));
  world.can_send = false;
  until(60s);
  EXPECT_TRUE(gateways.find(2, kGateway)->is_silent(1s, 3)) << "and pardons nobody";
}

TEST_F(GatewaysTest, AQuestionThatCouldNotGoOutIsAskedAgainSoonHoweverLongTheInterval) {
  want(1h);
  world.can_send = false;
  until(0s);
  EXPECT_EQ(gateways.deadline(at(0s)), at(1s));
}

TEST_F(GatewaysTest, AStandstillIsOneMissAtMost) {
  want();
  until(0s);
  (void)gateways.step(at(100s), world);
  EXPECT_EQ(world.sent, 2);
  EXPECT_EQ(unanswered(), 1);
  EXPECT_EQ(gateways.deadline(at(100s)), at(101s));
}

}  // namespace
}  // namespace vipra::track
