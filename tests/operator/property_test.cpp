// Random lives of a small cluster, from fixed seeds: what must hold whatever happens.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "definitions/schema.hpp"
#include "tests/operator/small_cluster.hpp"

namespace vipra::cluster {
namespace {

constexpr int kSteps = 300;

struct Life : SmallCluster {
  std::mt19937 random;

  explicit Life(unsigned seed) : random{seed} {
    input.objects.push_back(object("dual", {"192.0.2.20", "2001:db8::20"}));
    input.known_nodes.emplace();
    for (int i = 0; i < 5; ++i) input.known_nodes->insert(node(i));
  }

  static std::string node(int i) { return "node-" + std::to_string(i); }
  int pick(int below) { return std::uniform_int_distribution<int>{0, below - 1}(random); }
  State state() { return kAllStateValues[static_cast<std::size_t>(pick(kAllStateValues.size()))]; }

  void both(const std::string& name) {
    auto facts = std::make_shared<NodeFacts>();
    facts->node = name;
    facts->knows_objects = pick(10) > 0;
    if (facts->knows_objects) {
      for (const auto* object : {"web", "dual"}) {
        if (pick(8) == 0) continue;
        facts->virtual_ips.push_back(accepted(object));
        if (pick(6) == 0) facts->virtual_ips.back().conditions[0].status = "False";
        if (pick(6) == 0) continue;
        facts->routers.push_back(router(object, Family::kIpv4, state()));
        if (std::string{object} == "dual") facts->routers.push_back(router(object, Family::kIpv6, state()));
      }
    }
    send(facts);
  }

  void step() {
    pass(std::chrono::milliseconds{pick(3000)});
    for (int i = 0; i < 5; ++i) {
      const auto name = node(i);
      switch (pick(6)) {
        case 0:
        case 1:
          both(name);
          break;
        case 2:
          if (input.nodes.contains(name)) refresh(name);
          break;
        case 3:
          if (input.nodes.contains(name) && input.nodes[name].connected) disconnect(name);
          break;
        default:
          break;
      }
    }
    if (pick(20) == 0) {
      const auto name = node(pick(5));
      if (!input.known_nodes->erase(name)) input.known_nodes->insert(name);
    }
    if (pick(40) == 0) {
      new_leader();
      input.nodes.clear();
      input.started = input.now;
    }
  }
};

nlohmann::json whole_object(const Object& object, const Status& status) {
  return {{"apiVersion", "vipra.dev/v1alpha1"},
          {"kind", "VirtualIP"},
          {"metadata", {{"name", object.name}}},
          {"spec", {{"addresses", object.addresses}, {"vrrp", {{"virtualRouterID", 51}}}}},
          {"status", to_json(status)}};
}

struct Lives : testing::TestWithParam<unsigned> {};

TEST_P(Lives, HoldWhatIsPromised) {
  Life life{GetParam()};
  for (int i = 0; i < kSteps; ++i) {
    life.step();
    auto memory = life.memory;
    const auto twin = reduce(life.input, life.options, memory);
    life.reduce();
    ASSERT_EQ(memory, life.memory);
    ASSERT_EQ(twin.events, life.out.events);
    ASSERT_EQ(twin.metrics, life.out.metrics);
    ASSERT_EQ(twin.next, life.out.next);
    ASSERT_EQ(life.out.decisions.size(), 2u);
    if (life.out.next) {
      ASSERT_GT(*life.out.next, life.input.now);
    }
    for (std::size_t k = 0; k < 2; ++k) {
      const auto& status = life.out.decisions[k].status;
      ASSERT_EQ(twin.decisions[k].status, status);
      ASSERT_EQ(status_from_json(to_json(status)), status);

      definitions::ErrorList errors;
      auto object = whole_object(
          life.input.objects[life.input.objects[0].name == life.out.decisions[k].name ? 0 : 1], status);
      definitions::virtual_ip_schema().apply_defaults(object);
      definitions::virtual_ip_schema().validate(object, errors);
      ASSERT_EQ(errors.found(), 0u) << std::move(errors).take().front().message << object.dump(1);

      ASSERT_EQ(status.conditions.size(), 6u);
      for (const auto& row : status.nodes) {
        const auto found = life.input.nodes.find(row.name);
        const bool there = found != life.input.nodes.end() && found->second.connected;
        ASSERT_TRUE(there || life.input.known_nodes->contains(row.name)) << "orphan " << row.name;
      }
      if (!status.owner.empty()) {
        for (const auto& router : status.routers) {
          ASSERT_TRUE(router.owner == status.owner || router.owner.empty()) << router.owner;
        }
      }
    }
    // What was decided is at rest: asked again at the same time, nothing is new.
    const auto before = life.out.decisions;
    life.reduce();
    for (std::size_t k = 0; k < before.size(); ++k)
      ASSERT_EQ(to_json(life.out.decisions[k].status).dump(1), to_json(before[k].status).dump(1));
    ASSERT_TRUE(life.out.events.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Lives, testing::Range(1U, 21U));

}  // namespace
}  // namespace vipra::cluster
