// The pure parts of the controller: base64, token reviews, events, objects, its page of metrics.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/base64.hpp"
#include "controller/event_body.hpp"
#include "controller/metrics_page.hpp"
#include "controller/objects.hpp"
#include "controller/token_review.hpp"

namespace vipra::controller {
namespace {

using nlohmann::json;
using Verdict = collect::TokenReview::Verdict;

TEST(Base64, TheVectorsOfRfc4648) {
  for (const auto& [plain, encoded] :
       std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"foobar", "Zm9vYmFy"},
                                                        {std::string("\xfb\xff\x00", 3), "+/8A"}}) {
    EXPECT_EQ(encoded_base64(plain), encoded);
    EXPECT_EQ(decoded_base64(encoded), plain);
  }
  EXPECT_EQ(decoded_base64("-_8A"), decoded_base64("+/8A"));
  EXPECT_FALSE(decoded_base64("Zm 9v"));
}

std::string token(const json& claims) {
  return "e30." + encoded_base64(claims.dump()) + ".sig";
}

TEST(TokenReview, SaysWhoItIsAndUntilWhen) {
  const json review{{"status",
                     {{"authenticated", true},
                      {"audiences", {"vipra-controller"}},
                      {"user",
                       {{"username", "system:serviceaccount:vipra-system:vipra-agent"},
                        {"extra", {{"authentication.kubernetes.io/node-name", {"node-a"}}}}}}}}};
  const auto judged = judge_token_review(review.dump(), token({{"exp", 1'900'000'000}}));
  EXPECT_EQ(judged.verdict, Verdict::kAccepted);
  EXPECT_EQ(judged.node, "node-a");
  EXPECT_EQ(judged.audiences, std::vector<std::string>{"vipra-controller"});
  EXPECT_EQ(judged.expires, std::chrono::system_clock::time_point{std::chrono::seconds{1'900'000'000}});
}

TEST(TokenReview, WhatIsNotClearlyAcceptedIsNot) {
  EXPECT_EQ(judge_token_review(R"({"status": {"error": "expired"}})", "").verdict, Verdict::kRefused);
  EXPECT_EQ(judge_token_review(R"({"status": {"authenticated": "true"}})", "").verdict, Verdict::kRefused);
  EXPECT_EQ(judge_token_review("<html>", "").verdict, Verdict::kUnavailable);
  // Two names are no name.
  const json two{{"status",
                  {{"authenticated", true},
                   {"user", {{"extra", {{"authentication.kubernetes.io/node-name", {"a", "b"}}}}}}}}};
  EXPECT_EQ(judge_token_review(two.dump(), "").node, "");
}

TEST(EventBody, IsAboutTheObjectAndNeverNamedTwice) {
  const cluster::Event event{"web", "uid-1", true, Reason::kTwoOwners, "node-a and node-b"};
  const auto a = event_body(event, "pod-1", 1'700'000'000'000'000'000);
  const auto b = event_body(event, "pod-1", 1'700'000'000'000'000'001);
  EXPECT_NE(a.name, b.name);
  const auto parsed = json::parse(a.json);
  EXPECT_EQ(parsed["regarding"]["name"], "web");
  EXPECT_EQ(parsed["type"], "Warning");
  EXPECT_EQ(parsed["reason"], "TwoOwners");
  EXPECT_EQ(parsed["eventTime"], "2023-11-14T22:13:20.000000Z");
  const auto longest = event_body({std::string(253, 'x'), "u", false, Reason::kOwned, ""}, "p", 1);
  EXPECT_LE(longest.name.size(), 253u);
}

TEST(Objects, TakeWhatTheyFindAndForgetByKey) {
  kube::Object web;
  web.key = web.name = "web";
  web.resource_version = "7";
  web.json =
      json::parse(R"({"metadata": {"uid": "u", "generation": 3, "deletionTimestamp": "2026-01-01T00:00:00Z"},
                             "spec": {"addresses": ["192.0.2.1"]}, "status": {"owner": "node-a"}})");
  Objects objects;
  const auto& object = objects.set(std::make_shared<const kube::Object>(web));
  EXPECT_EQ(object.uid, "u");
  EXPECT_EQ(object.generation, 3);
  EXPECT_TRUE(object.deleting);
  EXPECT_EQ(object.addresses, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(object.status.owner, "node-a");
  EXPECT_EQ(objects.remove("web"), "u");
  EXPECT_EQ(objects.remove("web"), "");
  EXPECT_TRUE(objects.all().empty());
}

TEST(MetricsPage, NamesWhatPeopleAlarmOn) {
  PageFacts facts;
  facts.leading = true;
  facts.cluster.objects = {{"web", "node-a", 1, false, true, true, 4}};
  facts.reports.refused[Reason::kWrongNode] = 2;
  facts.api_readable = {{"virtualips", true}, {"nodes", false}};
  const auto page = render(facts);
  for (const char* line :
       {"vipra_controller_leading 1", "vipra_cluster_virtual_ip_owner{virtual_ip=\"web\",node=\"node-a\"} 1",
        "vipra_cluster_virtual_ip_two_owners{virtual_ip=\"web\"} 1",
        "vipra_controller_api_readable{resource=\"nodes\"} 0",
        "vipra_controller_api_readable{resource=\"virtualips\"} 1",
        "vipra_controller_report_streams_refused_total{reason=\"WrongNode\"} 2"}) {
    EXPECT_NE(page.find(line), std::string::npos) << line << "\n" << page;
  }
}

}  // namespace
}  // namespace vipra::controller
