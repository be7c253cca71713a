// What people do to VirtualIPs with kubectl, and what the wire and the status make of it.
#include <algorithm>
#include <functional>

#include "lab/kube/image.hpp"
#include "tests/cluster/vipra_cluster.hpp"

namespace vipra::lab::kube {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using s = std::chrono::seconds;
using ms = std::chrono::milliseconds;

constexpr const char* kWeb = "10.99.0.110";
constexpr const char* kMore = "10.99.0.111";

json condition(const json& status, const std::string& type) {
  for (const auto& one : status.value("conditions", json::array()))
    if (one["type"] == type) return one;
  return json::object();
}

class VipraObjects : public VipraCluster {
 protected:
  static bool generation_seen(const std::string& name) {
    const auto object = get({"virtualip", name});
    return condition(object.value("status", json::object()), "Accepted").value("observedGeneration", 0) ==
           object.value("/metadata/generation"_json_pointer, -1);
  }
  static bool within(Duration limit, const std::function<bool()>& so) {
    return wait_until(so, limit, ms{100});
  }
};

TEST_F(VipraObjects, EditedItFollowsAndWhatStaysIsNeverLost) {
  const StatusWatch watch{*cluster_};
  const auto began = now();
  ASSERT_OK(apply(vip("web", 10, kWeb, {"node-a", "node-b", "node-c"})));
  ASSERT_OK(watch.wait_for("web", began, owned_by("node-a"), s{15}));
  const auto answers = probe({kWeb, kMore});
  ASSERT_TRUE(within(s{5}, [&] { return answers->answered_by("node-a", began, 0); }));

  // One more address: on the same node, at once, and the first is answered all the time.
  const auto added = now();
  ASSERT_OK(apply(vip("web", 10, std::string{kWeb} + ", " + kMore, {"node-a", "node-b", "node-c"})));
  ASSERT_TRUE(wait_until([&] { return answers->answered_by("node-a", added, 1); }, s{5}));
  EXPECT_OK(watch.wait_for(
      "web", added,
      [](const json& status) {
        return status.value("addresses", json::array()) == json::array({kWeb, kMore});
      },
      s{5}));
  EXPECT_TRUE(within(s{5}, [] { return generation_seen("web"); }));

  // Another order of the nodes: it moves, without a loss, because the old owner stays until the new one is
  // heard.
  const auto preferred = now();
  ASSERT_OK(apply(vip("web", 10, std::string{kWeb} + ", " + kMore, {"node-c", "node-b", "node-a"})));
  ASSERT_OK(watch.wait_for("web", preferred, owned_by("node-c"), s{15}));
  EXPECT_EQ(owners(kWeb), std::vector<std::string>{"node-c"});
  EXPECT_EQ(owners(kMore), std::vector<std::string>{"node-c"});

  // A check that fails everywhere but on one node.
  ASSERT_OK(cluster_->node("node-b").station().web().serve());
  const auto checked = now();
  ASSERT_OK(
      apply(vip("web", 10, std::string{kWeb} + ", " + kMore, {"node-c", "node-b", "node-a"},
                "  checks:\n  - {name: port, tcp: {port: 8080}, interval: 100ms, timeout: 50ms, fall: 1,"
                " onFailure: {priorityDelta: -100}}\n")));
  EXPECT_OK(watch.wait_for("web", checked, owned_by("node-b"), s{15}));
  EXPECT_EQ(condition(status_of("web"), "Degraded").value("reason", ""), "CheckFailed");
  const auto report = answers->settled_report(began, now(), 0);
  EXPECT_TRUE(report.longest_outage() <= ms{20} || report.host_stalled()) << report.summary();

  // The second address goes, the first stays.
  const auto removed = now();
  ASSERT_OK(apply(vip("web", 10, kWeb, {"node-b", "node-c", "node-a"})));
  EXPECT_TRUE(wait_until([&] { return owners(kMore).empty(); }, s{5}));
  EXPECT_EQ(owners(kWeb), std::vector<std::string>{"node-b"});
  EXPECT_OK(watch.wait_for(
      "web", removed,
      [](const json& status) { return status.value("addresses", json::array()) == json::array({kWeb}); },
      s{5}));
}

TEST_F(VipraObjects, DeletedItIsGoneAndCreatedAgainItIsAnother) {
  const StatusWatch watch{*cluster_};
  auto since = now();
  ASSERT_OK(apply(vip("web", 10, kWeb)));
  ASSERT_OK(owner(kWeb));
  ASSERT_TRUE(within(s{5}, [] { return status_of("web").value("state", "") == "Owned"; }));
  // Nothing holds it: no finalizer waits for anybody.
  EXPECT_THAT(kubectl({"delete", "virtualip", "web", "--timeout=5s"}), HasSubstr("deleted"));
  EXPECT_TRUE(wait_until([&] { return owners(kWeb).empty(); }, s{5}));
  since = now();
  ASSERT_OK(apply(vip("web", 10, kWeb, {"node-b", "node-a", "node-c"})));
  ASSERT_OK(watch.wait_for("web", since, owned_by("node-b"), s{15}));
  EXPECT_TRUE(within(s{5}, [] { return generation_seen("web"); }));
  // Deleted and made again in one breath.
  ASSERT_THAT(
      kubectl({"replace", "--force", "-f", "-"}, vip("web", 10, kWeb, {"node-c", "node-a", "node-b"})),
      HasSubstr("replaced"));
  ASSERT_OK(watch.wait_for("web", now(), owned_by("node-c"), s{15}));
  EXPECT_EQ(owners(kWeb), std::vector<std::string>{"node-c"});
}

TEST_F(VipraObjects, ABadOneIsRefusedByTheApiAndOneOfTwoWithTheSameAddressByTheAgents) {
  const auto bad = apply(vip("bad", 10, "10.99.0.110/24"));
  ASSERT_FALSE(bad.has_value());
  EXPECT_THAT(bad.error().what, HasSubstr("without prefix length"));

  ASSERT_OK(apply(vip("a-elder", 10, kWeb)));
  const auto first = owner(kWeb);
  ASSERT_OK(first);
  ASSERT_OK(apply(vip("b-younger", 11, kWeb)));
  ASSERT_TRUE(within(s{10}, [] { return status_of("b-younger").value("state", "") == "Refused"; }))
      << status_of("b-younger");
  const auto status = status_of("b-younger");
  for (const auto& [type, value] : {std::pair{"Accepted", "False"}, std::pair{"Conflict", "True"}}) {
    EXPECT_EQ(condition(status, type).value("status", ""), value) << status;
    EXPECT_EQ(condition(status, type).value("reason", ""), "AddressConflict") << status;
  }
  EXPECT_THAT(condition(status, "Accepted").value("message", ""), HasSubstr("a-elder"));
  EXPECT_EQ(owners(kWeb), std::vector{*first});
  EXPECT_EQ(status_of("a-elder").value("state", ""), "Owned");
  // Without the elder it is the younger's.
  kubectl({"delete", "virtualip", "a-elder"});
  EXPECT_TRUE(within(s{10}, [] { return status_of("b-younger").value("state", "") == "Owned"; }))
      << status_of("b-younger");
  EXPECT_EQ(condition(status_of("b-younger"), "Accepted").value("status", ""), "True");
}

TEST_F(VipraObjects, ACheckOfAServiceMovesItToWhereThePodsAre) {
  const auto deployment = [](const std::string& node) {
    return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: back, namespace: default}\nspec:\n"
           "  selector: {matchLabels: {app: back}}\n  strategy: {type: Recreate}\n  template:\n"
           "    metadata: {labels: {app: back}}\n    spec:\n      terminationGracePeriodSeconds: 1\n"
           "      nodeSelector: {kubernetes.io/hostname: " +
           node + "}\n      containers:\n      - {name: web, image: '" + kPodImage +
           "', imagePullPolicy: Never, args: [serve, '8000']}\n";
  };
  ASSERT_OK(
      apply("apiVersion: v1\nkind: Service\nmetadata: {name: back, namespace: default}\n"
            "spec: {selector: {app: back}, ports: [{port: 80, targetPort: 8000}]}\n"));
  const StatusWatch watch{*cluster_};
  ASSERT_OK(apply(deployment("node-b")));
  auto since = now();
  ASSERT_OK(apply(vip("web", 10, kWeb, {"node-a", "node-b", "node-c"},
                      "  checks:\n  - {name: pods, service: {namespace: default, name: back},"
                      " onFailure: {priorityDelta: -100}}\n")));
  EXPECT_OK(watch.wait_for("web", since, owned_by("node-b"), s{60}));
  EXPECT_EQ(owners(kWeb), std::vector<std::string>{"node-b"});
  since = now();
  ASSERT_OK(apply(deployment("node-c")));
  EXPECT_OK(watch.wait_for("web", since, owned_by("node-c"), s{60}));
  EXPECT_EQ(owners(kWeb), std::vector<std::string>{"node-c"});
  kubectl({"delete", "deployment/back", "service/back"});
}

// A node's row in a cluster of three: taking part or not by the labels of its Node object, live.
TEST_F(VipraObjects, ANodeSelectorFollowsTheLabelsOfTheNodes) {
  const StatusWatch watch{*cluster_};
  kubectl({"label", "node", "node-a", "edge=yes"});
  const auto since = now();
  auto text = vip("web", 10, kWeb);
  text += "  nodeSelector: {matchLabels: {edge: 'yes'}}\n";
  ASSERT_OK(apply(text));
  ASSERT_OK(watch.wait_for("web", since, owned_by("node-a"), s{15}));
  EXPECT_EQ(status_of("web")["nodes"].size(), 1U);
  const auto moved = now();
  kubectl({"label", "node", "node-b", "edge=yes"});
  kubectl({"label", "node", "node-a", "edge-"});
  EXPECT_OK(watch.wait_for("web", moved, owned_by("node-b"), s{15}));
  EXPECT_EQ(owners(kWeb), std::vector<std::string>{"node-b"});
  kubectl({"label", "node", "node-b", "edge-"});
}

}  // namespace
}  // namespace vipra::lab::kube
