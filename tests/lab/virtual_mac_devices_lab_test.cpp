// The life of a device with a virtual MAC address: when it is made, kept, and removed; what it leaves behind.
#include "tests/lab/virtual_mac_lab.hpp"

namespace vipra::lab {
namespace {

using testing::HasSubstr;

struct VirtualMacDevice : VirtualMacLab {
  void start(std::size_t nodes) { ASSERT_NO_FATAL_FAILURE(up_with_owner(nodes, with_virtual_mac(web()))); }
  // Everything of the node that the agent could have changed. Counters and states of neighbours are not of
  // it.
  static std::string configuration(const Station& station) {
    return shown(station, {"ip", "-d", "link", "show"}) + shown(station, {"ip", "addr", "show"}) +
           shown(station, {"ip", "rule"}) + shown(station, {"ip", "route", "show", "table", "all"}) +
           shown(station, {"ip", "-6", "route", "show", "table", "all"}) +
           shown(station, {"nft", "list", "ruleset"}) +
           shown(station, {"bash", "-c",
                           "cd /proc/sys/net && grep -rs . ipv4/conf/{all,default,eth0} "
                           "ipv6/conf/{all,default,eth0} ipv4/neigh/eth0 ipv6/neigh/eth0"});
  }
};

TEST_F(VirtualMacDevice, IsSetAsItMustBe) {
  ASSERT_NO_FATAL_FAILURE(start(1));
  auto& a = node("node-a");
  const auto name = device_name(a);
  const auto link = shown(a, {"ip", "-d", "link", "show", "dev", name});
  EXPECT_THAT(link, HasSubstr("macvlan mode vepa"));
  EXPECT_THAT(link, HasSubstr("addrgenmode none"));
  EXPECT_THAT(link, HasSubstr("alias vipra: virtual MAC"));
  EXPECT_THAT(link, HasSubstr("link/ether 00:00:5e:00:01:33"));
  const auto address = a.find_address(vip_);
  ASSERT_TRUE(address);
  EXPECT_THAT(shown(a, {"ip", "addr", "show", "dev", name}), HasSubstr("10.99.0.100/32"));
  const auto setting = [&](const std::string& which) {
    return shown(a, {"cat", "/proc/sys/net/ipv4/conf/" + name + "/" + which});
  };
  EXPECT_EQ(setting("arp_ignore"), "1\n");
  EXPECT_EQ(setting("rp_filter"), "2\n");
}

TEST_F(VirtualMacDevice, ACrashOfTheSpeakerIsNoFailover) {
  ASSERT_NO_FATAL_FAILURE(start(2));
  auto& a = node("node-a");
  const auto index = device_index(a, device_name(a));
  const auto report = probed(
      [&] {
        ASSERT_OK(a.signal(Role::kSpeaker, SIGKILL));
        ASSERT_TRUE(wait_until([&] { return count_logged(a, "speaker.ready") >= 2; }, s{5}));
        ASSERT_TRUE(wait_until([&] { return count_logged(a, "\"reason\":\"Adopted\"") >= 1; }, s{5}));
      },
      [&] { return owns("node-a"); });
  EXPECT_EQ(report.owner_names(), std::vector<std::string>{"node-a"});
  EXPECT_EQ(report.lost, 0u) << report.summary();
  EXPECT_EQ(device_index(a, device_name(a)), index) << "the same device";
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), 0u);
}

TEST_F(VirtualMacDevice, IsKeptByABackup) {
  ASSERT_NO_FATAL_FAILURE(start(2));
  auto& b = node("node-b");
  ASSERT_TRUE(wait_until([&] { return has_device(b); }, s{5}));
  const auto index = device_index(b, device_name(b));
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(owns("node-b"));
  EXPECT_EQ(device_index(b, device_name(b)), index);
}

TEST_F(VirtualMacDevice, DeletionLeavesTheNodeAsItWas) {
  ASSERT_NO_FATAL_FAILURE(build(1));
  auto& a = node("node-a");
  ASSERT_OK(a.start_agent(agent()));
  const auto before = configuration(a);
  const auto definition = with_virtual_mac(dual_stack()).yaml();
  ASSERT_OK(lab_->write_definition("web.yaml", definition));
  ASSERT_TRUE(owns("node-a", s{10}));
  ASSERT_TRUE(lab_->wait_for_owner(vip6_, "node-a", s{5}));
  EXPECT_NE(configuration(a), before);
  // What an agent that runs on leaves.
  ASSERT_OK(lab_->remove_definition("web.yaml"));
  EXPECT_TRUE(wait_until([&] { return configuration(a) == before; }, s{10}))
      << before << "\n----- and now -----\n"
      << configuration(a);
  // What an agent that stops leaves.
  ASSERT_OK(lab_->write_definition("web.yaml", definition));
  ASSERT_TRUE(owns("node-a", s{10}));
  ASSERT_OK(a.stop_agent());
  EXPECT_EQ(configuration(a), before);
}

TEST_F(VirtualMacDevice, AKilledAgentsDevicesAreRemovedByTheNext) {
  ASSERT_NO_FATAL_FAILURE(start(1));
  auto& a = node("node-a");
  ASSERT_OK(a.kill_agent());
  EXPECT_TRUE(has_device(a));
  // The definition is another now.
  auto other = web();
  other.name = "other";
  other.addresses = {"10.99.0.101"};
  other.virtual_router_id = 52;
  ASSERT_OK(lab_->write_definition("web.yaml", with_virtual_mac(other).yaml()));
  ASSERT_OK(a.start_agent(agent()));
  ASSERT_TRUE(lab_->wait_for_owner(*IpAddress::parse("10.99.0.101"), "node-a", s{10}));
  EXPECT_TRUE(wait_until([&] { return !has_device(a); }, s{5}));
  EXPECT_TRUE(has_device(a, "vip4-52-"));
  EXPECT_FALSE(a.owns(vip_));
}

TEST_F(VirtualMacDevice, AKilledAgentsFilterGoesWithIt) {
  ASSERT_NO_FATAL_FAILURE(start(1));
  auto& a = node("node-a");
  EXPECT_THAT(shown(a, {"nft", "list", "ruleset"}), HasSubstr("table arp vipra"));
  ASSERT_OK(a.run({"nft", "flush", "ruleset"}));
  EXPECT_THAT(shown(a, {"nft", "list", "ruleset"}), HasSubstr("table arp vipra"));
  ASSERT_OK(a.kill_agent());
  EXPECT_TRUE(wait_until([&] { return shown(a, {"nft", "list", "ruleset"}).empty(); }, s{5}));
}

TEST_F(VirtualMacDevice, TheDefinitionMayChangeItsMind) {
  ASSERT_NO_FATAL_FAILURE(start(2));
  const auto& client = lab_->client();
  EXPECT_EQ(resolve(client, vip_), kMac4.to_string());
  for (const bool on : {false, true}) {
    ASSERT_OK(lab_->write_definition("web.yaml", with_virtual_mac(web(), on).yaml()));
    for (const auto* name : {"node-a", "node-b"})
      EXPECT_TRUE(wait_until([&] { return has_device(node(name)) == on; }, s{10})) << name << on;
    ASSERT_TRUE(wait_until([&] { return lab_->owners(vip_).size() == 1; }, s{10}));
    EXPECT_TRUE(wait_until([&] { return (resolve(client, vip_) == kMac4.to_string()) == on; }, s{10}));
  }
}

TEST_F(VirtualMacDevice, FollowsAnotherVirtualRouterId) {
  ASSERT_NO_FATAL_FAILURE(start(1));
  auto definition = web();
  definition.virtual_router_id = 77;
  ASSERT_OK(lab_->write_definition("web.yaml", with_virtual_mac(definition).yaml()));
  auto& a = node("node-a");
  EXPECT_TRUE(wait_until([&] { return has_device(a, "vip4-77-") && !has_device(a) && a.owns(vip_); }, s{10}));
  EXPECT_TRUE(wait_until([&] { return resolve(lab_->client(), vip_) == "00:00:5e:00:01:4d"; }, s{5}));
}

TEST_F(VirtualMacDevice, IsMadeAgainWhenSomebodyDeletesIt) {
  ASSERT_NO_FATAL_FAILURE(start(1));
  auto& a = node("node-a");
  const auto name = device_name(a);
  const auto index = device_index(a, name);
  ASSERT_OK(a.run({"ip", "link", "del", name}));
  EXPECT_TRUE(
      wait_until([&] { return has_device(a) && device_index(a, name) != index && a.owns(vip_); }, s{10}));
}

TEST_F(VirtualMacDevice, AnInterfaceThatIsDownIsTheFaultThatItAlwaysWas) {
  ASSERT_NO_FATAL_FAILURE(start(2));
  auto& a = node("node-a");
  ASSERT_OK(a.run({"ip", "link", "set", "eth0", "down"}));
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(logged(a, "\"reason\":\"InterfaceDown\""));
  EXPECT_TRUE(has_device(a));
  ASSERT_OK(a.run({"ip", "link", "set", "eth0", "up"}));
  EXPECT_TRUE(wait_until([&] { return vipctl(a, {"get"}).find("Backup") != std::string::npos; }, s{10}));
}

TEST_F(VirtualMacDevice, AStrangersDeviceIsNamedAndLeftAlone) {
  ASSERT_NO_FATAL_FAILURE(build(1));
  auto& a = node("node-a");
  ASSERT_OK(a.run(
      {"ip", "link", "add", "theirs", "link", "eth0", "address", "00:00:5e:00:01:33", "type", "macvlan"}));
  ASSERT_OK(lab_->write_definition("web.yaml", with_virtual_mac(web()).yaml()));
  ASSERT_OK(a.start_agent(agent()));
  EXPECT_TRUE(logged(a, "the device theirs on eth0 has the virtual MAC address 00:00:5e:00:01:33 already"));
  EXPECT_FALSE(a.owns(vip_));
  ASSERT_OK(a.run({"ip", "link", "del", "theirs"}));
  EXPECT_TRUE(owns("node-a", s{10}));

  // And one that has the name.
  const auto name = device_name(a);
  ASSERT_OK(a.stop_agent());
  ASSERT_OK(a.run({"ip", "link", "add", name, "type", "bridge"}));
  ASSERT_OK(a.start_agent(agent()));
  EXPECT_TRUE(logged(a, "there is one of that name that is not Vipra's"));
  EXPECT_FALSE(a.owns(vip_));
  ASSERT_OK(a.stop_agent());
  EXPECT_NE(shown(a, {"ip", "link", "show", name}).find(name), std::string::npos);
}

TEST_F(VirtualMacDevice, AnInterfaceThatCannotCarryOneIsSaidInWords) {
  ASSERT_NO_FATAL_FAILURE(build(1));
  auto& a = node("node-a");
  ASSERT_OK(a.run({"ip", "link", "add", "br9", "type", "bridge"}));
  ASSERT_OK(a.run({"ip", "link", "set", "eth0", "master", "br9"}));
  auto definition = with_virtual_mac(web());
  definition.extra_spec = "  interface: {name: eth0}\n";
  ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
  ASSERT_OK(a.start_agent(agent()));
  EXPECT_TRUE(logged(a, "\"reason\":\"DeviceFailed\""));
  EXPECT_TRUE(logged(a, "the interface cannot carry a macvlan"));
  EXPECT_FALSE(a.owns(vip_));
  ASSERT_OK(a.run({"ip", "link", "set", "eth0", "nomaster"}));
  EXPECT_TRUE(owns("node-a", s{15})) << "it is tried again";
}

}  // namespace
}  // namespace vipra::lab
