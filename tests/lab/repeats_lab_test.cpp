// A backup is woken by news. What its master says again and again it reads when it needs to (ADR 15), and
// misses nothing by it. Nor is it missed that a speaker hangs which has long nothing to do.
#include <csignal>
#include <fstream>

#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

struct RepeatsLab : AgentLab {
  // How often the speaker slept so far: once for each wake-up.
  static std::uint64_t sleeps(Node& where) {
    const auto pid = where.process(Role::kSpeaker);
    if (!pid) return 0;
    std::ifstream status{"/proc/" + std::to_string(*pid) + "/status"};
    std::string line;
    while (std::getline(status, line)) {
      constexpr std::string_view kName = "voluntary_ctxt_switches:";
      if (line.starts_with(kName)) return std::stoull(line.substr(kName.size()));
    }
    return 0;
  }
  // Fewer than six wake-ups a second. The master speaks ten times (for each family), and the first second of
  // quiet must have passed: looked at for two seconds, and again.
  bool sleeps_through_repeats(Node& where) {
    for (int attempt = 0; attempt < 10; ++attempt) {
      const auto before = sleeps(where);
      const auto end = now() + s{2};
      static_cast<void>(wait_until([&] { return now() >= end; }, s{4}));
      const auto woke = sleeps(where) - before;
      if (woke > 0 && woke < 12) return true;
      std::printf("%s woke %llu times in 2 s\n", where.name().c_str(), static_cast<unsigned long long>(woke));
    }
    return false;
  }
};

TEST_F(RepeatsLab, ABackupSleepsWhileItsMasterSaysTheSame) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, dual_stack()));
  EXPECT_TRUE(sleeps_through_repeats(node("node-b")));
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), 0u);
  EXPECT_EQ(count_logged(node("node-b"), "speaker.repeats_not_held"), 0u);
}

TEST_F(RepeatsLab, AResignationWakesItAtOnce) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_TRUE(sleeps_through_repeats(node("node-b")));
  const auto report = probed([&] { ASSERT_OK(node("node-a").stop_agent()); }, [&] { return owns("node-b"); },
                             [&] {
                               ASSERT_NO_FATAL_FAILURE(give_back_to_node_a());
                               ASSERT_TRUE(sleeps_through_repeats(node("node-b")));
                             });
  EXPECT_EQ(report.lost, 0u) << report.summary();
}

TEST_F(RepeatsLab, ASilentMasterIsMissedInTime) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_TRUE(sleeps_through_repeats(node("node-b")));
  const auto begin = now();
  auto probe = lab_->probe({vip_});
  ASSERT_OK(probe);
  ASSERT_TRUE(wait_until([&] { return (*probe)->answered_by("node-a", begin); }, s{5}));
  const auto from = now();
  ASSERT_OK(node("node-a").crash());
  ASSERT_TRUE(wait_until([&] { return (*probe)->answered_by("node-b", from); }, s{5}));
  const auto last = now();
  ASSERT_TRUE(wait_until([&] { return (*probe)->answered_by("", last); }, s{5}));
  const auto report = (*probe)->settled_report(from, now());
  // Three intervals and the skew of node-b, 341 ms, if it is still counted from when the last advertisement
  // came, and not from when it was read: then up to 300 ms more. The rest is for the host.
  for (const auto& outage : report.outages) {
    if (outage.host_stalled) continue;
    EXPECT_LT(outage.length, ms{500}) << report.summary();
  }
}

TEST_F(RepeatsLab, ASpeakerInItsPlaceHearsEverythingAgain) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, dual_stack()));
  ASSERT_TRUE(sleeps_through_repeats(node("node-b")));
  for (int i = 0; i < 2; ++i) {
    const auto old = node("node-b").process(Role::kSpeaker);
    ASSERT_OK(old);
    ASSERT_OK(node("node-b").signal(Role::kSpeaker, SIGKILL));
    ASSERT_TRUE(respawned(node("node-b"), *old));
    EXPECT_TRUE(sleeps_through_repeats(node("node-b")));
  }
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), 0u) << "it thought its master silent";
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(owns("node-b"));
}

TEST_F(RepeatsLab, ASpeakerThatHangsWithNothingToDoIsReplaced) {
  ASSERT_NO_FATAL_FAILURE(build(1));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(logged(node("node-a"), "speaker.ready"));
  ASSERT_OK(node("node-a").signal(Role::kSpeaker, SIGSTOP));
  EXPECT_TRUE(wait_until([&] { return count_logged(node("node-a"), "speaker.ready") == 2; }, s{30}, ms{100}));
}

TEST_F(RepeatsLab, AFloodOfCopiesIsToldOfAndMovesNothing) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_TRUE(sleeps_through_repeats(node("node-b")));
  Advert fields;
  fields.vrid = 51;
  fields.priority = 200;
  fields.interval_cs = 10;
  fields.addresses = {vip_};
  const auto& master = node("node-a").facts();
  const std::vector<Bytes> copies(20'000, vrrp_frame(fields, lab_->client().facts().mac, master.v4));
  ASSERT_OK(lab_->client().inject(copies));
  EXPECT_TRUE(logged(node("node-b"), "speaker.repeats_flood"));
  ASSERT_OK(lab_->client().inject(copies));
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(owns("node-b"));
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), 1u) << "once, after the crash";
}

// While its speaker hangs, more comes for a backup than one reading takes: what is left must not be taken for
// news of now.
TEST_F(RepeatsLab, AHungBackupOfManyTakesNothingOver) {
  constexpr int kRouters = 150;
  ASSERT_NO_FATAL_FAILURE(build(2));
  std::string all;
  for (int i = 1; i <= kRouters; ++i) {
    auto one = web();
    one.name = "vip-" + std::to_string(i);
    one.virtual_router_id = i;
    one.addresses = {"10.98.0." + std::to_string(i)};
    one.extra_spec = "  interface: {name: eth0}\n";
    all += "---\n" + one.yaml();
  }
  ASSERT_OK(lab_->write_definition("all.yaml", all));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(
      wait_until([&] { return count_logged(node("node-a"), "\"to\":\"Master\"") == kRouters; }, s{20}));
  ASSERT_OK(node("node-b").start_agent(agent()));
  ASSERT_TRUE(
      wait_until([&] { return count_logged(node("node-b"), "\"to\":\"Backup\"") == kRouters; }, s{20}));
  ASSERT_TRUE(sleeps_through_repeats(node("node-b")));
  ASSERT_OK(node("node-b").signal(Role::kSpeaker, SIGSTOP));
  ASSERT_TRUE(wait_until([&] { return count_logged(node("node-b"), "speaker.ready") == 2; }, s{10}));
  // The first second of quiet of the new one passes, and it holds them back again.
  EXPECT_TRUE(sleeps_through_repeats(node("node-b")));
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), 0u);
}

}  // namespace
}  // namespace vipra::lab
