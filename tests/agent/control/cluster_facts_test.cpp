#include "agent/control/cluster_facts.hpp"

#include <gtest/gtest.h>

namespace vipra::control {
namespace {

using nlohmann::json;

kube::ObjectPtr object(const std::string& name_space, const std::string& name, json content) {
  auto out = std::make_shared<kube::Object>();
  out->key = name_space.empty() ? name : name_space + "/" + name;
  out->name_space = name_space;
  out->name = name;
  out->json = std::move(content);
  return out;
}

Objects objects(const std::vector<kube::ObjectPtr>& all) {
  Objects out;
  for (const auto& one : all) out.emplace(one->key, one);
  return out;
}

json node(const std::vector<std::string>& ips) {
  json addresses = json::array({{{"type", "Hostname"}, {"address", "10.0.0.99"}}});
  for (const auto& ip : ips) addresses.push_back({{"type", "InternalIP"}, {"address", ip}});
  return {{"metadata", {{"labels", {{"zone", "a"}, {"odd", 7}}}}}, {"status", {{"addresses", addresses}}}};
}

json slice(const std::string& service, const std::string& type, json endpoints) {
  return {{"metadata", {{"labels", {{"kubernetes.io/service-name", service}}}}},
          {"addressType", type},
          {"ports", {{{"port", 9443}}}},
          {"endpoints", std::move(endpoints)}};
}

json endpoint(const std::string& address, const std::string& node, const std::string& uid,
              json ready = true) {
  return {{"addresses", {address}},
          {"nodeName", node},
          {"conditions", {{"ready", std::move(ready)}}},
          {"targetRef", {{"uid", uid}}}};
}

TEST(NodesView, KnowsItsOwnLabelsAndTheOthersAddresses) {
  const auto view = nodes_view(objects({object("", "a", node({"192.0.2.1"})),
                                        object("", "b", node({"192.0.2.2", "2001:db8::2", "nonsense"})),
                                        object("", "c", json("garbage"))}),
                               "a", 10);
  ASSERT_TRUE(view.labels);
  EXPECT_EQ(*view.labels, (source::Labels{{"zone", "a"}}));
  ASSERT_EQ(view.peers.size(), 2u);
  EXPECT_EQ(view.peers[0].node, "b");
  EXPECT_EQ(view.peers[0].rank, 1u);
  EXPECT_EQ(view.peers[0].addresses,
            (std::vector{*IpAddress::parse("192.0.2.2"), *IpAddress::parse("2001:db8::2")}));
  EXPECT_EQ(view.peers[0].labels, (source::Labels{{"zone", "a"}})) << "for the nodeSelector of a VirtualIP";
  EXPECT_TRUE(view.peers[1].addresses.empty());
}

TEST(NodesView, WithoutANodeOfItsNameHasNoLabels) {
  EXPECT_FALSE(nodes_view(objects({object("", "b", node({}))}), "a", 10).labels);
  EXPECT_EQ(nodes_view(objects({object("", "b", node({})), object("", "c", node({}))}), "a", 1).peers.size(),
            1u);
}

TEST(ReadyEndpoints, CountsADualStackPodOnceAndOnlyTheReadyOnes) {
  const auto counts = ready_endpoints(
      objects({object("shop", "f-4",
                      slice("front", "IPv4",
                            {endpoint("10.1.0.1", "a", "u1"), endpoint("10.1.0.2", "b", "u2"),
                             endpoint("10.1.0.3", "a", "u3", false)})),
               object("shop", "f-6", slice("front", "IPv6", {endpoint("fd00::1", "a", "u1")})),
               object("shop", "f-5", slice("front", "IPv4", {endpoint("10.1.0.4", "a", "u4", nullptr)})),
               object("other", "f", slice("front", "IPv4", json::array())),
               object("shop", "x", json{{"endpoints", 7}})}),
      "a");
  EXPECT_EQ(counts, (checks::ServiceBoard::Counts{{{"shop", "front"}, {2, 3}}, {{"other", "front"}, {0, 0}}}))
      << "no ready condition means ready";
}

TEST(DialAddresses, AreThoseOfReadyEndpointsEachOnce) {
  const auto addresses = dial_addresses(objects(
      {object("v", "1",
              slice("c", "IPv4", {endpoint("10.1.0.1", "a", "u1"), endpoint("10.1.0.2", "a", "u2", false)})),
       object("v", "2", slice("c", "IPv4", {endpoint("10.1.0.1", "a", "u1")})),
       object("v", "3", slice("c", "IPv6", {endpoint("fd00::1", "a", "u1")})),
       object("v", "4", slice("c", "FQDN", {endpoint("example.com", "a", "u9")}))}));
  EXPECT_EQ(addresses, (std::vector<std::string>{"10.1.0.1:9443", "[fd00::1]:9443"}));
}

}  // namespace
}  // namespace vipra::control
