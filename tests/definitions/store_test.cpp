#include "definitions/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace vipra::definitions {
namespace {

using nlohmann::json;
using testing::ElementsAre;

json object(const std::string& name, const std::string& address, int vrid = 51) {
  return {{"apiVersion", "vipra.dev/v1alpha1"},
          {"kind", "VirtualIP"},
          {"metadata", {{"name", name}}},
          {"spec", {{"addresses", {address}}, {"vrrp", {{"virtualRouterID", vrid}}}}}};
}
json bad(const std::string& name) {
  return object(name, "192.0.2.10", 0);
}

InputFilePtr file(const std::string& name, std::vector<json> objects, bool complete = true) {
  InputFile out{name, {}, {}, complete};
  for (std::size_t i = 0; i < objects.size(); ++i) {
    out.objects.push_back({std::move(objects[i]), name, name + ':' + std::to_string(i + 1)});
  }
  if (!complete) out.problems.push_back({name, "", "", Reason::kParseError, "cut short"});
  return std::make_shared<const InputFile>(std::move(out));
}

struct StoreTest : testing::Test {
  DefinitionStore store;

  std::vector<std::string> served() const {
    std::vector<std::string> out;
    for (const auto& spec : store.specs()) out.push_back(spec.name + '=' + spec.addresses.at(0).to_string());
    return out;
  }
  const ObjectStatus& status(const std::string& name) const {
    for (const auto& one : store.objects()) {
      if (one.name == name) return one;
    }
    ADD_FAILURE() << name << " is not listed";
    return store.objects().front();
  }
};

TEST_F(StoreTest, ServesGoodObjectsSortedByName) {
  EXPECT_TRUE(store.replace({file("z.yaml", {object("b", "192.0.2.2"), object("a", "192.0.2.1")})}));
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.1", "b=192.0.2.2"));
  EXPECT_TRUE(store.problems().empty());
}

TEST_F(StoreTest, SaysWhetherAnythingChanged) {
  EXPECT_FALSE(store.replace({}));
  EXPECT_TRUE(store.replace({file("a.yaml", {object("a", "192.0.2.1")})}));
  EXPECT_FALSE(store.replace({file("b.yaml", {object("a", "192.0.2.1")})}));
  EXPECT_TRUE(store.replace({file("b.yaml", {object("a", "192.0.2.2")})}));
  EXPECT_TRUE(store.replace({}));
}

TEST_F(StoreTest, RefusesABadObjectAlone) {
  store.replace(
      {file("a.yaml", {bad("a"), object("b", "192.0.2.2")}), file("c.yaml", {object("c", "192.0.2.3")})});
  EXPECT_THAT(served(), ElementsAre("b=192.0.2.2", "c=192.0.2.3"));
  EXPECT_FALSE(status("a").served);
  ASSERT_EQ(store.problems().size(), 1u);
  EXPECT_EQ(store.problems()[0].origin, "a.yaml:1");
  EXPECT_EQ(store.problems()[0].object, "a");
  EXPECT_EQ(store.problems()[0].path, "spec.vrrp.virtualRouterID");
}

TEST_F(StoreTest, KeepsTheLastGoodVersionOfAnObjectThatBecomesBad) {
  store.replace({file("a.yaml", {object("a", "192.0.2.1")})});
  EXPECT_FALSE(store.replace({file("a.yaml", {bad("a")})}));
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.1"));
  EXPECT_TRUE(status("a").last_good);
  EXPECT_EQ(status("a").errors.size(), 1u);
  EXPECT_EQ(store.accepted().at(0).json, object("a", "192.0.2.1"));

  EXPECT_TRUE(store.replace({file("a.yaml", {object("a", "192.0.2.9")})}));
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.9"));
  EXPECT_FALSE(status("a").last_good);
}

TEST_F(StoreTest, KeepsAnObjectWhoseNameOrKindIsBrokenWhereItStands) {
  store.replace({file("a.yaml", {object("a", "192.0.2.1"), object("b", "192.0.2.2")})});
  auto nameless = object("a", "192.0.2.1");
  nameless["metadata"] = json::object();
  auto kindless = object("b", "192.0.2.2");
  kindless["kind"] = "VirtualIp";
  EXPECT_FALSE(store.replace({file("a.yaml", {nameless, kindless})}));
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.1", "b=192.0.2.2"));
  EXPECT_TRUE(status("a").last_good);
  EXPECT_TRUE(status("b").last_good);
}

TEST_F(StoreTest, RenamingAnObjectRemovesItsFormerName) {
  store.replace({file("a.yaml", {object("a", "192.0.2.1")})});
  EXPECT_TRUE(store.replace({file("a.yaml", {object("b", "192.0.2.1")})}));
  EXPECT_THAT(served(), ElementsAre("b=192.0.2.1"));
}

TEST_F(StoreTest, AnObjectOfAnotherKindClaimsNoName) {
  auto service = object("a", "192.0.2.7");
  service["kind"] = "Service";
  store.replace({file("a.yaml", {service}), file("b.yaml", {object("a", "192.0.2.1")})});
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.1"));
  EXPECT_TRUE(status("a").errors.empty());
  EXPECT_EQ(store.problems().size(), 1u);
}

TEST_F(StoreTest, AnUnfinishedFileTakesNothingAway) {
  store.replace({file("a.yaml", {object("a", "192.0.2.1"), object("b", "192.0.2.2")})});
  EXPECT_TRUE(store.replace({file("a.yaml", {object("a", "192.0.2.9")}, false)}));
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.9", "b=192.0.2.2"));
  EXPECT_TRUE(status("b").last_good);
  EXPECT_EQ(store.problems().size(), 1u);
  EXPECT_TRUE(store.replace({file("a.yaml", {object("a", "192.0.2.9")})}));
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.9"));
}

TEST_F(StoreTest, AFileThatIsGoneTakesItsObjectsAway) {
  store.replace({file("a.yaml", {object("a", "192.0.2.1")}), file("b.yaml", {object("b", "192.0.2.2")})});
  store.replace({file("b.yaml", {object("b", "192.0.2.2")})});
  EXPECT_THAT(served(), ElementsAre("b=192.0.2.2"));
}

TEST_F(StoreTest, AnObjectThatMovesToAnotherFileStays) {
  store.replace({file("a.yaml", {object("a", "192.0.2.1")})});
  EXPECT_FALSE(store.replace({file("b.yaml", {object("a", "192.0.2.1")})}));
  EXPECT_EQ(status("a").origin, "b.yaml:1");
}

TEST_F(StoreTest, TheFirstFileWinsANameAndTheOtherSaysSo) {
  const auto first = file("a.yaml", {object("web", "192.0.2.1")});
  const auto second = file("b.yaml", {object("web", "192.0.2.2")});
  for (int round = 0; round < 2;
       ++round) {  // unchanged files are not parsed again, and their errors do not pile up
    store.replace({second, first});
    EXPECT_THAT(served(), ElementsAre("web=192.0.2.1"));
    ASSERT_EQ(store.problems().size(), 1u);
    EXPECT_EQ(store.problems()[0].origin, "b.yaml:1");
    EXPECT_EQ(store.problems()[0].reason, Reason::kDuplicate);
    EXPECT_THAT(store.problems()[0].message, testing::HasSubstr("a.yaml:1"));
  }
  store.replace({second});
  EXPECT_THAT(served(), ElementsAre("web=192.0.2.2"));
  EXPECT_TRUE(store.problems().empty());
}

TEST_F(StoreTest, TheOlderObjectWinsANameAndOneWithoutTimeIsOldest) {
  auto young = object("web", "192.0.2.1");
  young["metadata"]["creationTimestamp"] = "2026-05-01T00:00:00Z";
  auto old = object("web", "192.0.2.2");
  old["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z";
  store.replace({file("a.yaml", {young}), file("b.yaml", {old})});
  EXPECT_THAT(served(), ElementsAre("web=192.0.2.2"));
  store.replace(
      {file("a.yaml", {young}), file("b.yaml", {old}), file("c.yaml", {object("web", "192.0.2.3")})});
  EXPECT_THAT(served(), ElementsAre("web=192.0.2.3"));
}

TEST_F(StoreTest, ABadDuplicateDoesNotFreezeTheGoodOne) {
  store.replace({file("b.yaml", {object("web", "192.0.2.1")})});
  store.replace({file("a.yaml", {bad("web")}), file("b.yaml", {object("web", "192.0.2.9")})});
  EXPECT_THAT(served(), ElementsAre("web=192.0.2.9"));
}

TEST_F(StoreTest, ServesTheSeedUntilASourceSaysBetter) {
  store.seed({{object("a", "192.0.2.1"), "a.yaml", "a.yaml:1"},
              {object("b", "192.0.2.2"), "b.yaml", "b.yaml:1"},
              {object("c", "192.0.2.3"), "c.yaml", "c.yaml:1"},
              {bad("d"), "d.yaml", "d.yaml:1"}});
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.1", "b=192.0.2.2", "c=192.0.2.3"));
  // a is bad now, the file of b cannot be read, c is gone.
  store.replace({file("a.yaml", {bad("a")}), file("b.yaml", {}, false)});
  EXPECT_THAT(served(), ElementsAre("a=192.0.2.1", "b=192.0.2.2"));
}

}  // namespace
}  // namespace vipra::definitions
