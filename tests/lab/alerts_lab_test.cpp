// The alerts, judged by promtool on pages that agents really served while it happened: every moment of a
// story is scraped once from every node, and stands in the test of the rules for as long as it says.
#include <sstream>

#include "tests/deploy/scrapes.hpp"
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

using test::Expectation;

struct AlertsLab : AgentLab {
  static std::optional<std::string> page_of(Node& node) {
    const auto answer = node.run({"curl", "-fsS", "-m", "5", "http://127.0.0.1:9112/metrics"});
    if (!answer || answer->exit_status != 0) return std::nullopt;
    return answer->out;
  }
  // A line of the node's page that begins so and ends in that value.
  static bool serves(Node& node, const std::string& start, const std::string& value) {
    const auto page = page_of(node);
    if (!page) return false;
    std::istringstream lines{*page};
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(start) && line.ends_with(" " + value)) return true;
    return false;
  }
  // The page has a line for every state: 1 for the one it is in.
  static bool is_in_fault(Node& node) {
    return wait_until(
        [&] {
          const auto page = page_of(node);
          return page && page->find("state=\"Fault\"} 1\n") != std::string::npos;
        },
        s{10}, ms{20});
  }
  static bool is_master(Node& node, bool wanted) {
    return wait_until([&] { return serves(node, "vipra_router_is_master{", wanted ? "1" : "0"); }, s{10},
                      ms{20});
  }

  struct Moment {
    int scrapes;
    std::vector<std::optional<std::string>> pages;  // of each node
  };
  // As it is now, for so many scrapes.
  void remember(int scrapes) {
    Moment moment{scrapes, {}};
    for (std::size_t i = 0; i < lab_->node_count(); ++i) moment.pages.push_back(page_of(lab_->node(i)));
    story_.push_back(std::move(moment));
  }
  [[nodiscard]] std::string judge(const std::vector<Expectation>& expected) const {
    int steps = 0;
    for (const auto& moment : story_) steps += moment.scrapes;
    test::Scrapes scrapes{steps};
    int step = 0;
    for (const auto& moment : story_)
      for (int i = 0; i < moment.scrapes; ++i, ++step)
        for (std::size_t n = 0; n < moment.pages.size(); ++n)
          scrapes.add(lab_->node_names()[n], step, moment.pages[n]);
    return test::disagreement(scrapes, expected);
  }
  void up_and_seen(const VipDefinition& definition) {
    ASSERT_NO_FATAL_FAILURE(up_with_owner(2, definition));
    ASSERT_TRUE(is_master(node("node-a"), true) && is_master(node("node-b"), false));
  }

  std::vector<Moment> story_;
};

TEST_F(AlertsLab, ACrashIsAnAgentDownAndNothingElse) {
  ASSERT_NO_FATAL_FAILURE(up_and_seen(web()));
  remember(8);
  ASSERT_OK(node("node-a").crash());
  ASSERT_TRUE(is_master(node("node-b"), true));
  remember(20);
  EXPECT_FALSE(story_.back().pages[0]);
  EXPECT_EQ(judge({{105, {}}, {150, {}}, {195, {{"AgentDown", 1}}}, {390, {{"AgentDown", 1}}}}), "");
}

TEST_F(AlertsLab, TwoNodesThatDoNotHearEachOtherAreTwoOwnersUntilTheyDo) {
  ASSERT_NO_FATAL_FAILURE(up_and_seen(web()));
  remember(8);
  ASSERT_OK(lab_->network().cut_both(node("node-a"), node("node-b")));
  ASSERT_TRUE(is_master(node("node-b"), true));
  remember(8);
  ASSERT_OK(lab_->network().heal_all());
  ASSERT_TRUE(is_master(node("node-b"), false));
  ASSERT_TRUE(is_master(node("node-a"), true));
  remember(8);
  EXPECT_EQ(judge({{105, {}}, {135, {}}, {165, {{"TwoOwners", 1}}}, {225, {{"TwoOwners", 1}}}, {330, {}}}),
            "");
}

TEST_F(AlertsLab, WhereEveryNodeStandsBackNobodyOwnsIt) {
  auto definition = web();
  definition.extra_spec =
      "  checks:\n  - {name: port, tcp: {port: 8077}, interval: 100ms, timeout: 50ms, rise: 1, fall: 1,"
      " onFailure: {fault: {}}}\n";
  ASSERT_NO_FATAL_FAILURE(up(2, definition));
  for (const auto* name : {"node-a", "node-b"}) {
    ASSERT_TRUE(wait_until([&] { return serves(node(name), "vipra_check_passing{", "0"); }, s{10}, ms{20}));
    ASSERT_TRUE(is_in_fault(node(name)));
    ASSERT_TRUE(is_master(node(name), false));
  }
  remember(20);
  EXPECT_EQ(judge({{15, {}},
                   {45, {{"NoOwner", 1}}},
                   {285, {{"NoOwner", 1}, {"RouterInFault", 2}, {"CheckFailing", 2}}}}),
            "");
}

TEST_F(AlertsLab, AVirtualIpThatIsTakenBackAgainAndAgainFlaps) {
  auto definition = web();
  definition.preemption = "Immediate";
  ASSERT_NO_FATAL_FAILURE(up_and_seen(definition));
  remember(4);
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK(node("node-a").cut_link());
    ASSERT_TRUE(is_master(node("node-b"), true));
    remember(2);
    ASSERT_OK(node("node-a").heal_link());
    ASSERT_TRUE(is_master(node("node-b"), false));
    ASSERT_TRUE(is_master(node("node-a"), true));
    remember(2);
  }
  remember(4);
  EXPECT_EQ(judge({{45, {}}, {330, {{"FlappingVIP", 1}}}}), "");
}

}  // namespace
}  // namespace vipra::lab
