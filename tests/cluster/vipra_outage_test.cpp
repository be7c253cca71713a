// The control plane goes, in whole or in parts; the addresses stay answered and the status comes right again.
#include <signal.h>

#include <algorithm>
#include <fstream>

#include "lab/kube/vipra_image.hpp"
#include "tests/cluster/vipra_cluster.hpp"

namespace vipra::lab::kube {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using s = std::chrono::seconds;
using ms = std::chrono::milliseconds;
using Part = ApiServer::Part;

constexpr const char* kWeb = "10.99.0.110";
constexpr const char* kOther = "10.99.0.111";

// VIPRA_OUTAGE_SECONDS: for how long the API server is away, at least.
Duration outage() {
  const char* text = std::getenv("VIPRA_OUTAGE_SECONDS");
  return s{text != nullptr ? std::strtol(text, nullptr, 10) : 10};
}

class VipraOutage : public VipraCluster {
 protected:
  // With the API server named, as docs/kubernetes.md advises whoever counts the seconds of an outage: one
  // that ends takes itself out of the Service "kubernetes", and kube-proxy needs seconds to bring it back
  // there.
  static void SetUpTestSuite() {
    ASSERT_NO_FATAL_FAILURE(VipraCluster::SetUpTestSuite());
    if (!values_.empty()) return;
    values_ = {"--set", "apiServer.endpoints={" + cluster_->api().url().substr(sizeof("https://") - 1) + "}"};
    ASSERT_OK(helm("upgrade", "test-1", {}));
    ASSERT_NO_FATAL_FAILURE(rolled_out());
  }
  static void rolled_out() {
    for (const char* what : {"daemonset/vipra-agent", "deployment/vipra-controller"})
      ASSERT_THAT(said(cluster_->kubectl({"rollout", "status", "-n", kNamespace, what, "--timeout=120s"}, {},
                                         s{130})),
                  HasSubstr("successfully"));
    ASSERT_TRUE(whole_within(s{60})) << why_not_whole();
  }
  void SetUp() override {
    VipraCluster::SetUp();
    if (HasFatalFailure()) return;
    leader_ = leader();
    nodes_ = cluster_->lab().node_names();
    std::stable_partition(nodes_.begin(), nodes_.end(),
                          [&](const auto& name) { return name != leader_.node; });
    const auto since = now();
    watch_ = std::make_unique<StatusWatch>(*cluster_);
    ASSERT_OK(apply(vip("web", 10, kWeb, {nodes_[0], nodes_[1], nodes_[2]})));
    ASSERT_OK(apply(vip("other", 11, kOther, {nodes_[1], nodes_[2], nodes_[0]})));
    ASSERT_OK(watch_->wait_for("web", since, owned_by(nodes_[0]), s{15}));
    ASSERT_OK(watch_->wait_for("other", since, owned_by(nodes_[1]), s{15}));
    ASSERT_TRUE(wait_until(
        [&] { return owners(kWeb) == std::vector{nodes_[0]} && owners(kOther) == std::vector{nodes_[1]}; },
        s{5}));
    probe_ = probe({kWeb, kOther});
    ASSERT_TRUE(probe_);
    ASSERT_TRUE(wait_until([&] { return probe_->answered_by(nodes_[0], since, 0); }, s{5}));
  }
  void TearDown() override {
    VipraCluster::TearDown();
    watch_.reset();
    probe_.reset();
  }
  void expect_nothing_lost(TimePoint since, std::size_t target) {
    const auto report = probe_->settled_report(since, now(), target);
    EXPECT_TRUE(report.outages.empty() || report.host_stalled()) << report.summary();
  }
  static bool is_owned_by(const std::string& name, const std::string& node) {
    return owned_by(node)(status_of(name));
  }
  static std::string row_state(const json& status, const std::string& node) {
    for (const auto& row : status.value("nodes", json::array()))
      if (row["name"] == node) return row.value("state", "");
    return {};
  }

  // By the API server's audit log: how often the pod's token has written a status.
  static std::size_t writes_of(const std::string& pod) {
    std::size_t count = 0;
    std::ifstream log{cluster_->api().audit_log()};
    for (std::string line; std::getline(log, line);) {
      if (line.find("/status?") == std::string::npos || line.find(pod) == std::string::npos) continue;
      const auto entry = json::parse(line, nullptr, false);
      if (entry.is_discarded() || entry.value("verb", "") != "patch") continue;
      count += entry.value("/objectRef/resource"_json_pointer, "") == "virtualips" ? 1U : 0U;
    }
    return count;
  }

  Leader leader_;
  std::vector<std::string> nodes_;  // the leader's is the last
  std::unique_ptr<StatusWatch> watch_;
  std::unique_ptr<Probe> probe_;
};

TEST_F(VipraOutage, WithoutTheApiANodeCrashesAndControlIsKilledAndTheStatusIsRightSoonAfter) {
  auto& api = cluster_->api();
  const auto since = now();
  api.stop(Part::kApi);
  api.stop(Part::kEtcd);

  // Control of a node comes back on what it has kept, and the speaker goes on.
  const auto control = processes_on(nodes_[1], "vipra-control");
  ASSERT_EQ(control.size(), 1U);
  ::kill(control[0], SIGKILL);
  const auto page = "http://" + cluster_->node(nodes_[1]).station().facts().v4.to_string() + ":9112/readyz";
  ASSERT_TRUE(wait_until(
      [&] {
        const auto again = processes_on(nodes_[1], "vipra-control");
        return again.size() == 1 && again != control && http(page).starts_with("200");
      },
      s{60}, ms{100}))
      << http(page);

  const auto crashed = now();
  ASSERT_OK(cluster_->node(nodes_[0]).crash());
  ASSERT_TRUE(wait_until([&] { return probe_->answered_by(nodes_[1], crashed, 0); }, s{10}));
  const auto report = probe_->settled_report(crashed, now(), 0);
  EXPECT_LE(report.longest_outage(), kElection + kLoadMargin) << report.summary();
  std::printf("without an API server: silent for %.0f ms\n", to_ms(report.longest_outage()));

  // The rest of the outage, in which the dead node's streams are found dead too: nothing moves.
  const auto moved = now();
  EXPECT_FALSE(wait_until(
      [&] { return owners(kWeb) != std::vector{nodes_[1]} || owners(kOther) != std::vector{nodes_[1]}; },
      std::max(crashed + s{10}, since + outage()) - now(), ms{50}));
  expect_nothing_lost(moved, 0);
  expect_nothing_lost(since, 1);

  ASSERT_OK(api.start_part(Part::kEtcd));
  ASSERT_OK(api.start_part(Part::kApi));
  ASSERT_OK(api.wait_ready(s{60}));
  const auto ready = now();
  EXPECT_TRUE(wait_until(
      [&] {
        const auto status = status_of("web");
        return owned_by(nodes_[1])(status) && row_state(status, nodes_[0]) == "Unknown" &&
               is_owned_by("other", nodes_[1]);
      },
      s{30}, ms{50}))
      << status_of("web");
  const auto took = now() - ready;
  std::printf("the status was right %.1f s after readyz\n", to_ms(took) / 1000);
  EXPECT_LE(took, s{5});
  expect_nothing_lost(moved, 0);
  expect_nothing_lost(since, 1);
}

TEST_F(VipraOutage, TheLeaderIsKilledAndAnotherWritesAndNoRowIsLost) {
  const auto before = status_of("web");
  const auto processes = processes_on(leader_.node, "vipra-controller");
  ASSERT_EQ(processes.size(), 1U);
  // With its pod, so that the kubelet does not simply start it again; and not gracefully: the Lease stays.
  const auto killed = now();
  ::kill(processes[0], SIGKILL);
  kubectl({"delete", "pod", "-n", kNamespace, leader_.pod, "--grace-period=0", "--force"});
  ASSERT_TRUE(wait_until(
      [&] {
        const auto next = leader();
        return !next.holder.empty() && next.holder != leader_.holder;
      },
      s{40}, ms{100}));
  std::printf("a new leader after %.1f s\n", to_ms(now() - killed) / 1000);
  // Nothing that did not change was written again.
  EXPECT_EQ(status_of("web"), before);
  // And what changes is written.
  const auto crashed = now();
  ASSERT_OK(cluster_->node(nodes_[0]).crash());
  EXPECT_OK(watch_->wait_for("web", crashed, owned_by(nodes_[1]), s{40}));
  const auto status = status_of("web");
  EXPECT_EQ(status.value("nodes", json::array()).size(), 3U) << status;
  EXPECT_TRUE(
      wait_until([&] { return row_state(status_of("web"), nodes_[0]) == "Unknown"; }, s{30}, ms{100}));
}

TEST_F(VipraOutage, AFrozenLeaderWritesNothingWhenItWakes) {
  const auto processes = processes_on(leader_.node, "vipra-controller");
  ASSERT_EQ(processes.size(), 1U);
  ::kill(processes[0], SIGSTOP);
  ASSERT_TRUE(wait_until(
      [&] {
        const auto next = leader();
        return !next.holder.empty() && next.holder != leader_.holder;
      },
      s{60}, ms{100}));
  const auto next = leader();
  // While the old one still sleeps, the world changes and the new one writes it.
  const auto changed = now();
  ASSERT_OK(apply(vip("web", 10, kWeb, {nodes_[1], nodes_[0], nodes_[2]})));
  ASSERT_OK(watch_->wait_for("web", changed, owned_by(nodes_[1]), s{15}));
  const auto before = writes_of(leader_.pod);
  ::kill(processes[0], SIGCONT);
  // Nobody undoes it: the Lease is still the new leader's, and no other owner is shown.
  EXPECT_FALSE(wait_until([&] { return !is_owned_by("web", nodes_[1]); }, s{5}, ms{100}));
  EXPECT_EQ(leader().holder, next.holder);
  EXPECT_EQ(writes_of(leader_.pod), before);
  EXPECT_GT(writes_of(next.pod), 0U);
}

// As a NetworkPolicy that forgets the reports would do it.
TEST_F(VipraOutage, CutBetweenAgentsAndControllersTheVipStaysAndRowsAreUnknown) {
  const auto& node = cluster_->node(nodes_[0]).station();
  const auto since = now();
  ASSERT_OK(must_run(node.net(), {"nft", "-f", "-"},
                     "table inet cut {\n"
                     "  chain out { type filter hook output priority 0; tcp dport 9443 drop; }\n"
                     "  chain forward { type filter hook forward priority 0; tcp sport 9443 drop; }\n"
                     "  chain in { type filter hook input priority 0; tcp sport 9443 drop; }\n}\n"));
  const auto unknown = watch_->wait_for(
      "web", since,
      [&](const json& status) {
        return row_state(status, nodes_[0]) == "Unknown" && row_state(status, nodes_[1]) == "Backup";
      },
      s{90});
  EXPECT_OK(unknown);
  if (unknown) std::printf("Unknown after %.1f s\n", to_ms(*unknown - since) / 1000);
  EXPECT_EQ(owners(kWeb), std::vector{nodes_[0]});
  const auto healed = now();
  ASSERT_OK(must_run(node.net(), {"nft", "delete", "table", "inet", "cut"}));
  const auto known = watch_->wait_for(
      "web", healed,
      [&](const json& status) {
        return row_state(status, nodes_[0]) == "Master" && owned_by(nodes_[0])(status);
      },
      s{60});
  EXPECT_OK(known);
  if (known) std::printf("known again after %.1f s\n", to_ms(*known - healed) / 1000);
  expect_nothing_lost(since, 0);
  expect_nothing_lost(since, 1);
}

TEST_F(VipraOutage, UpgradedToAnotherImageNothingIsLost) {
  const auto archive = cluster_->lab().directory() / "vipra-2.tar";
  ASSERT_OK(write_vipra_image(VIPRA_BINARY_DIR "/bin", "test-2", archive));
  ASSERT_OK(cluster_->load_image(archive));
  const auto since = now();
  ASSERT_OK(helm("upgrade", "test-2", {}));
  ASSERT_NO_FATAL_FAILURE(rolled_out());
  EXPECT_THAT(
      kubectl({"get", "pods", "-n", kNamespace, "-o", "jsonpath={.items[*].spec.containers[*].image}"}),
      testing::Not(HasSubstr("test-1")));
  EXPECT_TRUE(wait_until([&] { return is_owned_by("web", nodes_[0]) && is_owned_by("other", nodes_[1]); },
                         s{30}, ms{100}));
  for (const std::size_t target : {0U, 1U}) {
    const auto report = probe_->settled_report(since, now(), target);
    std::printf("upgraded: %s\n", report.summary().c_str());
    EXPECT_TRUE(report.longest_outage() <= ms{20} || report.host_stalled()) << report.summary();
  }
}

}  // namespace
}  // namespace vipra::lab::kube
