#include "operator/status.hpp"
#include "base/utc.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace vipra::cluster {
namespace {

Status full() {
  Status status;
  status.owner = "node-a";
  status.owner_since = 1'800'000'000;
  status.state = "Owned";
  status.reason = "MasterSilent";
  status.addresses = {"192.0.2.10", "2001:db8::10"};
  status.routers = {{Family::kIpv4, 51, "node-a", 1'800'000'000, "MasterSilent"},
                    {Family::kIpv6, 51, "", std::nullopt, ""}};
  status.conditions = {{"Ready", "True", 3, 1'799'999'999, "Owned", ""}};
  status.nodes = {{"node-a", "Master", 100, "MasterSilent", "because", std::nullopt},
                  {"node-b", "Unknown", std::nullopt, "NotReporting", "", 1'799'000'000}};
  return status;
}

TEST(StatusJson, WhatIsWrittenIsReadAgain) {
  EXPECT_EQ(status_from_json(to_json(full())), full());
  EXPECT_EQ(status_from_json(to_json(Status{})), Status{});
  EXPECT_EQ(to_json(Status{}).dump(), "{}");
}

TEST(StatusJson, HasTheNamesOfTheSchema) {
  const auto json = to_json(full());
  EXPECT_EQ(json["ownerSince"], "2027-01-15T08:00:00Z");
  EXPECT_EQ(json["routers"][0]["virtualRouterID"], 51);
  EXPECT_EQ(json["routers"][0]["family"], "IPv4");
  EXPECT_FALSE(json["routers"][1].contains("owner"));
  EXPECT_EQ(json["conditions"][0]["lastTransitionTime"], "2027-01-15T07:59:59Z");
  EXPECT_EQ(json["conditions"][0]["message"], "");
  EXPECT_EQ(json["nodes"][1]["lastReport"], "2027-01-03T18:13:20Z");
}

TEST(StatusJson, WhatIsNotAsTheSchemaSaysIsSkipped) {
  for (const auto* text :
       {"null", "[]", "1", R"({"owner": 3, "nodes": {}, "routers": [1, null, {"virtualRouterID": 1e30}]})",
        R"({"conditions": [{"type": 1, "lastTransitionTime": "yesterday"}], "addresses": [4]})"}) {
    const auto status = status_from_json(nlohmann::json::parse(text));
    EXPECT_EQ(status.owner, "") << text;
    EXPECT_TRUE(status.addresses.empty()) << text;
  }
  nlohmann::json many = {{"nodes", nlohmann::json::array()}};
  for (int i = 0; i < 1000; ++i) many["nodes"].push_back({{"name", std::to_string(i)}});
  EXPECT_EQ(status_from_json(many).nodes.size(), kMaxNodeRows);
}

TEST(Time, IsRfc3339InBothDirections) {
  for (const auto& [unix, text] : {std::pair<std::int64_t, const char*>{0, "1970-01-01T00:00:00Z"},
                                   {951'782'400, "2000-02-29T00:00:00Z"},
                                   {4'102'444'799, "2099-12-31T23:59:59Z"}}) {
    EXPECT_EQ(utc_text(unix), text);
    EXPECT_EQ(parse_time(text), unix);
  }
  EXPECT_EQ(parse_time("2000-02-29T00:00:00.999999Z"), 951'782'400);
  for (const auto* bad : {"", "2000-02-30T00:00:00Z", "2000-02-29T24:00:00Z", "2000-02-29T00:00:00+01:00",
                          "2000-02-29 00:00:00Z", "2000-02-29T00:00:00.9xZ", "+200-02-29T00:00:00Z"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Truncated, NeverCutsACharacter) {
  EXPECT_EQ(truncated("short", 10), "short");
  EXPECT_EQ(truncated("0123456789a", 10), "0123456...");
  const std::string euros = "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac";  // 3 bytes each
  EXPECT_EQ(truncated(euros, 11), euros.substr(0, 6) + "...");
  EXPECT_EQ(truncated(euros, 9), euros.substr(0, 6) + "...");
  EXPECT_EQ(truncated(euros, 8), euros.substr(0, 3) + "...");
  EXPECT_EQ(truncated("abcdef", 2), "..");
}

}  // namespace
}  // namespace vipra::cluster
