// Leader election against a server that keeps one Lease, and sometimes loses answers.
#include "kube/lease.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/clock.hpp"
#include "tests/kube/kube_fixture.hpp"

namespace vipra::test {
namespace {

using Json = nlohmann::json;
using Connection = FakeApiServer::Connection;

class LeaseTest : public KubeTest {
 protected:
  LeaseTest() {
    serve([this](Connection& connection, const FakeRequest& request) { keep(connection, request); });
    connect();
  }
  ~LeaseTest() override {
    a.reset();
    b.reset();
  }

  // Compare-and-swap, as the API server does it.
  void keep(Connection& connection, const FakeRequest& request) {
    std::unique_lock lock{mutex};
    if (request.method == "GET") {
      if (lease.is_null()) return connection.answer(404, "{}"), void();
      return connection.answer(200, lease.dump()), void();
    }
    auto next = Json::parse(request.body);
    const bool create = request.method == "POST";
    const bool stale = create ? !lease.is_null()
                              : lease["metadata"]["resourceVersion"] != next["metadata"]["resourceVersion"];
    if (stale) return connection.answer(409, "{}"), void();
    next["metadata"]["resourceVersion"] = std::to_string(++version);
    lease = next;
    ++writes;
    if (lose_answers) {
      lock.unlock();
      connection.wait_closed();
      return;
    }
    connection.answer(200, lease.dump());
  }

  std::unique_ptr<kube::LeaseElection> contend(const std::string& name, bool& leads) {
    kube::LeaseOptions options;
    options.name_space = "vipra";
    options.name = "leader";
    options.identity = name;
    options.times = {2s, 300ms, 200ms, 500ms};
    auto out = std::make_unique<kube::LeaseElection>(
        loop, *client, options, log,
        kube::LeaseClock{[this] { return runtime::now().boot + skipped; },
                         [] { return runtime::unix_now_ns(); }});
    out->start({[&leads] { leads = true; }, [&leads] { leads = false; }});
    return out;
  }

  std::mutex mutex;
  Json lease;
  int version = 0;
  std::atomic<int> writes{0};
  std::atomic<bool> lose_answers{false};
  Duration skipped{};  // as if the machine had been suspended
  log::NullSink sink;
  log::Logger log{sink, []() noexcept { return std::int64_t{0}; }, "test"};
  std::unique_ptr<kube::LeaseElection> a;
  std::unique_ptr<kube::LeaseElection> b;
  bool a_leads = false;
  bool b_leads = false;
};

TEST_F(LeaseTest, OneLeadsAndRenewsAndTheOtherWaits) {
  a = contend("a", a_leads);
  ASSERT_TRUE(eventually([&] { return a_leads; }));
  b = contend("b", b_leads);
  ASSERT_TRUE(eventually([&] { return writes >= 8; }));
  EXPECT_TRUE(a_leads);
  EXPECT_FALSE(b_leads);
  EXPECT_TRUE(a->leading());
  EXPECT_TRUE(a->may_write(100ms));
  EXPECT_FALSE(a->may_write(1s));
  EXPECT_FALSE(b->may_write(0s));
  EXPECT_TRUE(eventually([&] { return b->holder() == a->identity(); }));
}

TEST_F(LeaseTest, ReleaseOnStopLetsTheOtherLeadAtOnce) {
  a = contend("a", a_leads);
  ASSERT_TRUE(eventually([&] { return a_leads; }));
  b = contend("b", b_leads);
  bool stopped = false;
  a->stop([&] { stopped = true; });
  EXPECT_FALSE(a_leads);
  ASSERT_TRUE(eventually([&] { return stopped; }));
  EXPECT_TRUE(eventually([&] { return b_leads; }, 1500ms));
}

TEST_F(LeaseTest, AnAbandonedLeaseIsTakenWhenItHasRunOut) {
  a = contend("a", a_leads);
  ASSERT_TRUE(eventually([&] { return a_leads; }));
  a.reset();
  const auto began = std::chrono::steady_clock::now();
  b = contend("b", b_leads);
  ASSERT_TRUE(eventually([&] { return b_leads; }));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1900ms);
}

TEST_F(LeaseTest, AfterASuspendTheClaimIsGoneBeforeAnyTimerSaysSo) {
  a = contend("a", a_leads);
  ASSERT_TRUE(eventually([&] { return a_leads; }));
  skipped = 1h;
  EXPECT_FALSE(a->leading());
  EXPECT_FALSE(a->may_write(0s));
}

TEST_F(LeaseTest, LostAnswersAreReadBackAndNobodyElseIsBlamed) {
  a = contend("a", a_leads);
  ASSERT_TRUE(eventually([&] { return a_leads; }));
  lose_answers = true;
  const int before = writes;
  ASSERT_TRUE(eventually([&] { return writes >= before + 1; }));
  lose_answers = false;
  ASSERT_TRUE(eventually([&] { return writes >= before + 3; }));
  EXPECT_TRUE(a_leads);
  const std::lock_guard lock{mutex};
  EXPECT_EQ(lease["spec"]["leaseTransitions"], 0);
}

TEST_F(LeaseTest, WithoutAServerTheClaimEndsInTime) {
  a = contend("a", a_leads);
  ASSERT_TRUE(eventually([&] { return a_leads; }));
  servers.clear();
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually([&] { return !a_leads; }));
  EXPECT_LE(std::chrono::steady_clock::now() - began, 3s);
  bool stopped = false;
  a->stop([&] { stopped = true; });
  EXPECT_TRUE(eventually([&] { return stopped; }, 5s));
}

}  // namespace
}  // namespace vipra::test
