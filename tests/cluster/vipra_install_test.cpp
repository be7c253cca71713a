// What a cluster operator does first: helm install, kubectl apply, kubectl get vip.
#include "tests/cluster/vipra_cluster.hpp"

namespace vipra::lab::kube {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using s = std::chrono::seconds;
using ms = std::chrono::milliseconds;

TEST_F(VipraCluster, InstallToAnswering) {
  EXPECT_LE(install_took_, s{30});
}

TEST_F(VipraCluster, AppliedItAnswersAndItsStatusSaysWhatTheWireSays) {
  const auto answers = probe({"10.99.0.110"});
  const StatusWatch watch{*cluster_};
  const auto before = now();
  ASSERT_OK(apply(vip("web", 10, "10.99.0.110", {"node-b", "node-a", "node-c"})));
  const auto applied = now();
  ASSERT_TRUE(wait_until([&] { return answers->last_answer().has_value(); }, s{10}));
  const auto answered = answers->last_answer()->at;
  // The end of kubectl is later than the write, its beginning much earlier: between them lies what is meant.
  std::printf("apply to answering: %.0f ms from kubectl's start, %.0f ms from its end\n",
              to_ms(answered - before), to_ms(answered - applied));
  EXPECT_LE(answered - applied, kElection + ms{500});

  const auto node = owner("10.99.0.110");
  ASSERT_OK(node);
  const auto followed = watch.wait_for("web", before, owned_by(*node), s{5});
  ASSERT_OK(followed);
  std::printf("the status followed the first answer by %.0f ms\n", to_ms(*followed - answered));
  EXPECT_LE(*followed - answered, s{1} + kLoadMargin);

  ASSERT_TRUE(wait_until([&] { return status_of("web").value("owner", "") == "node-b"; }, s{10}, ms{100}));
  EXPECT_EQ(owners("10.99.0.110"), std::vector<std::string>{"node-b"});
  const auto status = status_of("web");
  EXPECT_EQ(status.value("state", ""), "Owned") << status;
  EXPECT_EQ(status.value("addresses", json::array()), json::array({"10.99.0.110"}));
  ASSERT_EQ(status.value("nodes", json::array()).size(), 3U) << status;
  for (const auto& row : status["nodes"]) {
    const bool owns = row["name"] == "node-b";
    EXPECT_EQ(row.value("state", ""), owns ? "Master" : "Backup") << row;
    EXPECT_EQ(row.value("priority", 0), row["name"] == "node-a" ? 180 : owns ? 200 : 160) << row;
  }
  for (const char* type : {"Accepted", "AddressAssigned", "Announced", "Ready"}) {
    bool found = false;
    for (const auto& condition : status.value("conditions", json::array())) {
      if (condition["type"] != type) continue;
      found = true;
      EXPECT_EQ(condition["status"], "True") << condition;
      EXPECT_EQ(condition.value("observedGeneration", 0), 1) << condition;
    }
    EXPECT_TRUE(found) << type;
  }
  const auto table = kubectl({"get", "vip", "web"});
  std::printf("%s", table.c_str());
  EXPECT_THAT(table, HasSubstr("10.99.0.110"));
  EXPECT_THAT(table, HasSubstr("node-b"));
  EXPECT_THAT(table, HasSubstr("Owned"));
  EXPECT_THAT(table, HasSubstr(status.value("reason", "?")));
  // The node says the same, asked itself.
  EXPECT_THAT(kubectl({"exec", "-n", kNamespace, pod_on("node-b"), "-c", "control", "--", "vipctl", "get"}),
              HasSubstr("web"));
}

}  // namespace
}  // namespace vipra::lab::kube
