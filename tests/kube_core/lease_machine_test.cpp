#include "kube_core/lease_machine.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace vipra::kube {
namespace {

using namespace std::chrono_literals;
using What = LeaseMachine::Action::What;
using Outcome = LeaseMachine::Outcome;

// What an API server does with one Lease.
struct Server {
  std::optional<LeaseRecord> lease;
  int version = 0;

  Outcome write(const LeaseMachine::Action& action) {
    const bool create = action.what == What::kCreate;
    if (create && lease) return Outcome::kConflict;
    if (!create && !lease) return Outcome::kMissing;
    if (!create && action.record.resource_version != lease->resource_version) return Outcome::kConflict;
    lease = action.record;
    lease->resource_version = std::to_string(++version);
    return Outcome::kDone;
  }
};

struct Contender {
  explicit Contender(const std::string& name, LeaseTimes times = {}) : machine{name, times} {}

  LeaseMachine::Action next() {
    return machine.next(now, std::chrono::nanoseconds{now.time_since_epoch()}.count(), 0);
  }
  // Everything that is to be done now, at once and successfully.
  void run(Server& server) {
    for (int i = 0; i < 10; ++i) {
      const auto action = next();
      if (action.what == What::kNone) return;
      if (action.what == What::kRead) {
        machine.read(server.lease, now);
      } else {
        const auto outcome = server.write(action);
        machine.wrote(outcome, outcome == Outcome::kDone ? server.lease : std::nullopt, now);
      }
    }
    FAIL() << "does not come to rest";
  }
  [[nodiscard]] bool leading() const { return machine.leading(now); }

  LeaseMachine machine;
  BootTimePoint now{1h};
};

TEST(LeaseRecord, GoesThroughJsonUnchanged) {
  LeaseRecord record;
  record.holder = "a";
  record.duration_seconds = 15;
  record.acquire_time = micro_time(1);
  record.renew_time = micro_time(1'700'000'000'123'456'789);
  record.transitions = 3;
  record.resource_version = "42";
  record.metadata = R"({"labels":{"x":"y"},"name":"other"})";
  EXPECT_EQ(record.renew_time, "2023-11-14T22:13:20.123456Z");
  const auto body = lease_body(record, "vipra", "leader");
  EXPECT_NE(body.find(R"("labels":{"x":"y"})"), std::string::npos);
  EXPECT_NE(body.find(R"("name":"leader")"), std::string::npos);
  const auto back = parse_lease(body);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->holder, "a");
  EXPECT_EQ(back->renew_time, record.renew_time);
  EXPECT_EQ(back->transitions, 3);
  EXPECT_EQ(back->resource_version, "42");
}

TEST(LeaseRecord, AnEmptyOneHasNoHolderAndGarbageIsNone) {
  const auto empty = parse_lease(R"({"metadata":{"resourceVersion":"1"}})");
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->holder, "");
  for (const char* bad : {"", "[]", "{}", R"({"metadata":{}})"}) EXPECT_FALSE(parse_lease(bad)) << bad;
}

TEST(LeaseTimesTest, TwoRequestsAndARenewalFitIntoTheDuration) {
  EXPECT_TRUE(is_sane({}));
  EXPECT_FALSE(is_sane({15s, 3s, 2s, 6s}));
  EXPECT_FALSE(is_sane({1500ms, 100ms, 100ms, 100ms}));
}

TEST(LeaseMachineTest, TakesALeaseThatIsNotThereOrReleased) {
  Server server;
  Contender a{"a"};
  a.run(server);
  EXPECT_TRUE(a.leading());
  EXPECT_EQ(server.lease->holder, "a");
  server.lease->holder.clear();
  server.lease->resource_version = "99";
  Contender b{"b"};
  b.run(server);
  EXPECT_TRUE(b.leading());
  EXPECT_EQ(server.lease->transitions, 1);
}

TEST(LeaseMachineTest, WaitsForTheWholeDurationFromWhenItSawTheLastChange) {
  Server server;
  Contender a{"a"};
  Contender b{"b"};
  a.run(server);
  b.run(server);
  EXPECT_FALSE(b.leading());
  b.now += 10s;
  a.now += 10s;
  a.run(server);
  b.run(server);
  b.now += 14s;
  b.run(server);
  EXPECT_FALSE(b.leading());
  b.now += 2s;
  b.run(server);
  EXPECT_TRUE(b.leading());
}

TEST(LeaseMachineTest, RenewsInTimeAndCountsFromTheBeginOfTheWrite) {
  Server server;
  Contender a{"a"};
  a.run(server);
  a.now += 3s;
  const auto action = a.next();
  ASSERT_EQ(action.what, What::kReplace);
  const auto outcome = server.write(action);
  a.now += 2s;
  a.machine.wrote(outcome, server.lease, a.now);
  EXPECT_EQ(a.machine.remaining(a.now), 13s);
  EXPECT_EQ(server.lease->transitions, 0);
}

TEST(LeaseMachineTest, AStoppedProcessLeadsNoLongerWhenItWakes) {
  Server server;
  Contender a{"a"};
  Contender b{"b"};
  a.run(server);
  b.run(server);
  b.now += 15s;
  b.run(server);
  EXPECT_TRUE(b.leading());
  a.now += 15s;
  EXPECT_FALSE(a.leading());
  EXPECT_FALSE(a.machine.may_write(a.now, 0s));
  a.run(server);
  EXPECT_FALSE(a.leading());
  EXPECT_EQ(server.lease->holder, "b");
}

TEST(LeaseMachineTest, LeavesRoomForTwiceAWritesLimit) {
  Server server;
  Contender a{"a"};
  a.run(server);
  EXPECT_TRUE(a.machine.may_write(a.now, 7s));
  EXPECT_FALSE(a.machine.may_write(a.now, 8s));
  a.now += 10s;
  EXPECT_TRUE(a.machine.may_write(a.now, 2s));
  EXPECT_FALSE(a.machine.may_write(a.now, 3s));
}

TEST(LeaseMachineTest, AConflictAfterItsOwnWriteCameThroughIsASuccess) {
  Server server;
  Contender a{"a"};
  a.run(server);
  a.now += 3s;
  const auto action = a.next();
  const auto began = a.now;
  ASSERT_EQ(server.write(action), Outcome::kDone);      // the first sending, whose answer was lost
  ASSERT_EQ(server.write(action), Outcome::kConflict);  // the second one
  a.now += 1s;
  a.machine.wrote(Outcome::kConflict, std::nullopt, a.now);
  EXPECT_EQ(a.next().what, What::kRead);
  a.machine.read(server.lease, a.now);
  EXPECT_TRUE(a.leading());
  EXPECT_EQ(a.machine.remaining(a.now), began + 15s - a.now);
}

TEST(LeaseMachineTest, AWriteOfUnknownOutcomeGivesNoClaimBeforeItIsReadBack) {
  Server server;
  Contender a{"a"};
  ASSERT_EQ(a.next().what, What::kRead);
  a.machine.read(std::nullopt, a.now);
  const auto action = a.next();
  ASSERT_EQ(action.what, What::kCreate);
  (void)server.write(action);
  a.machine.wrote(Outcome::kUnknown, std::nullopt, a.now);
  EXPECT_FALSE(a.leading());
  a.now += 1s;
  ASSERT_EQ(a.next().what, What::kRead);
  a.machine.read(server.lease, a.now);
  EXPECT_TRUE(a.leading());
  EXPECT_EQ(a.machine.remaining(a.now), 14s);
}

TEST(LeaseMachineTest, ALeaseThatVanishesEndsTheClaimAtOnce) {
  Server server;
  Contender a{"a"};
  a.run(server);
  server.lease.reset();
  a.now += 3s;
  (void)a.next();
  a.machine.wrote(Outcome::kMissing, std::nullopt, a.now);
  EXPECT_FALSE(a.leading());
  EXPECT_EQ(a.next().what, What::kNone) << "no hot loop where the namespace is missing";
}

TEST(LeaseMachineTest, ReleaseHandsItOverAtOnce) {
  Server server;
  Contender a{"a"};
  Contender b{"b"};
  a.run(server);
  b.run(server);
  a.machine.release();
  EXPECT_FALSE(a.leading());
  a.run(server);
  EXPECT_TRUE(a.machine.released());
  b.now += 2s;
  b.run(server);
  EXPECT_TRUE(b.leading());
}

TEST(LeaseMachineTest, AFollowerHasNothingToRelease) {
  Server server;
  Contender a{"a"};
  Contender b{"b"};
  a.run(server);
  b.run(server);
  b.machine.release();
  EXPECT_TRUE(b.machine.released());
  EXPECT_EQ(server.lease->holder, "a");
}

// Three contenders; answers are lost, writes come through late, processes stand still: never two at once.
TEST(LeaseMachineTest, NeverTwoLeadersWhateverHappens) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random{seed};
    Server server;
    std::vector<Contender> all;
    for (const char* name : {"a", "b", "c"}) all.emplace_back(name);
    struct Late {
      std::size_t who;
      LeaseMachine::Action action;
      BootTimePoint gives_up;
    };
    std::vector<std::optional<Late>> under_way(all.size());
    std::vector<BootTimePoint> sleeps(all.size(), BootTimePoint{});
    BootTimePoint now{1h};
    int led = 0;
    for (int step = 0; step < 400; ++step) {
      now += std::chrono::milliseconds{random() % 700};
      for (std::size_t i = 0; i < all.size(); ++i) {
        auto& one = all[i];
        one.now = now;
        if (random() % 100 == 0) sleeps[i] = now + std::chrono::seconds{random() % 40};
        if (auto& late = under_way[i]) {
          const bool read = late->action.what == What::kRead;
          const auto dice = random() % 4;
          if (dice == 0 && !read) (void)server.write(late->action);  // it arrives, and perhaps again
          if (now < sleeps[i]) continue;
          if (dice == 1) {
            if (read) {
              one.machine.read(server.lease, now);
            } else {
              const auto outcome = server.write(late->action);
              one.machine.wrote(outcome, outcome == Outcome::kDone ? server.lease : std::nullopt, now);
            }
            late.reset();
          } else if (now >= late->gives_up) {
            if (read)
              one.machine.read_failed(now);
            else
              one.machine.wrote(Outcome::kUnknown, std::nullopt, now);
            late.reset();
          }
          continue;
        }
        if (now < sleeps[i]) continue;
        const auto action = one.next();
        if (action.what != What::kNone) under_way[i] = Late{i, action, now + 3s};
      }
      int leaders = 0;
      for (const auto& one : all) leaders += one.machine.leading(now) ? 1 : 0;
      ASSERT_LE(leaders, 1) << "seed " << seed << " step " << step;
      led += leaders;
    }
    EXPECT_GT(led, 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace vipra::kube
