// Stories of two nodes, told as the pages that the encoder of vipra-control makes of them, scraped every 15
// s; promtool says which alerts fire when.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "metrics/families.hpp"
#include "tests/deploy/scrapes.hpp"

namespace vipra::test {
namespace {

using metrics::Snapshot;

// A node that is well.
Snapshot node_in(const std::string& name, State state) {
  Snapshot snapshot;
  snapshot.node = name;
  auto& router = snapshot.routers.emplace_back();
  router.id = "web/ipv4";
  router.virtual_ips = {"web"};
  router.vrid = 51;
  router.interface = "eth0";
  router.state = state;
  router.base_priority = router.effective_priority = 100;
  router.transitions = {{State::kInit, State::kBackup, Reason::kStartup, 1}};
  router.takeovers = {{0.5}, {0, 0}, 0};
  router.addresses = {{"192.0.2.10", "web", state == State::kMaster}};
  snapshot.speaker.emplace().applied_generation = 1;
  auto& supervisor = snapshot.supervisor.emplace();
  supervisor.children = {{"speaker", true, 1, Reason::kNone}};
  supervisor.desired_generation = 1;
  auto& check = snapshot.checks.emplace_back();
  check.virtual_ip = "web";
  check.name = "envoy";
  check.kind = "http";
  check.decided = check.passing = true;
  snapshot.control.build = "1";
  snapshot.control.agent_connected = snapshot.control.source_readable = true;
  snapshot.control.built_generation = 1;
  snapshot.control.definitions_accepted = 1;
  return snapshot;
}

using Story = std::function<std::optional<Snapshot>(int step)>;  // none: the node does not answer

void expect_alerts(const Story& a, const Story& b, const std::vector<Expectation>& expected) {
  const int steps = expected.back().seconds / kSecondsAScrape + 2;
  Scrapes scrapes{steps};
  for (const auto& [node, story] : {std::pair{"node-a", &a}, std::pair{"node-b", &b}}) {
    for (int step = 0; step < steps; ++step) {
      const auto snapshot = (*story)(step);
      scrapes.add(node, step, snapshot ? std::optional{metrics::render(*snapshot)} : std::nullopt);
    }
  }
  EXPECT_EQ(disagreement(scrapes, expected), "");
}

Story always(const std::string& name, State state, std::function<void(Snapshot&)> change = {}) {
  return [=](int) -> std::optional<Snapshot> {
    auto snapshot = node_in(name, state);
    if (change) change(snapshot);
    return snapshot;
  };
}

const Story kOwner = always("node-a", State::kMaster);
const Story kBackup = always("node-b", State::kBackup);

TEST(Alerts, AreSilentWhileAllIsWell) {
  expect_alerts(kOwner, kBackup, {{60, {}}, {1200, {}}});
}

TEST(Alerts, NoOwnerFiresWhenTheOnlyOneStandsBackAndEndsWithTheNext) {
  expect_alerts([](int step) { return node_in("node-a", step < 8 ? State::kMaster : State::kBackup); },
                [](int step) { return node_in("node-b", step < 16 ? State::kBackup : State::kMaster); },
                {{105, {}}, {135, {}}, {165, {{"NoOwner", 1}}}, {225, {{"NoOwner", 1}}}, {255, {}}});
}

TEST(Alerts, ACrashedNodeIsAnAgentDownAndNoMissingOwner) {
  expect_alerts(
      [](int step) { return step < 8 ? std::optional{node_in("node-a", State::kMaster)} : std::nullopt; },
      [](int step) { return node_in("node-b", step < 8 ? State::kBackup : State::kMaster); },
      {{105, {}}, {150, {}}, {195, {{"AgentDown", 1}}}, {600, {{"AgentDown", 1}}}});
}

TEST(Alerts, WhatNobodyCanTellIsNoMissingOwner) {
  const auto away = [](Snapshot& snapshot) {
    snapshot.routers[0].fresh = false;
    snapshot.control.agent_connected = false;
  };
  expect_alerts(always("node-a", State::kMaster, away), always("node-b", State::kBackup, away),
                {{45, {}}, {120, {{"AgentDown", 2}}}});
}

TEST(Alerts, TwoOwnersFireWhenItLastsLongerThanAScrape) {
  expect_alerts(
      kOwner,
      [](int step) { return node_in("node-b", step < 8 || step >= 20 ? State::kBackup : State::kMaster); },
      {{120, {}}, {165, {{"TwoOwners", 1}}}, {330, {}}});
}

TEST(Alerts, OneMoveIsNoFlapping) {
  const auto mover = [](const char* name, bool first) {
    return [=](int step) -> std::optional<Snapshot> {
      auto snapshot = node_in(name, first == (step < 10) ? State::kMaster : State::kBackup);
      snapshot.routers[0].transitions.push_back(
          {State::kBackup, State::kMaster, Reason::kMasterSilent, first || step >= 10 ? 1u : 0u});
      return snapshot;
    };
  };
  expect_alerts(mover("node-a", true), mover("node-b", false), {{300, {}}, {600, {}}});
}

TEST(Alerts, AVirtualIpThatMovesEveryMinuteFlaps) {
  const auto mover = [](const char* name, int offset) {
    return [=](int step) -> std::optional<Snapshot> {
      auto snapshot = node_in(name, (step + offset) / 4 % 2 == 0 ? State::kMaster : State::kBackup);
      snapshot.routers[0].transitions.push_back({State::kBackup, State::kMaster, Reason::kMasterSilent,
                                                 static_cast<std::uint64_t>(step + offset) / 8 + 1});
      return snapshot;
    };
  };
  expect_alerts(mover("node-a", 0), mover("node-b", 4), {{120, {}}, {900, {{"FlappingVIP", 1}}}});
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

// Prometheus itself reads them, as rules that record.
TEST(Dashboard, EveryExpressionIsPromQl) {
  std::ifstream file{VIPRA_SOURCE_DIR "/deploy/dashboards/vipra.json"};
  const auto dashboard = nlohmann::json::parse(file);
  auto rules = nlohmann::json::array();
  for (const auto& panel : dashboard.at("panels")) {
    for (const auto& target : panel.value("targets", nlohmann::json::array())) {
      std::string expression = target.at("expr");
      for (const auto* interval : {"$__rate_interval", "$__range"})
        expression = replaced(expression, interval, "5m");
      for (const auto* variable : {"$virtual_ip", "$node"}) expression = replaced(expression, variable, ".*");
      EXPECT_EQ(expression.find('$'), std::string::npos) << expression;
      rules.push_back({{"record", "x:number_" + std::to_string(rules.size())}, {"expr", expression}});
    }
  }
  const TestFolder folder;
  std::ofstream{folder.path() + "/rules.yaml"}
      << nlohmann::json{{"groups", {{{"name", "dashboard"}, {"rules", rules}}}}}.dump();
  const auto [status, said] = promtool("check rules " + folder.path() + "/rules.yaml");
  EXPECT_EQ(status, 0) << said;
}

struct Trouble {
  const char* alert;
  int seconds;
  std::function<void(Snapshot&)> make;
};

TEST(Alerts, EveryTroubleOfOneNodeHasItsAlert) {
  const std::vector<Trouble> troubles{
      {"StaleVerdicts", 90, [](Snapshot& s) { s.routers[0].stale_contributions = 1; }},
      {"DefinitionRefused", 90, [](Snapshot& s) { s.control.definitions_refused = 1; }},
      {"DefinitionsUnreadable", 360, [](Snapshot& s) { s.control.source_readable = false; }},
      {"DefinitionsNotApplied", 90, [](Snapshot& s) { s.control.built_generation = 2; }},
      {"RouterInFault", 90, [](Snapshot& s) { s.routers[0].state = State::kFault; }},
      {"RouterWarning", 90, [](Snapshot& s) { s.routers[0].warning = Reason::kOneWayMulticast; }},
      {"CheckFailing", 150, [](Snapshot& s) { s.checks[0].passing = false; }},
      {"TrackFailed", 150, [](Snapshot& s) { s.routers[0].tracks = {{"uplink", "link", false}}; }},
      {"AgentDown", 90, [](Snapshot& s) { s.control.agent_connected = false; }},
  };
  for (const auto& trouble : troubles) {
    SCOPED_TRACE(trouble.alert);
    expect_alerts(kOwner, always("node-b", State::kBackup, trouble.make),
                  {{15, {}}, {trouble.seconds, {{trouble.alert, 1}}}});
  }
}

TEST(Alerts, AConflictIsNamedAtOnceAndIsNoOtherWarning) {
  expect_alerts(
      [](int step) -> std::optional<Snapshot> {
        auto snapshot = node_in("node-a", State::kMaster);
        if (step >= 8 && step < 20) snapshot.routers[0].warning = Reason::kConflict;
        return snapshot;
      },
      kBackup, {{105, {}}, {120, {{"AddressConflict", 1}}}, {270, {{"AddressConflict", 1}}}, {330, {}}});
}

TEST(Alerts, AMasterWithoutItsAddressIsNamed) {
  expect_alerts(
      always("node-a", State::kMaster, [](Snapshot& s) { s.routers[0].addresses[0].present = false; }),
      kBackup, {{15, {}}, {60, {{"AddressMissing", 1}}}});
}

TEST(Alerts, ASpeakerThatIsStartedAgainAndAgainIsNamed) {
  expect_alerts(kOwner,
                [](int step) -> std::optional<Snapshot> {
                  auto snapshot = node_in("node-b", State::kBackup);
                  snapshot.supervisor->children[0].starts = static_cast<std::uint64_t>(step) / 8 + 1;
                  return snapshot;
                },
                {{120, {}}, {900, {{"SpeakerRestarts", 1}}}});
}

}  // namespace
}  // namespace vipra::test
