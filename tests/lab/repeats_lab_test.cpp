// A backup is woken by news. What its master says again and again it reads when it needs to (ADR 15), and
// misses nothing by it.
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
  const auto report = probed([&] { ASSERT_OK(node("node-a").stop_agent()); }, [&] { return owns("node-b"); });
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
    ASSERT_TRUE(wait_until(
        [&] {
          const auto pid = node("node-b").process(Role::kSpeaker);
          return pid && *pid != *old;
        },
        s{5}));
    EXPECT_TRUE(sleeps_through_repeats(node("node-b")));
  }
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), 0u) << "it thought its master silent";
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(owns("node-b"));
}

}  // namespace
}  // namespace vipra::lab
