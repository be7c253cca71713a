// The dashboard and the alerts ask for nothing but what src/metrics serves: every name, every label, every
// value.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>

#include "metrics/families.hpp"
#include "source/yaml.hpp"
#include "tests/deploy/metric_names.hpp"
#include "tests/metrics/golden_snapshot.hpp"

namespace vipra::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;

const std::filesystem::path kSource{VIPRA_SOURCE_DIR};

std::string read(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

json dashboard() {
  return json::parse(read(kSource / "deploy/dashboards/vipra.json"));
}
json alerts() {
  auto documents = source::parse_yaml(read(kSource / "deploy/dashboards/alerts.yaml"));
  EXPECT_FALSE(documents.error);
  return documents.all.at(0).at("groups").at(0).at("rules");
}
Served served() {
  return served_by(metrics::render(golden_snapshot()));
}

TEST(MetricNames, AreFoundInPromQl) {
  const auto usage = usage_of(
      R"(sum by (a, b) (rate(x_total{c="1", d=~"$v"}[5m])) / on (e) group_left (f) y > 0 unless z{c!="}"} == 1)");
  std::vector<std::string> names;
  for (const auto& selector : usage.selectors) names.push_back(selector.metric);
  EXPECT_THAT(names, ElementsAre("x_total", "y", "z"));
  EXPECT_THAT(usage.grouping, ElementsAre("a", "b", "e", "f"));
  ASSERT_EQ(usage.selectors[0].matchers.size(), 2u);
  EXPECT_EQ(usage.selectors[0].matchers[1].label, "d");
  EXPECT_EQ(usage.selectors[2].matchers[0].value, "}");
}

TEST(MetricNames, WhatIsNotServedIsNamed) {
  const auto missing = [](const char* expression) { return unserved(usage_of(expression), served()); };
  EXPECT_THAT(missing("vipra_no_such_thing"), ElementsAre("vipra_no_such_thing"));
  EXPECT_THAT(missing("vipra_router_state{stat=\"Master\"}"), ElementsAre("vipra_router_state{stat}"));
  EXPECT_THAT(missing("vipra_router_state{state=\"Active\"}"),
              ElementsAre("vipra_router_state{state=\"Active\"}"));
  EXPECT_THAT(missing("sum by (vip) (vipra_router_state)"), ElementsAre("label vip"));
  EXPECT_THAT(missing("sum by (virtual_ip, instance) (vipra_router_state{state=\"Master\"})"), IsEmpty());
}

TEST(Alerts, UseOnlyWhatIsServed) {
  const auto known = served();
  std::vector<std::string> names;
  for (const auto& rule : alerts()) {
    names.push_back(rule.at("alert"));
    EXPECT_THAT(unserved(usage_of(rule.at("expr").get<std::string>()), known), IsEmpty()) << names.back();
    EXPECT_FALSE(rule.at("annotations").at("summary").get<std::string>().empty());
    EXPECT_FALSE(rule.at("annotations").at("description").get<std::string>().empty());
    EXPECT_TRUE(rule.at("labels").contains("severity"));
  }
  EXPECT_THAT(names, IsSupersetOf({"NoOwner", "TwoOwners", "FlappingVIP", "AgentDown", "StaleVerdicts",
                                   "DefinitionRefused"}));
}

// Every {{label}} of a legend is one that the expression leaves.
std::set<std::string> labels_of_legend(const std::string& legend) {
  std::set<std::string> out;
  const std::regex pattern{R"(\{\{\s*(\w+)\s*\}\})"};
  for (std::sregex_iterator at{legend.begin(), legend.end(), pattern}, end; at != end; ++at)
    out.insert((*at)[1]);
  return out;
}

TEST(Dashboard, UsesOnlyWhatIsServed) {
  const auto known = served();
  int expressions = 0;
  const auto page = dashboard();
  for (const auto& panel : page.at("panels")) {
    for (const auto& target : panel.value("targets", json::array())) {
      ++expressions;
      const auto usage = usage_of(target.at("expr").get<std::string>());
      EXPECT_FALSE(usage.selectors.empty()) << target;
      EXPECT_THAT(unserved(usage, known), IsEmpty()) << panel.at("title");
      std::set<std::string> labels{"instance", "job"};
      for (const auto& selector : usage.selectors) {
        for (const auto& [label, values] :
             known.at(selector.metric == "up" ? "vipra_agent_connected" : selector.metric))
          labels.insert(label);
      }
      EXPECT_THAT(labels, IsSupersetOf(labels_of_legend(target.at("legendFormat")))) << panel.at("title");
    }
  }
  EXPECT_GE(expressions, 25);
}

TEST(Dashboard, VariablesComeFromLabelsThatAreServed) {
  const auto known = served();
  const std::regex pattern{R"(label_values\((\w+), (\w+)\))"};
  int queries = 0;
  const auto page = dashboard();
  for (const auto& variable : page.at("templating").at("list")) {
    if (variable.at("type") != "query") continue;
    ++queries;
    const std::string query = variable.at("query");
    std::smatch match;
    ASSERT_TRUE(std::regex_match(query, match, pattern)) << query;
    ASSERT_TRUE(known.contains(match[1])) << query;
    EXPECT_TRUE(match[2] == "instance" || known.at(match[1]).contains(match[2])) << query;
  }
  EXPECT_EQ(queries, 2);
}

TEST(Dashboard, PanelsHaveIdsOfTheirOwnAndDoNotOverlap) {
  std::set<int> ids;
  std::set<std::pair<int, int>> taken;
  const auto page = dashboard();
  for (const auto& panel : page.at("panels")) {
    EXPECT_TRUE(ids.insert(panel.at("id").get<int>()).second) << panel.at("title");
    const auto& at = panel.at("gridPos");
    for (int x = at.at("x"); x < at.at("x").get<int>() + at.at("w").get<int>(); ++x) {
      for (int y = at.at("y"); y < at.at("y").get<int>() + at.at("h").get<int>(); ++y) {
        EXPECT_LT(x, 24);
        EXPECT_TRUE(taken.insert({x, y}).second) << panel.at("title");
      }
    }
  }
}

TEST(Chart, ItsCopiesOfDashboardAndAlertsAreThese) {
  for (const auto* name : {"vipra.json", "alerts.yaml"}) {
    EXPECT_EQ(read(kSource / "deploy/helm/vipra/files" / name), read(kSource / "deploy/dashboards" / name))
        << "copy deploy/dashboards/" << name << " to deploy/helm/vipra/files";
  }
}

}  // namespace
}  // namespace vipra::test
