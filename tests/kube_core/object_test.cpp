#include "kube_core/object.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vipra::kube {
namespace {

using Json = nlohmann::json;

TEST(Paths, NameTheCoreGroupOthersNamespacesAndSubresources) {
  EXPECT_EQ(collection_path({"", "v1", "nodes", ""}), "/api/v1/nodes");
  EXPECT_EQ(collection_path({"vipra.dev", "v1alpha1", "virtualips", ""}),
            "/apis/vipra.dev/v1alpha1/virtualips");
  EXPECT_EQ(object_path({"coordination.k8s.io", "v1", "leases", "vipra"}, "a", ""),
            "/apis/coordination.k8s.io/v1/namespaces/vipra/leases/a");
  EXPECT_EQ(object_path({"", "v1", "nodes", ""}, "n", "status"), "/api/v1/nodes/n/status");
}

TEST(Paths, AHostileNameStaysOneSegment) {
  EXPECT_EQ(object_path({"", "v1", "nodes", ""}, "../x?y=\n", ""), "/api/v1/nodes/..%2Fx%3Fy%3D%0A");
}

TEST(ParseJson, SkipsManagedFieldsAndKeepsTheRest) {
  const auto json =
      parse_json(R"({"a":1,"managedFields":[{"x":{"y":[1,2]}}],"b":{"managedFields":{},"c":[{}]}})");
  ASSERT_TRUE(json);
  EXPECT_EQ(*json, Json::parse(R"({"a":1,"b":{"c":[{}]}})"));
}

TEST(ParseJson, RefusesDepthWidthAndGarbage) {
  const std::string deep(100'000, '[');
  EXPECT_FALSE(parse_json(deep));
  EXPECT_FALSE(parse_json(deep + std::string(100'000, ']')));
  std::string wide = "[0";
  for (int i = 0; i < 100; ++i) wide += ",0";
  EXPECT_FALSE(parse_json(wide + "]", {64, 50}));
  EXPECT_TRUE(parse_json(wide + "]", {64, 500}));
  for (const char* bad : {"", "{", "nonsense", "{\"a\":1} x", "\"\xff\""})
    EXPECT_FALSE(parse_json(bad)) << bad;
}

TEST(MakeObject, TakesItsNamesOutAndReducesIt) {
  auto json =
      Json::parse(R"({"metadata":{"name":"n","namespace":"s","resourceVersion":"7","labels":{}},"x":1})");
  const auto object = make_object(json, [](Json& it) { it.erase("x"); });
  ASSERT_TRUE(object);
  EXPECT_EQ((*object)->key, "s/n");
  EXPECT_EQ((*object)->resource_version, "7");
  EXPECT_EQ((*object)->json, Json::parse(R"({"metadata":{"name":"n","namespace":"s","labels":{}}})"));
}

TEST(MakeObject, RefusesWhatHasNoIdentity) {
  for (const char* text : {R"({})", R"([])", R"({"metadata":[]})", R"({"metadata":{"name":"n"}})",
                           R"({"metadata":{"name":"","resourceVersion":"1"}})",
                           R"({"metadata":{"name":5,"resourceVersion":"1"}})",
                           R"({"metadata":{"name":"n","namespace":{},"resourceVersion":"1"}})"}) {
    EXPECT_FALSE(make_object(Json::parse(text), nullptr)) << text;
  }
}

TEST(ParsePage, GivesItemsOfBuiltInKindsTheirKind) {
  const auto page = parse_page(R"({"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"9",
      "continue":"more"},"items":[{"metadata":{"name":"a","resourceVersion":"3"}}]})",
                               nullptr);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->resource_version, "9");
  EXPECT_EQ(page->continue_token, "more");
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0]->json["kind"], "Node");
  EXPECT_EQ(page->objects[0]->json["apiVersion"], "v1");
}

TEST(ParsePage, AnEmptyListIsOneAndNothingElseIs) {
  EXPECT_TRUE(parse_page(R"({"kind":"XList","metadata":{"resourceVersion":"9"},"items":[]})", nullptr));
  EXPECT_TRUE(parse_page(R"({"kind":"XList","metadata":{"resourceVersion":"9"},"items":null})", nullptr));
  for (const char* text :
       {R"({})", R"({"kind":"Status","metadata":{"resourceVersion":"9"},"items":[]})",
        R"({"kind":"XList","metadata":{},"items":[]})",
        R"({"kind":"XList","metadata":{"resourceVersion":"9"}})",
        R"({"kind":"XList","metadata":{"resourceVersion":"9"},"items":{}})",
        R"({"kind":"XList","metadata":{"resourceVersion":"9"},"items":[7]})",
        R"({"kind":"XList","metadata":{"resourceVersion":"9"},"items":[{}]})", "<html>no</html>"}) {
    EXPECT_FALSE(parse_page(text, nullptr)) << text;
  }
}

TEST(StatusMessage, IsBoundedAndPrintable) {
  EXPECT_EQ(status_message(R"({"kind":"Status","message":"no\u0007 way"})"), "no? way");
  EXPECT_EQ(status_message("<html>"), "");
  EXPECT_LE(status_message(R"({"kind":"Status","message":")" + std::string(5000, 'x') + "\"}").size(), 300u);
}

}  // namespace
}  // namespace vipra::kube
