#include "cli/watch_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/sample_reports.hpp"

namespace vipra::cli {
namespace {

using Kind = WatchEvent::Kind;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> lines(const std::vector<WatchEvent>& events) {
  std::vector<std::string> out;
  for (const auto& event : events) out.push_back(watch_line(event));
  return out;
}

struct WatchLogTest : testing::Test {
  WatchLog log;
  v1::NodeReport report = node_report();
  WatchLogTest() { add_virtual_ip(report, "web", {"10.99.0.100"}); }
};

TEST_F(WatchLogTest, BeginsWithHowThingsAre) {
  EXPECT_THAT(
      lines(log.take(report, kNow)),
      ElementsAre(
          "2026-11-22 02:54:57.000 UTC  web  IPv4  is Backup since then  LowerPriority: priority 100 < "
          "120 of 10.0.0.2\n"));
}

TEST_F(WatchLogTest, OldTransitionsAreNotTold) {
  add_transition(report, "web/ipv4", wire::STATE_INIT, wire::STATE_BACKUP, wire::REASON_STARTUP, ago(303));
  EXPECT_EQ(log.take(report, kNow).size(), 1u);
  EXPECT_TRUE(log.take(report, kNow).empty());
}

TEST_F(WatchLogTest, ATransitionIsToldOnce) {
  (void)log.take(report, kNow);
  add_transition(report, "web/ipv4", wire::STATE_BACKUP, wire::STATE_MASTER, wire::REASON_MASTER_SILENT, kNow,
                 "10.0.0.2 silent");
  make_master(*report.mutable_routers(0));
  EXPECT_THAT(
      lines(log.take(report, kNow)),
      ElementsAre(
          "2026-11-22 03:00:00.000 UTC  web  IPv4  Backup -> Master  MasterSilent: 10.0.0.2 silent\n"));
  EXPECT_TRUE(log.take(report, kNow).empty());
}

TEST_F(WatchLogTest, EveryStepOfAQuickSequenceIsTold) {
  (void)log.take(report, kNow);
  add_transition(report, "web/ipv4", wire::STATE_BACKUP, wire::STATE_MASTER, wire::REASON_MASTER_SILENT,
                 kNow);
  add_transition(report, "web/ipv4", wire::STATE_MASTER, wire::STATE_BACKUP, wire::REASON_PREEMPTED,
                 kNow + 1);
  EXPECT_EQ(log.take(report, kNow).size(), 2u);
}

TEST_F(WatchLogTest, AStateWhoseTransitionWasNotSeenIsToldAllTheSame) {
  (void)log.take(report, kNow);
  make_master(*report.mutable_routers(0));
  const auto events = log.take(report, kNow);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Kind::kState);
  EXPECT_EQ(events[0].from, "Backup");
  EXPECT_EQ(events[0].to, "Master");
}

TEST_F(WatchLogTest, ARestartedSpeakerThatCountsFromOneAgainIsHeard) {
  add_transition(report, "web/ipv4", wire::STATE_INIT, wire::STATE_BACKUP, wire::REASON_STARTUP, ago(400));
  (void)log.take(report, kNow);
  report.clear_transitions();
  add_transition(report, "web/ipv4", wire::STATE_INIT, wire::STATE_MASTER, wire::REASON_ADOPTED, kNow);
  make_master(*report.mutable_routers(0));
  const auto events = log.take(report, kNow);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, Kind::kMissed);
  EXPECT_EQ(events[1].reason, "Adopted");
}

TEST_F(WatchLogTest, RoutersComeAndGo) {
  (void)log.take(report, kNow);
  add_virtual_ip(report, "api", {"10.99.0.10"});
  auto events = log.take(report, kNow);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_THAT(watch_line(events[0]), HasSubstr("api  IPv4  new -> Backup"));

  report.mutable_routers()->DeleteSubrange(1, 1);
  events = log.take(report, kNow);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(watch_line(events[0]), "2026-11-22 03:00:00.000 UTC  api  IPv4  Backup -> gone  Deleted\n");
}

TEST_F(WatchLogTest, AControlThatHasNoAgentYetDoesNotMakeTheRoutersDisappear) {
  (void)log.take(report, kNow);
  v1::NodeReport empty = report;
  empty.clear_routers();
  empty.set_agent_connected(false);
  auto events = log.take(empty, kNow);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Kind::kAgentLost);
  events = log.take(report, kNow);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Kind::kAgentBack);
}

TEST_F(WatchLogTest, AControlThatDoesNotKnowTheStatesYetTellsNoChange) {
  (void)log.take(report, kNow);
  v1::NodeReport unknown = report;
  unknown.mutable_routers(0)->set_state(wire::STATE_UNKNOWN);
  EXPECT_TRUE(log.take(unknown, kNow).empty());
  EXPECT_TRUE(log.take(report, kNow).empty());
  (void)log.take(unknown, kNow);
  make_master(*report.mutable_routers(0));
  const auto events = log.take(report, kNow);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].from, "Backup");
  EXPECT_EQ(events[0].to, "Master");
}

TEST_F(WatchLogTest, ASharedRouterIsToldOnceWithAllItsNames) {
  auto* other = report.add_virtual_ips();
  other->set_name("api");
  other->add_routers("web/ipv4");
  report.mutable_routers(0)->add_virtual_ips("api");
  const auto events = log.take(report, kNow);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].virtual_ip, "web,api");
}

TEST_F(WatchLogTest, JsonLinesParse) {
  report.mutable_routers(0)->set_detail("a \"quoted\"\n\x1b detail");
  for (const auto& event : log.take(report, kNow)) {
    const auto line = watch_json_line(event);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["event"], "current");
    EXPECT_EQ(json["virtualIp"], "web");
    EXPECT_EQ(json["to"], "Backup");
    EXPECT_EQ(json["detail"], "a \"quoted\"\n\x1b detail");
  }
}

}  // namespace
}  // namespace vipra::cli
