#include "checks/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/checks/loopback_server.hpp"

namespace vipra::checks {
namespace {

using namespace vipra::test;
using definitions::CheckSpec;
using definitions::FaultOnFailure;
using definitions::HttpProbe;
using definitions::PriorityDelta;
using definitions::ServiceProbe;
using definitions::TcpProbe;
using testing::HasSubstr;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr const char* kBroken = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

CheckSpec http_check(std::string name, std::uint16_t port, Duration interval = 50ms) {
  CheckSpec check;
  check.name = std::move(name);
  HttpProbe probe;
  probe.port = port;
  probe.path = "/healthz";
  check.probe = probe;
  check.interval = interval;
  check.timeout = interval;
  check.on_failure = PriorityDelta{-50};
  return check;
}

Watched watched(std::string name, std::vector<CheckSpec> checks) {
  Watched out{name, std::move(checks), {name + "/ipv4"}};
  return out;
}

class SchedulerTest : public testing::Test {
 protected:
  CheckState state(std::string_view check) const {
    for (auto& s : scheduler.states()) {
      if (s.name == check) return s;
    }
    return {};
  }
  std::uint64_t runs(std::string_view check) const {
    return state(check).runs.passed + state(check).runs.failed;
  }

  asio::io_context io;
  LoopbackServer server{io};
  std::vector<CheckState> verdicts;
  std::size_t reports = 0;
  std::size_t changes = 0;
  Scheduler scheduler{io, [this](const CheckState& s, bool verdict_changed, bool changed) {
                        if (verdict_changed) verdicts.push_back(s);
                        changes += changed ? 1 : 0;
                        ++reports;
                      }};
};

TEST_F(SchedulerTest, TheFirstProbeRunsAtOnceAndDecides) {
  server.answer = kBroken;
  scheduler.apply({watched("web", {http_check("envoy", server.port(), 10s)})});
  EXPECT_FALSE(state("envoy").decided);
  EXPECT_EQ(state("envoy").reason, Reason::kCheckPending);
  EXPECT_TRUE(scheduler.contributions().empty());
  ASSERT_TRUE(run_until(io, [&] { return !verdicts.empty(); }, 2s));
  EXPECT_FALSE(verdicts[0].passing);
  EXPECT_EQ(verdicts[0].virtual_ip, "web");
  EXPECT_EQ(verdicts[0].kind, "http");
  EXPECT_EQ(verdicts[0].reason, Reason::kCheckWrongStatus);
  EXPECT_GT(verdicts[0].since_unix_ns, 0);
}

TEST_F(SchedulerTest, AFailingCheckContributesToEachRouterOfItsVirtualIp) {
  server.answer = kBroken;
  auto with_fault = http_check("fatal", server.port());
  with_fault.on_failure = FaultOnFailure{};
  auto both = watched("web", {http_check("envoy", server.port()), with_fault});
  both.routers = {"web/ipv4", "web/ipv6"};
  scheduler.apply({both});
  ASSERT_TRUE(run_until(io, [&] { return state("envoy").failures == 3 && state("fatal").decided; }));
  const auto contributions = scheduler.contributions();
  ASSERT_EQ(contributions.size(), 4u);
  EXPECT_EQ(contributions[0].consumer, "web/ipv4");
  EXPECT_EQ(contributions[0].source, "check/envoy");
  EXPECT_EQ(contributions[0].delta, -50);
  EXPECT_FALSE(contributions[0].fault);
  EXPECT_EQ(contributions[0].reason, Reason::kCheckFailed);
  EXPECT_EQ(contributions[0].detail, "http 127.0.0.1:" + std::to_string(server.port()) +
                                         "/healthz answered 503, expected 200-399; 3 of 3 failed");
  EXPECT_EQ(contributions[1].source, "check/fatal");
  EXPECT_TRUE(contributions[1].fault);
  EXPECT_EQ(contributions[1].delta, 0);
  EXPECT_EQ(contributions[2].consumer, "web/ipv6");
}

TEST_F(SchedulerTest, AServiceIsJudgedByWhatIsKnownOfItAndAtOnceWhenThatChanges) {
  CheckSpec check;
  check.name = "pods";
  check.probe = ServiceProbe{"shop", "front", ServiceProbe::Endpoints::kNode, 2};
  check.interval = check.timeout = 20ms;
  check.rise = check.fall = 1;
  check.on_failure = PriorityDelta{-50};
  scheduler.apply({watched("web", {check})});
  ASSERT_TRUE(run_until(io, [&] { return state("pods").runs.discarded > 1; }));
  EXPECT_FALSE(state("pods").decided) << "nothing is known: nothing is said";

  scheduler.set_services({{{"shop", "front"}, {2, 5}}});
  ASSERT_TRUE(run_until(io, [&] { return state("pods").passing; }));
  check.interval = check.timeout = 1h;  // from here on only changes make it run
  scheduler.apply({watched("web", {check})});
  ASSERT_TRUE(run_until(io, [&] { return runs("pods") == 1; }));
  scheduler.set_services({{{"shop", "front"}, {1, 5}}});
  ASSERT_TRUE(run_until(io, [&] { return !state("pods").passing; }));
  EXPECT_EQ(state("pods").reason, Reason::kCheckTooFewEndpoints);
  EXPECT_EQ(scheduler.contributions().at(0).detail,
            "service shop/front has 1 ready endpoints on this node, expected at least 2; 1 of 1 failed");
  scheduler.set_services({{{"shop", "front"}, {1, 5}}, {{"shop", "other"}, {1, 1}}});
  scheduler.set_services({});
  ASSERT_TRUE(run_until(io, [&] { return state("pods").detail.find("has 0") != std::string::npos; }));
  EXPECT_EQ(runs("pods"), 3u) << "another Service's change runs nothing";
}

TEST_F(SchedulerTest, FallsAfterFallFailuresAndRisesAfterRiseSuccesses) {
  server.answer = kOk;
  scheduler.apply({watched("web", {http_check("envoy", server.port())})});
  ASSERT_TRUE(run_until(io, [&] { return state("envoy").successes == 2; }));
  server.answer = kBroken;
  const auto good = state("envoy").runs.passed;
  ASSERT_TRUE(run_until(io, [&] { return verdicts.size() == 2; }));
  EXPECT_FALSE(verdicts[1].passing);
  EXPECT_EQ(verdicts[1].failures, 3);
  EXPECT_EQ(state("envoy").runs.failed, 3u);
  EXPECT_LE(state("envoy").runs.passed, good + 1);
  server.answer = kOk;
  ASSERT_TRUE(run_until(io, [&] { return state("envoy").successes == 1; }));
  ASSERT_EQ(scheduler.contributions().size(), 1u);
  EXPECT_THAT(scheduler.contributions()[0].detail,
              HasSubstr("answered 503, expected 200-399; since then 1 of 2 passed"));
  ASSERT_TRUE(run_until(io, [&] { return verdicts.size() == 3; }));
  EXPECT_TRUE(verdicts[2].passing);
  EXPECT_TRUE(scheduler.contributions().empty());
}

TEST_F(SchedulerTest, ASteadyCheckReportsNoChange) {
  server.answer = kOk;
  scheduler.apply({watched("web", {http_check("envoy", server.port())})});
  ASSERT_TRUE(run_until(io, [&] { return state("envoy").successes == 2; }));
  const auto before = changes;
  const auto count = reports;
  ASSERT_TRUE(run_until(io, [&] { return reports >= count + 4; }));
  EXPECT_EQ(changes, before);
}

TEST_F(SchedulerTest, OneIntervalLiesBetweenStartsHoweverLongARunTakes) {
  server.answer = kOk;
  server.drip = 1ms;  // about 40 ms an answer
  scheduler.apply({watched("web", {http_check("envoy", server.port(), 200ms)})});
  ASSERT_TRUE(run_until(io, [&] { return server.accepted >= 7; }));
  // From the second start on; a mean, because single wake-ups may be late.
  const auto span = server.accepted_at[6] - server.accepted_at[1];
  EXPECT_GT(span, 950ms);
  EXPECT_LT(span, 1300ms);
}

TEST_F(SchedulerTest, RunsOfOneCheckNeverOverlap) {
  auto check = http_check("envoy", server.port(), 50ms);  // never answered
  check.timeout = 160ms;
  scheduler.apply({watched("web", {check})});
  ASSERT_TRUE(run_until(io, [&] { return server.accepted >= 4; }));
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_GE(server.accepted_at[i] - server.accepted_at[i - 1], 140ms) << i;
  }
}

TEST_F(SchedulerTest, ChecksWithOneIntervalDoNotAllRunInTheSameInstant) {
  server.answer = kOk;
  std::vector<CheckSpec> checks;
  for (int i = 0; i < 8; ++i) checks.push_back(http_check("check-" + std::to_string(i), server.port(), 1s));
  scheduler.apply({watched("web", checks)});
  ASSERT_TRUE(run_until(io, [&] { return server.accepted >= 16; }));
  std::set<std::int64_t> slots;  // of 50 ms
  for (std::size_t i = 8; i < 16; ++i) {
    slots.insert((server.accepted_at[i] - server.accepted_at[0]) / 50ms);
  }
  EXPECT_GE(slots.size(), 3u);
}

TEST_F(SchedulerTest, AnEditedCheckStartsAnewAndItsNeighbourGoesOn) {
  server.answer = kOk;
  auto edited = http_check("edited", server.port());
  const auto kept = http_check("kept", server.port());
  scheduler.apply({watched("web", {edited, kept})});
  ASSERT_TRUE(run_until(io, [&] { return runs("edited") >= 3 && runs("kept") >= 3; }));
  const auto kept_runs = runs("kept");
  edited.fall = 5;
  scheduler.apply({watched("web", {edited, kept})});
  EXPECT_EQ(runs("edited"), 0u);
  EXPECT_EQ(runs("kept"), kept_runs);
  EXPECT_TRUE(state("edited").decided && state("edited").passing)
      << "the old verdict holds until there is a new one";
  const auto verdicts_before = verdicts.size();
  ASSERT_TRUE(run_until(io, [&] { return runs("edited") >= 2; }));
  EXPECT_EQ(verdicts.size(), verdicts_before);
}

TEST_F(SchedulerTest, TheSameChecksAgainChangeNoSchedule) {
  server.answer = kOk;
  const std::vector<Watched> all{watched("web", {http_check("envoy", server.port(), 400ms)})};
  scheduler.apply(all);
  ASSERT_TRUE(run_until(io, [&] { return server.accepted == 1; }));
  const auto end = std::chrono::steady_clock::now() + 150ms;  // less than the shortest first gap
  run_until(io, [&] {
    scheduler.apply(all);
    return std::chrono::steady_clock::now() >= end;
  });
  EXPECT_EQ(server.accepted, 1u);
  ASSERT_TRUE(run_until(io, [&] { return server.accepted == 2; }, 1000ms));
}

TEST_F(SchedulerTest, ARemovedCheckVanishesWithItsContribution) {
  server.answer = kBroken;
  scheduler.apply({watched("web", {http_check("a", server.port()), http_check("b", server.port())}),
                   watched("db", {http_check("a", server.port())})});
  ASSERT_TRUE(run_until(io, [&] { return scheduler.contributions().size() == 3; }));
  scheduler.apply({watched("web", {http_check("b", server.port())})});
  EXPECT_EQ(scheduler.states().size(), 1u);
  ASSERT_EQ(scheduler.contributions().size(), 1u);
  EXPECT_EQ(scheduler.contributions()[0].source, "check/b");
}

TEST_F(SchedulerTest, APriorVerdictIsNotOverthrownByOneFailure) {
  server.answer = kBroken;
  scheduler.apply({watched("web", {http_check("envoy", server.port())})},
                  [](std::string_view, std::string_view) { return std::optional{true}; });
  EXPECT_TRUE(state("envoy").passing);
  ASSERT_TRUE(run_until(io, [&] { return runs("envoy") == 2; }));
  EXPECT_TRUE(state("envoy").passing);
  ASSERT_TRUE(run_until(io, [&] { return !verdicts.empty(); }));
  EXPECT_EQ(runs("envoy"), 3u);
}

TEST_F(SchedulerTest, APriorFailureContributesBeforeTheFirstRun) {
  server.answer = kOk;
  scheduler.apply({watched("web", {http_check("envoy", server.port())})},
                  [](std::string_view, std::string_view) { return std::optional{false}; });
  ASSERT_EQ(scheduler.contributions().size(), 1u);
  ASSERT_TRUE(run_until(io, [&] { return scheduler.contributions().empty(); }));
  EXPECT_EQ(runs("envoy"), 2u);
}

TEST_F(SchedulerTest, AfterAStandstillNoStormOfMissedRuns) {
  server.answer = kOk;
  std::vector<CheckSpec> checks;
  for (int i = 0; i < 20; ++i)
    checks.push_back(http_check("check-" + std::to_string(i), server.port(), 100ms));
  scheduler.apply({watched("web", checks)});
  ASSERT_TRUE(run_until(io, [&] { return server.accepted >= 60; }));
  const auto wake = std::chrono::steady_clock::now() + 1s;  // ten intervals without a turn of the loop
  while (std::chrono::steady_clock::now() < wake) {
  }
  const auto before = server.accepted;
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until(io, [&] { return server.accepted >= before + 20; }));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GT(took, 30ms) << "the overdue runs came all at once";
  EXPECT_TRUE(std::all_of(verdicts.begin(), verdicts.end(), [](const auto& s) { return s.passing; }));
}

TEST_F(SchedulerTest, DurationsAreCountedInBuckets) {
  server.answer = kOk;
  scheduler.apply({watched("web", {http_check("envoy", server.port())})});
  ASSERT_TRUE(run_until(io, [&] { return runs("envoy") >= 3; }));
  const auto s = state("envoy");
  std::uint64_t sum = 0;
  for (const auto bucket : s.runs.buckets) sum += bucket;
  EXPECT_EQ(sum, s.runs.passed + s.runs.failed);
  EXPECT_GT(s.runs.duration_sum, 0ns);
}

TEST_F(SchedulerTest, TheCallbackMayChangeTheChecks) {
  server.answer = kOk;
  bool done = false;
  Scheduler* self = nullptr;
  Scheduler other{io, [&](const CheckState&, bool, bool) {
                    self->apply({});
                    done = true;
                  }};
  self = &other;
  other.apply({watched("web", {http_check("envoy", server.port())})});
  ASSERT_TRUE(run_until(io, [&] { return done; }));
  EXPECT_TRUE(other.states().empty());
}

TEST_F(SchedulerTest, TcpChecksRunToo) {
  CheckSpec check = http_check("port", 0);
  const ClosedPort closed{io};
  check.probe = TcpProbe{"", closed.port()};
  scheduler.apply({watched("web", {check})});
  ASSERT_TRUE(run_until(io, [&] { return state("port").decided; }));
  EXPECT_EQ(state("port").kind, "tcp");
  EXPECT_EQ(state("port").reason, Reason::kCheckRefused);
}

}  // namespace
}  // namespace vipra::checks
