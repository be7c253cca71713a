// A VirtualIP, or all of a node's, handed over on somebody's wish: no probe is lost, and it stays away.
#include <nlohmann/json.hpp>

#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

using testing::HasSubstr;

struct StandAside : AgentLab {
  // Two nodes of which the first would take the address back whenever it could.
  static VipDefinition taken_back(VipDefinition definition = web()) {
    definition.preemption = "Immediate";
    return definition;
  }
  std::string state_of(const char* name) {
    const auto said = nlohmann::json::parse(vipctl(node(name), {"get", "web", "-o", "json"}), nullptr, false);
    if (said.is_discarded()) return {};
    return said.value("/routers/0/state"_json_pointer, "") + " " +
           said.value("/routers/0/reason"_json_pointer, "");
  }
  bool is(const char* name, const std::string& state) {
    return wait_until([&] { return state_of(name) == state; }, s{10}, ms{50});
  }
  // What a report says then is of after the crash.
  void crash_of(Role role) {
    const auto old = node("node-a").process(role);
    ASSERT_OK(old);
    ASSERT_OK(node("node-a").signal(role, SIGKILL));
    ASSERT_TRUE(wait_until(
        [&] {
          const auto heir = node("node-a").process(role);
          return heir && *heir != *old;
        },
        s{10}));
  }
  // Better than node-b and willing to preempt: longer than an election takes.
  bool takes_nothing() {
    return !wait_until([&] { return node("node-a").owns(vip_); }, ms{1000}) && node("node-b").owns(vip_);
  }
  // Runs `arguments` on node-a while the address is probed, until node-b has it.
  ProbeReport handed_over(const std::vector<std::string>& arguments, std::string& said) {
    return probed(
        [&] {
          int status = -1;
          said = vipctl(node("node-a"), arguments, &status);
          EXPECT_EQ(status, 0) << said;
        },
        [&] { return owns("node-b"); },
        [&] {
          vipctl(node("node-a"), {"switchover", "web", "--cancel"});
          vipctl(node("node-a"), {"maintenance", "off"});
          ASSERT_TRUE(owns("node-a", s{10}));
        });
  }
};

TEST_F(StandAside, ASwitchoverLosesNoProbeAndTheNodeStaysAwayUntilItIsCancelled) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, taken_back()));
  std::string said;
  const auto report = handed_over({"switchover", "web", "--for", "1h"}, said);
  EXPECT_EQ(report.lost, 0u) << report.summary();
  EXPECT_THAT(said, HasSubstr("web is handed over."));
  EXPECT_TRUE(is("node-a", "Init Switchover"));
  EXPECT_THAT(vipctl(node("node-a"), {"explain", "web"}),
              HasSubstr("handed over to the other nodes, until 20"));
  int status = 0;
  EXPECT_THAT(vipctl(node("node-b"), {"switchover", "web", "--cancel"}, &status),
              HasSubstr("does not stay away"));
  EXPECT_EQ(status, 1);
  // Better, and willing to preempt, but away: also when nobody else is left.
  ASSERT_OK(node("node-b").crash());
  EXPECT_FALSE(wait_until([&] { return node("node-a").owns(vip_); }, ms{1500}));
  vipctl(node("node-a"), {"switchover", "web", "--cancel"});
  EXPECT_TRUE(owns("node-a"));
}

TEST_F(StandAside, OnlyTheOwnerHandsOverAndSaysWhyNot) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_TRUE(is("node-b", "Backup LowerPriority"));
  int status = 0;
  EXPECT_THAT(vipctl(node("node-b"), {"switchover", "web"}, &status), HasSubstr("does not own web"));
  EXPECT_EQ(status, 1);
  EXPECT_THAT(vipctl(node("node-a"), {"switchover", "nothing"}, &status),
              HasSubstr("takes no part in nothing"));
  EXPECT_EQ(status, 1);
  EXPECT_TRUE(node("node-a").owns(vip_));
}

TEST_F(StandAside, AfterItsTimeTheNodeTakesPartAgain) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, taken_back()));
  vipctl(node("node-a"), {"switchover", "web", "--for", "1s"});
  ASSERT_TRUE(owns("node-b"));
  EXPECT_TRUE(owns("node-a", s{10}));
}

TEST_F(StandAside, MaintenanceOfBothFamiliesLosesNoProbeAndOutlivesTheAgent) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, taken_back(dual_stack())));
  std::string said;
  const auto report = handed_over({"maintenance", "on"}, said);
  EXPECT_EQ(report.lost, 0u) << report.summary();
  EXPECT_THAT(said, HasSubstr("This node is in maintenance until that is ended."));
  EXPECT_TRUE(lab_->wait_for_owner(vip6_, "node-b", s{5}));
  EXPECT_THAT(vipctl(node("node-a"), {"get"}), HasSubstr("maintenance"));
  ASSERT_NO_FATAL_FAILURE(crash_of(Role::kControl));
  ASSERT_TRUE(is("node-a", "Init Maintenance"));
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(is("node-a", "Init Maintenance"));
  EXPECT_TRUE(takes_nothing());
  ASSERT_NO_FATAL_FAILURE(crash_of(Role::kSpeaker));
  EXPECT_TRUE(takes_nothing());
  ASSERT_TRUE(is("node-a", "Init Maintenance"));
  vipctl(node("node-a"), {"maintenance", "off"});
  EXPECT_TRUE(owns("node-a"));
  EXPECT_TRUE(lab_->wait_for_owner(vip6_, "node-a", s{5}));
}

}  // namespace
}  // namespace vipra::lab
