// Definitions through every process, and checks that move the VIP.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

namespace fs = std::filesystem;

struct DefinitionsLab : AgentLab {};

TEST_F(DefinitionsLab, AFileIsServedWhenItComesAndGivenUpWhenItGoes) {
  ASSERT_NO_FATAL_FAILURE(build(2));
  ASSERT_OK(lab_->start_agents(agent()));
  ASSERT_TRUE(logged(node("node-a"), "child.started") && logged(node("node-b"), "child.started"));
  ASSERT_OK(node("node-a").write_definition("web.yaml", web().yaml()));
  ASSERT_TRUE(owns("node-a", s{10}));
  ASSERT_OK(node("node-b").write_definition("web.yaml", web().yaml()));
  ASSERT_OK(lab_->remove_definition("web.yaml"));
  EXPECT_TRUE(wait_until([&] { return lab_->owners(vip_).empty(); }, s{5}));
}

TEST_F(DefinitionsLab, ABadObjectIsRefusedAloneWithItsPathAndReason) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  ASSERT_OK(lab_->write_definition("bad.yaml",
                                   "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: bad}\n"
                                   "spec: {addresses: [10.99.0.102], vrrp: {virtualRouterID: 900}}\n"));
  ASSERT_TRUE(logged(node("node-a"), "spec.vrrp.virtualRouterID"));
  EXPECT_TRUE(logged(node("node-a"), "OutOfRange"));
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
  // The log line is written before the round that renews what vipctl is told.
  EXPECT_TRUE(wait_until(
      [&] { return vipctl(node("node-a"), {"get"}).find("spec.vrrp.virtualRouterID") != std::string::npos; },
      s{5}));
}

TEST_F(DefinitionsLab, AFolderThatVanishesTakesNothingAway) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  const auto folder = node("node-a").definitions_dir();
  fs::rename(folder, folder.string() + ".away");
  EXPECT_FALSE(wait_until([&] { return !node("node-a").owns(vip_); }, ms{700}));
  // Restarted without the folder, it serves the last good set.
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(wait_until([&] { return !node("node-a").owns(vip_); }, s{5}));
  ASSERT_OK(node("node-a").start_agent(agent()));
  EXPECT_TRUE(owns("node-a", s{10}));
  fs::rename(folder.string() + ".away", folder);
  EXPECT_TRUE(node("node-a").owns(vip_));
}

TEST_F(DefinitionsLab, StrangeThingsInTheFolderDisturbNothing) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  const auto folder = node("node-a").definitions_dir();
  fs::create_directory(folder / "dir.yaml");
  fs::create_symlink(folder / "loop.yaml", folder / "loop.yaml");
  {
    std::ofstream{folder / "utf8.yaml"} << "kind: \xff\xfe\xfa\n";
    std::ofstream{folder / "half.yaml"} << "apiVersion: vipra.dev/v1al";
    std::ofstream large{folder / "large.json"};
    const std::string block(1024 * 1024, 'x');
    for (int i = 0; i < 100; ++i) large << block;
  }
  auto definition = web();
  definition.name = "more";
  definition.addresses = {"10.99.0.103"};
  definition.virtual_router_id = 52;
  ASSERT_OK(lab_->write_definition("more.yaml", definition.yaml()));
  EXPECT_TRUE(lab_->wait_for_owner(*IpAddress::parse("10.99.0.103"), "node-a", s{10}));
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
}

TEST_F(DefinitionsLab, AnOwnerWithAnotherVridResignsThreeTimesUnderTheOldOne) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  const auto before = web();
  auto edited = web();
  edited.virtual_router_id = 77;
  const auto edit = now();
  ASSERT_OK(lab_->write_definition("web.yaml", edited.yaml()));
  const auto count = [&](std::uint8_t vrid, bool resigned) {
    const auto all = (*capture)->adverts(vrid, edit);
    return std::count_if(all.begin(), all.end(),
                         [&](const auto& advert) { return (advert.priority == 0) == resigned; });
  };
  ASSERT_TRUE(wait_until([&] { return count(77, false) > 0; }, s{10}));
  EXPECT_EQ(count(static_cast<std::uint8_t>(before.virtual_router_id), true), 3);
  EXPECT_EQ(count(77, true), 0);
}

TEST_F(DefinitionsLab, ASecondVipWithTheSameVridIsAConflictThatNamesTheWinner) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  auto definition = web();
  definition.name = "younger";
  definition.addresses = {"10.99.0.104"};
  ASSERT_OK(lab_->write_definition("younger.yaml", definition.yaml()));
  ASSERT_TRUE(logged(node("node-a"), "VridConflict"));
  EXPECT_NE(node("node-a").log_text().find("VirtualIP web"), std::string::npos);
  EXPECT_FALSE(node("node-a").owns(*IpAddress::parse("10.99.0.104")));
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_TRUE(wait_until(
      [&] { return vipctl(node("node-a"), {"explain", "younger"}).find("web") != std::string::npos; }, s{5}));
  // Once the winner is gone, the other stands.
  ASSERT_OK(lab_->remove_definition("web.yaml"));
  EXPECT_TRUE(lab_->wait_for_owner(*IpAddress::parse("10.99.0.104"), "node-a", s{10}));
}

TEST_F(DefinitionsLab, AFailingCheckMovesTheVipAlthoughThePolicyIsNever) {
  auto definition = web();
  definition.extra_spec =
      "  checks:\n  - name: envoy\n    http: {path: /healthz, port: 8080}\n    interval: 100ms\n    timeout: "
      "90ms\n"
      "    rise: 2\n    fall: 2\n    onFailure: {priorityDelta: -120}\n";
  ASSERT_NO_FATAL_FAILURE(build(2));
  ASSERT_OK(node("node-a").web().serve());
  ASSERT_OK(node("node-b").web().serve());
  ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(owns("node-a", s{10}));
  ASSERT_OK(node("node-b").start_agent(agent()));
  ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
  const auto report =
      probed([&] { ASSERT_OK(node("node-a").web().serve(503)); }, [&] { return owns("node-b"); },
             [&] {
               ASSERT_OK(node("node-a").web().serve());
               ASSERT_OK(node("node-b").web().serve(503));
               ASSERT_TRUE(owns("node-a", s{10}));
               ASSERT_OK(node("node-b").web().serve());
             });
  EXPECT_EQ(report.lost, 0u) << report.summary();
  const auto why = vipctl(node("node-a"), {"explain", "web"});
  EXPECT_NE(why.find("envoy"), std::string::npos) << why;
  EXPECT_NE(why.find("503"), std::string::npos) << why;
}

TEST_F(DefinitionsLab, AFaultCheckTakesANodeOutOfTheElection) {
  auto definition = web();
  definition.extra_spec =
      "  checks:\n  - name: port\n    tcp: {port: 8080}\n    interval: 100ms\n    timeout: 90ms\n"
      "    rise: 1\n    fall: 2\n    onFailure: {fault: {}}\n";
  ASSERT_NO_FATAL_FAILURE(build(2));
  ASSERT_OK(node("node-a").web().serve());
  ASSERT_OK(node("node-b").web().serve());
  ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(owns("node-a", s{10}));
  ASSERT_OK(node("node-b").start_agent(agent()));
  ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
  ASSERT_OK(node("node-a").web().refuse());
  EXPECT_TRUE(owns("node-b"));
  EXPECT_TRUE(logged(node("node-a"), "\"to\":\"Fault\",\"reason\":\"CheckFailed\""));
}

TEST_F(DefinitionsLab, MetricsAndProbesAnswerOnBothFamilies) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  for (const auto* host : {"127.0.0.1", "[::1]"}) {
    for (const auto* path : {"/livez", "/readyz", "/metrics"}) {
      const auto answer =
          node("node-a").run({"curl", "-sS", "-m", "5", "-o", "/dev/stdout", "-w", "status=%{http_code}",
                              "-g", std::string{"http://"} + host + ":9112" + path});
      ASSERT_TRUE(answer) << answer.error().what;
      EXPECT_NE(answer->out.find("status=200"), std::string::npos) << host << path << "\n"
                                                                   << answer->out.substr(0, 500);
      if (std::string_view{path} == "/metrics") {
        EXPECT_NE(answer->out.find("vipra_router_state{"), std::string::npos);
        EXPECT_NE(answer->out.find("vipra_advertisements_sent_total"), std::string::npos);
        EXPECT_NE(answer->out.find("vipra_deadline_lateness_seconds_bucket"), std::string::npos);
      }
    }
  }
}

TEST_F(DefinitionsLab, VipctlShowsItToPeopleAndToMachines) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  EXPECT_TRUE(
      wait_until([&] { return vipctl(node("node-a"), {"get"}).find("Master") != std::string::npos; }, s{5}));
  int status = -1;
  EXPECT_TRUE(wait_until(
      [&] {
        const auto text = vipctl(node("node-b"), {"-o", "json", "get"}, &status);
        const auto json = nlohmann::json::parse(text, nullptr, false);
        return !json.is_discarded() && text.find("LowerPriority") != std::string::npos;
      },
      s{5}));
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(wait_until(
      [&] { return vipctl(node("node-b"), {"explain", "web"}).find("150 < 200") != std::string::npos; },
      s{5}))
      << vipctl(node("node-b"), {"explain", "web"});
  static_cast<void>(vipctl(node("node-a"), {"get", "nothing"}, &status));
  EXPECT_EQ(status, 1);
}

TEST_F(DefinitionsLab, EditingOneOfFiftyVipsSendsNothingForTheOthers) {
  ASSERT_NO_FATAL_FAILURE(build(1));
  std::string all;
  for (int i = 0; i < 50; ++i) {
    auto definition = web();
    definition.name = "vip-" + std::to_string(i);
    definition.addresses = {"10.99.0." + std::to_string(100 + i)};
    definition.virtual_router_id = 1 + i;
    definition.interval = ms{1000};
    ASSERT_OK(lab_->write_definition(definition.name + ".yaml", definition.yaml()));
  }
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  ASSERT_OK(lab_->start_agents(agent()));
  ASSERT_TRUE(wait_until(
      [&] {
        for (int i = 0; i < 50; ++i) {
          if (!node("node-a").owns(IpAddress::v4(10, 99, 0, static_cast<std::uint8_t>(100 + i))))
            return false;
        }
        return true;
      },
      s{20}));
  // Promotion is announced at once, after 100 ms, 1 s and 5 s; the next announcement is 55 s later.
  ASSERT_TRUE(wait_until(
      [&] {
        for (int i = 0; i < 50; ++i) {
          const auto ip = IpAddress::v4(10, 99, 0, static_cast<std::uint8_t>(100 + i));
          if ((*capture)->gratuitous_arps(ip) < 4) return false;
        }
        return true;
      },
      s{20}, ms{100}));
  auto edited = web();
  edited.name = "vip-7";
  edited.addresses = {"10.99.0.107", "10.99.0.207"};
  edited.virtual_router_id = 8;
  edited.interval = ms{1000};
  const auto edit = now();
  ASSERT_OK(lab_->write_definition("vip-7.yaml", edited.yaml()));
  ASSERT_TRUE(wait_until([&] { return node("node-a").owns(*IpAddress::parse("10.99.0.207")); }, s{5}));
  ASSERT_TRUE(wait_until([&] { return now() - edit > ms{3100}; }, s{5}, ms{50}));
  EXPECT_EQ((*capture)->dropped(), 0u);
  for (int i = 0; i < 50; ++i) {
    if (i == 7) continue;
    const auto ip = IpAddress::v4(10, 99, 0, static_cast<std::uint8_t>(100 + i));
    EXPECT_EQ((*capture)->gratuitous_arps(ip, edit), 0u) << i;
    const auto adverts = (*capture)->adverts(static_cast<std::uint8_t>(1 + i), edit, edit + ms{3000});
    EXPECT_GE(adverts.size(), 2u) << i;
    EXPECT_LE(adverts.size(), 4u) << i;
    for (const auto& advert : adverts) EXPECT_NE(advert.priority, 0) << i;
  }
  EXPECT_GE((*capture)->gratuitous_arps(*IpAddress::parse("10.99.0.207"), edit), 1u);
}

}  // namespace
}  // namespace vipra::lab
