// Addresses and interfaces under the agent's feet.
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

struct OwnershipLab : AgentLab {
  void ip(const char* name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ip");
    const auto done = node(name).run(arguments);
    ASSERT_TRUE(done && done->exit_status == 0) << (done ? done->out : done.error().what);
  }
};

TEST_F(OwnershipLab, AnAddressThatSomebodyDeletesIsBackAtOnce) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  auto watch = lab_->watch_addresses();
  ASSERT_OK(watch);
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"addr", "del", "10.99.0.100/32", "dev", "eth0"}));
  const auto restored = [&] {
    bool gone = false;
    for (const auto& change : (*watch)->changes()) {
      if (change.address != vip_) continue;
      if (gone && change.added) return true;
      gone = gone || !change.added;
    }
    return false;
  };
  EXPECT_TRUE(wait_until(restored, s{5}));
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u) << "no election because of it";
}

TEST_F(OwnershipLab, AStrangersAddressIsNeverTouched) {
  ASSERT_NO_FATAL_FAILURE(build(2));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"addr", "add", "10.99.0.100/32", "dev", "eth0"}));
  ASSERT_OK(lab_->write_definition("web.yaml", web().yaml()));
  ASSERT_OK(lab_->start_agents(agent()));
  ASSERT_TRUE(logged(node("node-a"), "AddressInUse"));
  ASSERT_TRUE(wait_until([&] { return node("node-b").owns(vip_); }, s{5})) << "another node serves it";
  EXPECT_TRUE(node("node-a").owns(vip_)) << "the stranger's is still there";
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"addr", "del", "10.99.0.100/32", "dev", "eth0"}));
  EXPECT_TRUE(logged(node("node-a"), "\"from\":\"Fault\",\"to\":\"Backup\""));
}

TEST_F(OwnershipLab, TheSameAddressOfAStrangerBesideOursStaysWhenOursGoes) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"addr", "add", "10.99.0.100/24", "dev", "eth0"}));
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(wait_until([&] { return node("node-b").owns(vip_); }, s{5}));
  const auto left = lab_->node("node-a").run({"ip", "-o", "addr", "show", "dev", "eth0"});
  ASSERT_OK(left);
  EXPECT_NE(left->out.find("10.99.0.100/24"), std::string::npos) << left->out;
  EXPECT_EQ(left->out.find("10.99.0.100/32"), std::string::npos) << left->out;
}

TEST_F(OwnershipLab, AnInterfaceThatGoesDownMovesTheVipAndMayComeBack) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth0", "down"}));
  ASSERT_TRUE(wait_until([&] { return node("node-b").owns(vip_); }, s{5}));
  ASSERT_TRUE(logged(node("node-a"), "InterfaceDown"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth0", "up"}));
  EXPECT_TRUE(logged(node("node-a"), "\"from\":\"Fault\",\"to\":\"Backup\""));
  EXPECT_TRUE(owns("node-b"));
  ASSERT_OK(node("node-b").crash());
  EXPECT_TRUE(owns("node-a")) << "it takes part again";
}

TEST_F(OwnershipLab, ARenamedInterfaceGoesOnWorking) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  // Renaming needs the link down on older kernels; the VIP moves and both nodes go on taking part.
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth0", "down"}));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "eth0", "name", "lan0"}));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "lan0", "up"}));
  ASSERT_TRUE(logged(node("node-a"), "\"from\":\"Fault\",\"to\":\"Backup\""));
  ASSERT_OK(node("node-b").crash());
  EXPECT_TRUE(owns("node-a"));
  EXPECT_TRUE(logged(node("node-a"), "\"interface\":\"lan0\""));
}

TEST_F(OwnershipLab, AnInterfaceByNameThatIsMissingIsExplainedAndTakenWhenItComes) {
  auto definition = web();
  definition.extra_spec = "  interface: {name: vlan7}\n";
  ASSERT_NO_FATAL_FAILURE(up(1, definition));
  ASSERT_TRUE(logged(node("node-a"), "InterfaceMissing"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "add", "vlan7", "link", "eth0", "type", "macvlan"}));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"addr", "add", "10.99.0.77/24", "dev", "vlan7"}));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "set", "vlan7", "up"}));
  EXPECT_TRUE(owns("node-a"));
  ASSERT_NO_FATAL_FAILURE(ip("node-a", {"link", "del", "vlan7"}));
  EXPECT_TRUE(wait_until([&] { return !node("node-a").owns(vip_); }, s{5}));
}

TEST_F(OwnershipLab, AnAddressRemovedFromTheDefinitionLeavesTheKernel) {
  auto definition = web();
  definition.addresses = {"10.99.0.100", "10.99.0.101"};
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1, definition));
  const auto second = *IpAddress::parse("10.99.0.101");
  ASSERT_TRUE(wait_until([&] { return node("node-a").owns(second); }, s{5}));
  ASSERT_OK(lab_->write_definition("web.yaml", web().yaml()));
  EXPECT_TRUE(wait_until([&] { return !node("node-a").owns(second); }, s{5}));
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
}

}  // namespace
}  // namespace vipra::lab
