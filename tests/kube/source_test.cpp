// The API server as a source of definitions and of other objects.
#include <gtest/gtest.h>

#include "definitions/store.hpp"
#include "kube/kubernetes_source.hpp"
#include "tests/kube/fake_resource.hpp"
#include "tests/kube/kube_fixture.hpp"

namespace vipra::test {
namespace {

using definitions::InputFilePtr;
using testing::ElementsAre;
using Connection = FakeApiServer::Connection;

std::string virtual_ip(const std::string& name, int version, const std::string& status = "{}", int vrid = 7) {
  return R"({"apiVersion":"vipra.dev/v1alpha1","kind":"VirtualIP","metadata":{"name":")" + name +
         R"(","resourceVersion":")" + std::to_string(version) +
         R"(","uid":"u","generation":1,"creationTimestamp":"2024-01-01T00:00:00Z","managedFields":[{}],)"
         R"("annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}},)"
         R"("spec":{"addresses":["192.0.2.)" +
         std::to_string(vrid) + R"("],"vrrp":{"virtualRouterID":)" + std::to_string(vrid) +
         R"(}},"status":)" + status + "}";
}
class SourceTest : public KubeTest {
 protected:
  // Initial events, then what `later` says once `go` is set.
  void serve_events(const std::string& initial, const std::string& later) {
    serve([=, this](Connection& connection, const FakeRequest&) {
      connection.begin_chunks();
      connection.chunk(initial);
      while (!go) std::this_thread::sleep_for(1ms);
      connection.chunk(later);
      connection.wait_closed();
    });
    connect();
  }
  ~SourceTest() override { go = true; }
  std::atomic<bool> go{false};
};

class VirtualIpSourceTest : public SourceTest {
 protected:
  void start() {
    vips.emplace(loop, *client);
    vips->start([this](auto change) { files.push_back(std::get<0>(change).all.at(0)); },
                [this](const source::Health& it) { health = it; });
  }
  ~VirtualIpSourceTest() override { vips.reset(); }

  std::optional<kube::VirtualIpSource> vips;
  std::vector<InputFilePtr> files;
  std::optional<source::Health> health;
};

TEST_F(VirtualIpSourceTest, IsOneFileWhoseObjectsAreDefinitions) {
  serve_events(
      event("ADDED", virtual_ip("a", 1)) + event("ADDED", virtual_ip("b", 2, "{}", 8)) + initial_end(3), "");
  start();
  ASSERT_TRUE(eventually([&] { return files.size() == 1; }));
  const auto& file = *files[0];
  EXPECT_EQ(file.name, "kubernetes");
  EXPECT_TRUE(file.complete);
  ASSERT_EQ(file.objects.size(), 2u);
  EXPECT_EQ(file.objects[0].origin, "kubernetes/a");
  EXPECT_EQ(file.objects[0].file, "kubernetes");
  definitions::DefinitionStore store;
  EXPECT_TRUE(store.replace(files));
  for (const auto& problem : store.problems()) ADD_FAILURE() << problem.path << ' ' << problem.message;
  EXPECT_EQ(store.specs().size(), 2u);
}

TEST_F(VirtualIpSourceTest, AStatusIsNoChangeAndADeletionIsOne) {
  serve_events(event("ADDED", virtual_ip("a", 1)) + event("ADDED", virtual_ip("b", 2)) + initial_end(3),
               event("MODIFIED", virtual_ip("a", 4, R"({"owner":"node"})")) +
                   event("DELETED", virtual_ip("b", 5, R"({"owner":"node"})")));
  start();
  ASSERT_TRUE(eventually([&] { return files.size() == 1; }));
  go = true;
  ASSERT_TRUE(eventually([&] { return files.size() == 2; }));
  turn_for(50ms);
  ASSERT_EQ(files.size(), 2u);
  ASSERT_EQ(files[1]->objects.size(), 1u);
  EXPECT_EQ(files[1]->objects[0].json, files[0]->objects[0].json);
  EXPECT_FALSE(files[1]->objects[0].json.contains("status"));
  EXPECT_FALSE(files[1]->objects[0].json["metadata"].contains("annotations"));
}

TEST_F(VirtualIpSourceTest, AnAbsentCrdYieldsNothingAndIsNamed) {
  serve([](Connection& connection, const FakeRequest&) { connection.answer(404, "404 page not found\n"); });
  connect();
  start();
  ASSERT_TRUE(eventually([&] { return health.has_value(); }));
  EXPECT_EQ(health->reason, Reason::kApiNotFound);
  turn_for(100ms);
  EXPECT_TRUE(files.empty());
}

TEST_F(VirtualIpSourceTest, UntilItIsReadWhatCameFromItEarlierIsServed) {
  definitions::DefinitionStore store;
  auto json = nlohmann::json::parse(virtual_ip("a", 1));
  kube::keep_definition(json);
  store.seed({{json, "kubernetes", "kubernetes/a"}});
  ASSERT_EQ(store.specs().size(), 1u);
  EXPECT_FALSE(store.replace({kube::VirtualIpSource::unread()}));
  EXPECT_EQ(store.specs().size(), 1u);
}

TEST_F(SourceTest, ObjectsComeOnceAsAWholeAndThenOneByOne) {
  const auto node = [](const std::string& name, int version, const std::string& labels,
                       const std::string& beat) {
    return R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + name + R"(","resourceVersion":")" +
           std::to_string(version) + R"(","labels":)" + labels +
           R"(},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.1"}],"images":[{"n":")" + beat +
           "\"}]}}";
  };
  serve_events(
      event("ADDED", node("a", 1, "{}", "1")) + event("ADDED", node("b", 2, "{}", "1")) + initial_end(3),
      event("MODIFIED", node("a", 4, "{}", "2")) + event("MODIFIED", node("a", 5, R"({"zone":"x"})", "3")) +
          event("DELETED", node("b", 6, "{}", "4")));
  kube::ReflectorOptions options;
  options.resource = kube::nodes();
  options.reduce = kube::keep_node_facts;
  kube::Reflector nodes{loop, *client, options};
  std::vector<std::string> seen;
  nodes.start(
      [&](const kube::Delta& delta) {
        if (delta.first) seen.push_back("all " + std::to_string(delta.first->size()));
        for (const auto& object : delta.upserted) {
          seen.push_back(object->key + " " + object->json["metadata"]["labels"].dump());
          EXPECT_FALSE(object->json["status"].contains("images"));
          EXPECT_TRUE(object->json["status"].contains("addresses"));
        }
        for (const auto& key : delta.removed) seen.push_back("no " + key);
      },
      [](const source::Health&) {});
  ASSERT_TRUE(eventually([&] { return seen.size() == 1; }));
  go = true;
  ASSERT_TRUE(eventually([&] { return seen.size() == 3; }));
  EXPECT_THAT(seen, ElementsAre("all 2", R"(a {"zone":"x"})", "no b"));
  nodes.stop();
}

}  // namespace
}  // namespace vipra::test
