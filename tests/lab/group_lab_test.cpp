// VirtualIPs that move together, on two segments of the same nodes: eth0, and a cable between the two.
#include <nlohmann/json.hpp>

#include "lab/command.hpp"
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

using testing::HasSubstr;

constexpr const char* kMemberSegment = "eth1";

struct Groups : AgentLab {
  // "outside" leads: its name comes first, and files have no time of creation.
  static VipDefinition outside() {
    auto definition = web();
    definition.name = "a-outside";
    definition.extra_vrrp = "    group: gateway\n";
    return definition;
  }
  static VipDefinition inside() {
    auto definition = outside();
    definition.name = "b-inside";
    definition.addresses = {"10.77.0.100", "2001:db8:77::100"};
    definition.virtual_router_id = 52;
    return definition;
  }

  void prepare_alone(const VipDefinition& lead, const VipDefinition& member) {
    ASSERT_NO_FATAL_FAILURE(build(2));
    ASSERT_OK(must("node-a", {"ip", "link", "add", kMemberSegment, "type", "veth", "peer", "name",
                              kMemberSegment, "netns", node("node-b").net().path()}));
    for (const auto* name : {"node-a", "node-b"}) {
      const std::string host = name == std::string{"node-a"} ? "1" : "2";
      ASSERT_OK(must(name, {"ip", "address", "add", "10.77.0." + host + "/24", "dev", kMemberSegment}));
      ASSERT_OK(must(
          name, {"ip", "address", "add", "2001:db8:77::" + host + "/64", "dev", kMemberSegment, "nodad"}));
      ASSERT_OK(must(name, {"ip", "link", "set", kMemberSegment, "up"}));
    }
    ASSERT_OK(lab_->write_definition("outside.yaml", lead.yaml()));
    ASSERT_OK(lab_->write_definition("inside.yaml", member.yaml()));
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_TRUE(all_at("node-a", s{15}));
  }
  void prepare(const VipDefinition& lead, const VipDefinition& member) {
    ASSERT_NO_FATAL_FAILURE(prepare_alone(lead, member));
    ASSERT_OK(node("node-b").start_agent(agent()));
    ASSERT_TRUE(
        wait_until([&] { return state_of("node-b", "b-inside") == "Backup LowerPriority"; }, s{10}, ms{50}));
  }
  void prepare() { prepare(outside(), inside()); }

  Status must(const char* name, const std::vector<std::string>& command) {
    return must_run(node(name).net(), command);
  }
  std::string state_of(const char* name, const char* vip) {
    const auto said = nlohmann::json::parse(vipctl(node(name), {"get", vip, "-o", "json"}), nullptr, false);
    if (said.is_discarded()) return {};
    return said.value("/routers/0/state"_json_pointer, "") + " " +
           said.value("/routers/0/reason"_json_pointer, "");
  }
  int owned(const char* name) {
    return int{node(name).owns(vip_)} + int{node(name).owns(member_)} + int{node(name).owns(member6_)};
  }
  bool all_at(const char* name, Duration within = std::chrono::seconds{5}) {
    const char* other = name == std::string{"node-a"} ? "node-b" : "node-a";
    return wait_until([&] { return owned(name) == 3 && (!node(other).powered() || owned(other) == 0); },
                      within);
  }
  // VRRP is dropped where it comes in, on one segment of one node.
  void deafen(const char* name, const char* interface) {
    ASSERT_OK(must_run(node(name).net(), {"nft", "-f", "-"},
                       std::string{"table inet deaf {\n  chain in {\n    type filter hook input priority 0;\n"
                                   "    iifname \""} +
                           interface + "\" meta l4proto 112 drop\n  }\n}\n"));
  }
  void hear_again(const char* name) { ASSERT_OK(must(name, {"nft", "delete", "table", "inet", "deaf"})); }

  IpAddress member_ = *IpAddress::parse("10.77.0.100");
  IpAddress member6_ = *IpAddress::parse("2001:db8:77::100");
};

TEST_F(Groups, MoveTogetherWhenTheOwnerCrashes) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(all_at("node-b"));
  EXPECT_EQ(state_of("node-b", "b-inside"), "Master LeadIsMaster");
}

TEST_F(Groups, VipctlSaysWhoFollowsWhom) {
  ASSERT_NO_FATAL_FAILURE(prepare_alone(outside(), inside()));
  const auto said = nlohmann::json::parse(vipctl(node("node-a"), {"get", "b-inside", "-o", "json"}));
  ASSERT_EQ(said.at("routers").size(), 2u);
  for (const auto& router : said.at("routers")) {
    EXPECT_EQ(router.at("follows"), true);
    EXPECT_EQ(router.at("lead"), "a-outside/ipv4");
    EXPECT_EQ(router.at("leadVirtualIp"), "a-outside");
    EXPECT_EQ(router.at("group"), "gateway");
  }
  EXPECT_THAT(vipctl(node("node-a"), {"get"}), HasSubstr("gateway: a-outside leads, followed by b-inside"));
  EXPECT_THAT(vipctl(node("node-a"), {"explain", "a-outside"}),
              HasSubstr("followed by b-inside/ipv4, b-inside/ipv6"));
}

TEST_F(Groups, OneMembersInterfaceTakesAllOfThemAway) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  ASSERT_OK(must("node-a", {"ip", "link", "set", kMemberSegment, "down"}));
  EXPECT_TRUE(all_at("node-b"));
  EXPECT_TRUE(
      wait_until([&] { return state_of("node-a", "a-outside") == "Fault GroupMember"; }, s{5}, ms{50}));
  EXPECT_THAT(vipctl(node("node-a"), {"explain", "a-outside"}), HasSubstr("b-inside/ipv4: "));
  ASSERT_OK(must("node-a", {"ip", "link", "set", kMemberSegment, "up"}));
  // It went with the link.
  ASSERT_OK(must("node-a", {"ip", "address", "add", "2001:db8:77::1/64", "dev", kMemberSegment, "nodad"}));
  EXPECT_TRUE(
      wait_until([&] { return state_of("node-a", "a-outside") == "Backup NotPreempting"; }, s{10}, ms{50}));
  EXPECT_EQ(owned("node-b"), 3) << "the policy is Never";
}

TEST_F(Groups, OneMembersCheckCountsForAll) {
  auto checked = inside();
  checked.extra_spec =
      "  checks:\n  - {name: app, tcp: {port: 9}, interval: 100ms, timeout: 50ms, rise: 1, fall: 1, "
      "onFailure: {priorityDelta: -20}}\n";
  ASSERT_NO_FATAL_FAILURE(prepare(outside(), checked));
  EXPECT_TRUE(wait_until(
      [&] {
        return vipctl(node("node-a"), {"explain", "a-outside"}).find("b-inside: check app") !=
               std::string::npos;
      },
      s{5}, ms{50}));
  EXPECT_THAT(vipctl(node("node-a"), {"get", "a-outside", "-o", "json"}), HasSubstr("180"));
}

TEST_F(Groups, ASwitchoverOfOneMovesAll) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  int status = -1;
  const auto said = vipctl(node("node-a"), {"switchover", "b-inside"}, &status);
  EXPECT_EQ(status, 0) << said;
  EXPECT_TRUE(all_at("node-b"));
  EXPECT_TRUE(wait_until([&] { return state_of("node-a", "a-outside") == "Init Switchover"; }, s{5}, ms{50}));
}

// Each node's lead believes itself alone; the members' segment knows better.
TEST_F(Groups, ACutOfTheLeadsSegmentAloneLeavesOneOwnerOfAll) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  ASSERT_NO_FATAL_FAILURE(deafen("node-a", "eth0"));
  ASSERT_NO_FATAL_FAILURE(deafen("node-b", "eth0"));
  ASSERT_TRUE(
      wait_until([&] { return state_of("node-b", "a-outside") == "Backup GroupMember"; }, s{10}, ms{50}));
  EXPECT_TRUE(all_at("node-a"));
  // And so it stays, for longer than an election takes.
  EXPECT_FALSE(wait_until([&] { return owned("node-b") > 0; }, s{2}));
  EXPECT_EQ(owned("node-a"), 3);
  EXPECT_EQ(state_of("node-b", "a-outside"), "Backup GroupMember");
  // Where the better node goes, the other takes all.
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(all_at("node-b"));
}

TEST_F(Groups, AHealedCutOfTheLeadsSegmentIsNoMove) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  ASSERT_NO_FATAL_FAILURE(deafen("node-b", "eth0"));
  ASSERT_TRUE(
      wait_until([&] { return state_of("node-b", "a-outside") == "Backup GroupMember"; }, s{10}, ms{50}));
  const auto before = count_logged(node("node-a"), "router.transition");
  ASSERT_NO_FATAL_FAILURE(hear_again("node-b"));
  EXPECT_TRUE(
      wait_until([&] { return state_of("node-b", "a-outside") == "Backup LowerPriority"; }, s{5}, ms{50}));
  EXPECT_EQ(owned("node-a"), 3);
  EXPECT_EQ(count_logged(node("node-a"), "router.transition"), before);
}

// Whose lead sorts behind it: "web-inside/ipv4" comes before "web/ipv4".
TEST_F(Groups, ACrashOfTheSpeakerTakesNoAddressAway) {
  auto lead = outside();
  auto member = inside();
  lead.name = "web";
  member.name = "web-inside";
  ASSERT_NO_FATAL_FAILURE(prepare_alone(lead, member));
  auto watch = lab_->watch_addresses();
  ASSERT_OK(watch);
  const auto old = node("node-a").process(Role::kSpeaker);
  ASSERT_OK(old);
  ASSERT_OK(node("node-a").signal(Role::kSpeaker, SIGKILL));
  ASSERT_TRUE(logged(node("node-a"), "\"reason\":\"Adopted\"", s{5}));
  EXPECT_TRUE(wait_until([&] { return count_logged(node("node-a"), "\"reason\":\"Adopted\"") == 3; }, s{5}));
  for (const auto& change : (*watch)->changes())
    EXPECT_TRUE(change.added) << change.address.to_string() << " went from " << change.station;
  EXPECT_EQ(owned("node-a"), 3);
}

TEST_F(Groups, DeletingTheLeadMovesNothing) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  ASSERT_OK(lab_->remove_definition("outside.yaml"));
  EXPECT_TRUE(wait_until([&] { return !node("node-a").owns(vip_); }, s{5}));
  EXPECT_TRUE(
      wait_until([&] { return logged(node("node-a"), "\"router\":\"a-outside/ipv4\"", s{1}); }, s{5}));
  EXPECT_FALSE(wait_until([&] { return owned("node-a") != 2 || owned("node-b") != 0; }, s{1}));
  EXPECT_EQ(count_logged(node("node-a"), "\"reason\":\"LeadIsNotMaster\""), 0u);
  // The next oldest leads now.
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(wait_until([&] { return owned("node-b") == 2; }, s{5}));
}

TEST_F(Groups, LeavingAndJoiningByAnEditMovesNothing) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  auto alone = inside();
  alone.extra_vrrp.clear();
  const auto transitions = count_logged(node("node-a"), "router.transition");
  const auto applied = [&](std::size_t times) {
    return wait_until([&] { return count_logged(node("node-a"), "speaker.plan_applied") >= times; }, s{5});
  };
  const auto plans = count_logged(node("node-a"), "speaker.plan_applied");
  ASSERT_OK(lab_->write_definition("inside.yaml", alone.yaml()));
  ASSERT_TRUE(applied(plans + 1));
  ASSERT_OK(lab_->write_definition("inside.yaml", inside().yaml()));
  ASSERT_TRUE(applied(plans + 2));
  EXPECT_FALSE(wait_until([&] { return owned("node-a") != 3; }, s{1}));
  EXPECT_EQ(count_logged(node("node-a"), "router.transition"), transitions);
}

}  // namespace
}  // namespace vipra::lab
