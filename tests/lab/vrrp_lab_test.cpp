// Fields of spec.vrrp, each changed alone, as the segment and the kernel see them.
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

struct VrrpLab : AgentLab {
  void SetUp() override { definition_ = web(); }

  // The interval, in centiseconds, of the newest advertisement since then.
  std::uint16_t advertised_interval(TimePoint since) {
    std::uint16_t out = 0;
    for (const auto& advert : capture_->adverts(51, since)) out = advert.interval_cs;
    return out;
  }
  void capture() {
    auto capture = lab_->capture();
    ASSERT_OK(capture);
    capture_ = std::move(*capture);
  }

  VipDefinition definition_;
  std::unique_ptr<Capture> capture_;
};

TEST_F(VrrpLab, TheProfileIsTheIntervalOnTheWire) {
  definition_.interval = ms{0};
  definition_.extra_vrrp = "    profile: Turbo\n";
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1, definition_));
  ASSERT_NO_FATAL_FAILURE(capture());
  EXPECT_TRUE(wait_until([&] { return advertised_interval({}) == 1; }, s{5}));
  definition_.extra_vrrp = "    profile: Safe\n";
  ASSERT_OK(lab_->write_definition("web.yaml", definition_.yaml()));
  const auto edited = now();
  EXPECT_TRUE(wait_until([&] { return advertised_interval(edited) == 100; }, s{5}));
  definition_.extra_vrrp.clear();
  ASSERT_OK(lab_->write_definition("web.yaml", definition_.yaml()));
  const auto cleared = now();
  EXPECT_TRUE(wait_until([&] { return advertised_interval(cleared) == 10; }, s{5}));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u) << "none of the edits moved anything";
}

TEST_F(VrrpLab, StartupDelayListensBeforeItClaims) {
  definition_.extra_vrrp = "    startupDelay: 2s\n";
  ASSERT_NO_FATAL_FAILURE(build(1));
  ASSERT_OK(lab_->write_definition("web.yaml", definition_.yaml()));
  const auto begin = now();
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(logged(node("node-a"), "\"to\":\"Backup\""));
  EXPECT_TRUE(wait_until(
      [&] { return vipctl(node("node-a"), {"explain", "web"}).find("startupDelay") != std::string::npos; },
      s{1}, ms{50}))
      << vipctl(node("node-a"), {"explain", "web"});
  ASSERT_TRUE(owns("node-a"));
  EXPECT_GE(now() - begin, s{2});
}

TEST_F(VrrpLab, LinkUpDelayListensAgainWhenTheLinkIsBack) {
  definition_.extra_vrrp = "    linkUpDelay: 2s\n";
  ASSERT_NO_FATAL_FAILURE(build(1));
  ASSERT_OK(lab_->write_definition("web.yaml", definition_.yaml()));
  const auto begin = now();
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(owns("node-a"));
  EXPECT_LT(now() - begin, s{2}) << "the start is none of its business";
  ASSERT_OK(node("node-a").cut_link());
  ASSERT_TRUE(logged(node("node-a"), "\"to\":\"Fault\""));
  ASSERT_TRUE(wait_until([&] { return !node("node-a").owns(vip_); }, s{5}));
  const auto healed = now();
  ASSERT_OK(node("node-a").heal_link());
  ASSERT_TRUE(owns("node-a"));
  EXPECT_GE(now() - healed, s{2});
}

TEST_F(VrrpLab, AHealedPartitionOfVersion2LeavesOneOwnerWhoAnnouncedLast) {
  definition_.interval = ms{1000};
  definition_.extra_vrrp = "    version: 2\n    authentication: {simplePassword: abc}\n";
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, definition_));
  ASSERT_NO_FATAL_FAILURE(capture());
  for (int round = 0; round < 2; ++round) {
    const auto begin = now();
    ASSERT_OK(lab_->network().cut_both(node("node-a"), node("node-b")));
    ASSERT_TRUE(wait_until([&] { return lab_->owners(vip_).size() == 2; }, s{10}));
    auto probe = lab_->probe({vip_});
    ASSERT_OK(probe);
    const auto cut = now();
    ASSERT_TRUE(wait_until([&] { return (*probe)->answered_by("node-b", cut); }, s{5}))
        << "it announced last";
    // A repeat of that one's after the heal would be evidence enough; only its advertisement shall be left.
    ASSERT_TRUE(wait_until([&] { return capture_->gratuitous_arps(vip_, begin) >= 4; }, s{10}));
    ASSERT_OK(lab_->network().heal_both(node("node-a"), node("node-b")));
    ASSERT_TRUE(owns("node-a"));
    const auto settled = now();
    EXPECT_TRUE(wait_until([&] { return (*probe)->answered_by("node-a", settled); }, s{2}))
        << "round " << round;
  }
}

}  // namespace
}  // namespace vipra::lab
