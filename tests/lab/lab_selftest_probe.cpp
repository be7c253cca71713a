#include "tests/lab/lab_selftest.hpp"

namespace vipra::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LabProbe : public LabSelftest {
 protected:
  std::unique_ptr<Probe> start(const std::vector<IpAddress>& targets) {
    auto probe = lab_->probe(targets, {.limit = std::chrono::seconds{20}});
    EXPECT_TRUE(probe) << why(probe);
    return std::move(*probe);
  }
  // Judges only what a quiet host did; a stall asks for another run of it.
  template <class Body>
  void on_a_quiet_host(Body&& body) {
    for (int run = 0; run < 20; ++run) {
      if (const ProbeReport report = body(); !report.host_stalled()) return;
    }
    GTEST_SKIP() << "this machine stalled in each of twenty runs";
  }
};

TEST_F(LabProbe, AQuietWhileLosesNothing) {
  ASSERT_OK(acquire("node-a", vip4_));
  const auto probe = start({vip4_});
  ASSERT_TRUE(answers(*probe, "node-a"));
  on_a_quiet_host([&] {
    const TimePoint begin = now();
    const auto report = probe->settled_report(begin, begin + ms{300});
    if (report.host_stalled()) return report;
    EXPECT_EQ(report.lost, 0U) << report.summary();
    EXPECT_GE(report.sent, 295U) << report.summary();
    EXPECT_LE(report.sent, 301U) << report.summary();
    EXPECT_THAT(report.owner_names(), ElementsAre("node-a"));
    return report;
  });
}

TEST_F(LabProbe, MeasuresAnOutageAndNamesBothOwners) {
  ASSERT_OK(acquire("node-a", vip4_));
  const auto probe = start({vip4_});
  const TimePoint quiet = now();
  ASSERT_TRUE(answers(*probe, "node-a"));
  const TimePoint begin = now();
  ASSERT_OK(lab_->node("node-a").crash());
  const TimePoint crashed = now();
  EXPECT_TRUE(wait_until([&] { return now() >= crashed + ms{150}; }, ms{1000}));
  const TimePoint moving = now();
  ASSERT_OK(acquire("node-b", vip4_));
  const TimePoint moved = now();
  ASSERT_TRUE(answers(*probe, "node-b"));

  // From the first answer on: before it, the address may still have been in resolution.
  const auto first = probe->report().owners.at(0).from;
  const auto report = probe->settled_report(std::max(quiet, first), now());
  EXPECT_THAT(report.owner_names(), ElementsAre("node-a", "node-b")) << report.summary();
  ASSERT_EQ(report.outages.size(), 1U) << report.summary();
  const auto& outage = report.outages[0];
  ASSERT_TRUE(outage.answered.has_value());
  EXPECT_GE(outage.length, moving - crashed - ms{1}) << report.summary();
  EXPECT_GE(outage.first_lost, begin - ms{1});
  if (report.host_stalled()) GTEST_SKIP() << "this machine stalled: " << report.summary();
  EXPECT_LE(outage.length, moved - begin + ms{20}) << report.summary();
  EXPECT_NEAR(static_cast<double>(outage.lost), to_ms(outage.length), 10.0) << report.summary();
  EXPECT_EQ(report.lost, outage.lost);
}

TEST_F(LabProbe, BothFamiliesAtOnce) {
  ASSERT_OK(acquire("node-a", vip4_));
  ASSERT_OK(acquire("node-b", vip6_));
  const auto probe = start({vip4_, vip6_});
  const TimePoint since = now();
  EXPECT_TRUE(wait_until([&] { return probe->answered_by("node-a", since, 0); }, ms{3000}));
  EXPECT_TRUE(wait_until([&] { return probe->answered_by("node-b", since, 1); }, ms{3000}));
}

TEST_F(LabProbe, HandOverWithoutAGapLosesNothing) {
  ASSERT_OK(acquire("node-a", vip4_));
  const auto probe = start({vip4_});
  ASSERT_TRUE(answers(*probe, "node-a"));
  std::string from = "node-a";
  std::string to = "node-b";
  on_a_quiet_host([&] {
    const TimePoint begin = now();
    EXPECT_OK(acquire(to, vip4_));
    EXPECT_TRUE(answers(*probe, to));
    const TimePoint settled = now() + ms{50};
    EXPECT_TRUE(wait_until([&] { return now() >= settled; }, ms{1000}));
    EXPECT_OK(release(from, vip4_));
    const auto report = probe->settled_report(begin, now());
    std::swap(from, to);
    if (report.host_stalled()) return report;
    EXPECT_EQ(report.lost, 0U) << report.summary();
    return report;
  });
}

TEST_F(LabProbe, AStallOfTheHostIsNotTakenForAnOutage) {
  ASSERT_OK(acquire("node-a", vip4_));
  const auto probe = start({vip4_});
  ASSERT_TRUE(answers(*probe, "node-a"));
  // Both streams fail together, as when the machine itself stands still.
  const TimePoint begin = now();
  ASSERT_OK(lab_->network().port_down(lab_->client()));
  EXPECT_TRUE(wait_until([&] { return now() >= begin + ms{120}; }, ms{1000}));
  ASSERT_OK(lab_->network().port_up(lab_->client()));
  ASSERT_TRUE(answers(*probe, "node-a"));
  const auto report = probe->settled_report(begin, now());
  ASSERT_FALSE(report.outages.empty()) << report.summary();
  EXPECT_TRUE(report.outages[0].host_stalled) << report.summary();
  EXPECT_GE(report.longest_stall(), ms{50}) << report.summary();
}

TEST_F(LabProbe, AnUnansweredTargetIsLostToTheEnd) {
  const auto probe = start({vip4_});
  const TimePoint begin = now();
  const auto report = probe->settled_report(begin, begin + ms{100});
  EXPECT_EQ(report.answered, 0U);
  ASSERT_EQ(report.outages.size(), 1U);
  EXPECT_FALSE(report.outages[0].answered.has_value());
  EXPECT_FALSE(probe->last_answer().has_value());
}

TEST_F(LabProbe, StopsByItselfAtItsLimit) {
  auto probe = lab_->probe({vip4_}, {.limit = ms{50}});
  ASSERT_OK(probe);
  const TimePoint begin = now();
  EXPECT_TRUE(wait_until([&] { return now() > begin + ms{150}; }, ms{1000}));
  EXPECT_LE((*probe)->report().sent, 51U);
}

TEST_F(LabProbe, TimelineTellsOwnersOutagesAndDeeds) {
  ASSERT_OK(acquire("node-a", vip4_));
  const auto probe = start({vip4_});
  ASSERT_TRUE(answers(*probe, "node-a"));
  lab_->timeline().note("crash of node-a");
  ASSERT_OK(lab_->node("node-a").crash());
  ASSERT_OK(acquire("node-c", vip4_));
  ASSERT_TRUE(answers(*probe, "node-c"));
  probe->stop();
  const auto table = lab_->timeline().table(probe->report());
  const auto a = table.find("node-a  ");
  const auto crash = table.find("-- crash of node-a");
  const auto nobody = table.find("nobody");
  const auto c = table.find("node-c  ");
  ASSERT_NE(c, std::string::npos) << table;
  EXPECT_LT(a, crash) << table;
  EXPECT_LT(crash, nobody) << table;
  EXPECT_LT(nobody, c) << table;
}

}  // namespace
}  // namespace vipra::lab
