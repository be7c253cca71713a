#include "definitions/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "definitions/conversion.hpp"

namespace vipra::definitions {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

json minimal() {
  return json::parse(R"({"apiVersion": "vipra.dev/v1alpha1", "kind": "VirtualIP", "metadata": {"name": "web"},
                         "spec": {"addresses": ["192.0.2.10"], "vrrp": {"virtualRouterID": 51}}})");
}

std::vector<std::string> places(const ParsedObject& parsed) {
  std::vector<std::string> out;
  for (const auto& error : parsed.errors) out.push_back(error.path);
  return out;
}

TEST(ParseVirtualIp, FillsInTheDefaults) {
  const auto parsed = parse_virtual_ip(minimal());
  ASSERT_TRUE(parsed.spec);
  const auto& spec = *parsed.spec;
  EXPECT_EQ(spec.name, "web");
  EXPECT_EQ(spec.seniority, (plan::Seniority{std::nullopt, "web"}));
  EXPECT_EQ(spec.addresses, (std::vector{IpAddress::v4(192, 0, 2, 10)}));
  EXPECT_EQ(spec.interface, plan::InterfaceSelector{});
  EXPECT_TRUE(spec.node_selector.requirements.empty());
  EXPECT_EQ(spec.vrrp.virtual_router_id.value(), 51);
  EXPECT_EQ(spec.vrrp.version, vrrp::Version::kV3);
  EXPECT_EQ(spec.vrrp.advertisement_interval, 100ms);
  EXPECT_EQ(spec.vrrp.misses, 3);
  EXPECT_EQ(spec.vrrp.priority, 100);
  EXPECT_EQ(spec.vrrp.preemption, plan::Preemption{});
  EXPECT_EQ(spec.vrrp.checksum, plan::ChecksumMode::kAuto);
  EXPECT_FALSE(spec.vrrp.link_local);
  EXPECT_FALSE(spec.vrrp.password);
  EXPECT_EQ(spec.vrrp.startup_delay, 0s);
  EXPECT_EQ(spec.vrrp.link_up_delay, 0s);
  EXPECT_EQ(spec.vrrp.recovery_delay, 0s);
  EXPECT_EQ(spec.vrrp.group, "");
  EXPECT_FALSE(spec.vrrp.virtual_mac);
  EXPECT_TRUE(spec.vrrp.tracks.empty());
  EXPECT_EQ(spec.announcement, (AnnouncementSpec{false, {100ms, 1s, 5s}, {1s, 2s}, 60s, 1s}));
}

TEST(ParseVirtualIp, FillsInTheDefaultsOfAChecksFields) {
  auto object = minimal();
  object["spec"]["checks"] = json::parse(R"([{"name": "a", "http": {"port": 80}, "onFailure": {"fault": {}}},
                                             {"name": "b", "tcp": {"port": 81}, "onFailure": {"priorityDelta": -50}},
                                             {"name": "c", "service": {"namespace": "shop", "name": "front"},
                                              "onFailure": {"fault": {}}}])");
  const auto parsed = parse_virtual_ip(object);
  ASSERT_TRUE(parsed.spec);
  const auto& http = parsed.spec->checks.at(0);
  EXPECT_EQ(std::get<HttpProbe>(http.probe), (HttpProbe{"127.0.0.1", 80, "/", "", 200, 399}));
  EXPECT_EQ(http.interval, 1s);
  EXPECT_EQ(http.timeout, 500ms);
  EXPECT_EQ(http.rise, 2);
  EXPECT_EQ(http.fall, 3);
  EXPECT_TRUE(std::holds_alternative<FaultOnFailure>(http.on_failure));
  const auto& tcp = parsed.spec->checks.at(1);
  EXPECT_EQ(std::get<TcpProbe>(tcp.probe), (TcpProbe{"127.0.0.1", 81}));
  EXPECT_EQ(std::get<PriorityDelta>(tcp.on_failure).delta, -50);
  EXPECT_EQ(std::get<ServiceProbe>(parsed.spec->checks.at(2).probe),
            (ServiceProbe{"shop", "front", ServiceProbe::Endpoints::kNode, 1}));
}

TEST(ParseVirtualIp, TakesEveryFieldThatIsGiven) {
  auto object = minimal();
  object["metadata"]["generation"] = 7;
  object["metadata"]["creationTimestamp"] = "2026-01-31T12:00:00Z";
  object["metadata"]["managedFields"] = json::array({json::object()});
  object["status"] = "whatever the controller wrote";
  object["spec"] = json::parse(R"({
    "addresses": ["192.0.2.10", "2001:db8::10"],
    "interface": {"name": "eth1", "overrides": [{"nodeSelector": {"matchLabels": {"zone": "a"}}, "pattern": "en.*"}]},
    "nodeSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x", "y"]}]},
    "vrrp": {"virtualRouterID": 9, "advertisementInterval": "1s", "advertisementMisses": 5, "priority": 7,
             "priorities": [{"nodeSelector": {}, "priority": 200}], "preemption": {"policy": "Delayed", "delay": "5m"},
             "startupDelay": "45s", "linkUpDelay": "5s", "recoveryDelay": "6s", "group": "shop", "virtualMAC": true,
             "track": [{"name": "a", "link": {"interface": "eth1"}, "onFailure": {"priorityDelta": -5}},
                       {"name": "b", "gateway": {"address": "2001:db8::1", "interval": "2s", "misses": 5},
                        "onFailure": {"fault": {}}},
                       {"name": "c", "gateway": {}, "onFailure": {"fault": {}}},
                       {"name": "d", "route": {"destination": "10.0.0.0/8"}, "onFailure": {"fault": {}}}],
             "ipv4Checksum": "RFC5798", "linkLocal": "fe80::9"},
    "announcement": {"arpReply": true, "arpRepeats": ["10ms"], "neighborAdvertisementRepeats": [],
                     "refresh": "24h", "evidenceInterval": "1h"}})");
  const auto parsed = parse_virtual_ip(object);
  ASSERT_TRUE(parsed.spec) << parsed.errors.at(0).path << parsed.errors.at(0).message;
  const auto& spec = *parsed.spec;
  EXPECT_EQ(spec.object_generation, 7);
  EXPECT_EQ(spec.seniority.created_unix_s, 1'769'860'800);
  EXPECT_EQ(spec.addresses.size(), 2u);
  EXPECT_EQ(spec.interface, (plan::InterfaceSelector{plan::InterfaceSelector::Kind::kByName, "eth1"}));
  ASSERT_EQ(spec.interface_overrides.size(), 1u);
  EXPECT_EQ(spec.interface_overrides[0].interface,
            (plan::InterfaceSelector{plan::InterfaceSelector::Kind::kByPattern, "en.*"}));
  EXPECT_TRUE(spec.interface_overrides[0].node_selector.matches({{"zone", "a"}}));
  EXPECT_FALSE(spec.node_selector.matches({{"tier", "x"}}));
  EXPECT_EQ(spec.vrrp.advertisement_interval, 1s);
  EXPECT_EQ(spec.vrrp.misses, 5);
  EXPECT_EQ(spec.vrrp.startup_delay, 45s);
  EXPECT_EQ(spec.vrrp.link_up_delay, 5s);
  EXPECT_EQ(spec.vrrp.priority, 7);
  EXPECT_EQ(spec.vrrp.priorities.at(0).priority, 200);
  EXPECT_EQ(spec.vrrp.preemption, (plan::Preemption{plan::PreemptionPolicy::kDelayed, 5min}));
  EXPECT_EQ(spec.vrrp.checksum, plan::ChecksumMode::kRfc5798);
  EXPECT_EQ(spec.vrrp.link_local, IpAddress::parse("fe80::9"));
  EXPECT_EQ(spec.vrrp.recovery_delay, 6s);
  EXPECT_EQ(spec.vrrp.group, "shop");
  EXPECT_TRUE(spec.vrrp.virtual_mac);
  EXPECT_EQ(spec.vrrp.tracks,
            (std::vector<plan::Track>{
                {"a", plan::LinkTrack{"eth1"}, -5},
                {"b", plan::GatewayTrack{IpAddress::parse("2001:db8::1"), 2s, 5}, std::nullopt},
                {"c", plan::GatewayTrack{std::nullopt, 1s, 3}, std::nullopt},
                {"d", plan::RouteTrack{IpAddress::v4(10, 0, 0, 0), 8}, std::nullopt}}));
  EXPECT_EQ(spec.announcement, (AnnouncementSpec{true, {10ms}, {}, 24h, 1h}));
}

// A structural default depends on nothing, so these are the parser's.
TEST(ParseVirtualIp, TakesThePaceFromTheProfileWhereItIsNotGiven) {
  struct Pace {
    const char* vrrp;
    Duration interval;
    int misses;
  };
  for (const auto& [text, interval, misses] : std::vector<Pace>{
           {R"({"profile": "Safe"})", 1s, 3},
           {R"({"profile": "Fast"})", 100ms, 3},
           {R"({"profile": "Turbo"})", 10ms, 5},
           {R"({"profile": "Turbo", "advertisementInterval": "50ms"})", 50ms, 5},
           {R"({"profile": "Turbo", "advertisementMisses": 9})", 10ms, 9},
           {R"({"version": 2})", 1s, 3},
           {R"({"version": 2, "profile": "Safe"})", 1s, 3},
           {R"({"version": 2, "profile": "Turbo", "advertisementInterval": "2s"})", 2s, 5},
       }) {
    auto object = minimal();
    object["spec"]["vrrp"].update(json::parse(text));
    const auto parsed = parse_virtual_ip(object);
    ASSERT_TRUE(parsed.spec) << text << ": " << parsed.errors.at(0).message;
    EXPECT_EQ(parsed.spec->vrrp.advertisement_interval, interval) << text;
    EXPECT_EQ(parsed.spec->vrrp.misses, misses) << text;
  }
}

TEST(ParseVirtualIp, TakesVersion2AndItsPassword) {
  auto object = minimal();
  object["spec"]["vrrp"]["version"] = 2;
  auto parsed = parse_virtual_ip(object);
  ASSERT_TRUE(parsed.spec);
  EXPECT_EQ(parsed.spec->vrrp.version, vrrp::Version::kV2);
  EXPECT_EQ(parsed.spec->vrrp.password, std::nullopt);
  object["spec"]["vrrp"]["authentication"]["simplePassword"] = "s3cret";
  parsed = parse_virtual_ip(object);
  ASSERT_TRUE(parsed.spec);
  EXPECT_EQ(parsed.spec->vrrp.password, vrrp::SimplePassword::make("s3cret"));
}

TEST(ParseVirtualIp, SaysWhyVersion2HasNoPartsOfASecond) {
  auto object = minimal();
  object["spec"]["vrrp"]["version"] = 2;
  object["spec"]["vrrp"]["advertisementInterval"] = "400ms";
  const auto parsed = parse_virtual_ip(object);
  ASSERT_EQ(places(parsed), std::vector<std::string>{"spec.vrrp.advertisementInterval"});
  EXPECT_THAT(parsed.errors[0].message, testing::HasSubstr("whole seconds with version 2"));
}

TEST(ParseVirtualIp, ShowsNoPasswordInAMessage) {
  auto without_field = minimal();
  without_field["spec"]["vrrp"]["authentication"] = "secret";
  EXPECT_THAT(parse_virtual_ip(without_field).errors.at(0).message,
              testing::Not(testing::HasSubstr("secret")));
  for (const auto& password : {json("secret\u00e9"), json("secret-too-long"), json(424242), json(true)}) {
    auto object = minimal();
    object["spec"]["vrrp"]["version"] = 2;
    object["spec"]["vrrp"]["authentication"]["simplePassword"] = password;
    const auto parsed = parse_virtual_ip(object);
    ASSERT_EQ(places(parsed), std::vector<std::string>{"spec.vrrp.authentication.simplePassword"});
    for (const auto* shown : {"secret", "424242", "true"})
      EXPECT_THAT(parsed.errors[0].message, testing::Not(testing::HasSubstr(shown)));
  }
}

TEST(ParseVirtualIp, SuggestsTheFieldThatWasProbablyMeant) {
  auto object = minimal();
  object["spec"]["Interface"] = json::object();
  object["spec"]["vrrp"]["virtualRouterId"] = 3;
  object["spec"]["vrrp"]["colour"] = 3;
  const auto parsed = parse_virtual_ip(object);
  ASSERT_EQ(parsed.errors.size(), 3u);
  EXPECT_THAT(parsed.errors[0].message, testing::HasSubstr("did you mean \"interface\"?"));
  EXPECT_THAT(parsed.errors[1].message, testing::Not(testing::HasSubstr("did you mean")));
  EXPECT_THAT(parsed.errors[2].message, testing::HasSubstr("did you mean \"virtualRouterID\"?"));
}

TEST(ParseVirtualIp, PrintsPathsAsKubernetesDoes) {
  auto object = minimal();
  object["spec"]["nodeSelector"]["matchLabels"]["a.b/c"] = "not a value";
  object["spec"]["checks"] =
      json::parse(R"([{"name": "a", "http": {"port": 0}, "onFailure": {"fault": {}}}])");
  EXPECT_THAT(places(parse_virtual_ip(object)),
              testing::ElementsAre("spec.checks[0].http.port", "spec.nodeSelector.matchLabels[a.b/c]"));
}

TEST(ParseVirtualIp, ListsAtMostThirtyTwoErrors) {
  auto object = minimal();
  for (int i = 0; i < 100; ++i) object["spec"]["addresses"].push_back("no address " + std::to_string(i));
  EXPECT_EQ(parse_virtual_ip(object).errors.size(), kMaxErrors);
}

TEST(ParseVirtualIp, KeepsHostileTextOutOfMessages) {
  auto object = minimal();
  object["spec"]["vrrp"]["advertisementInterval"] = std::string{"\n\x1b[31m"} + std::string(20, '\0');
  object["spec"][std::string(100'000, 'x')] = 1;
  object["spec"]["\n\x1b"] = 1;
  for (const auto& error : parse_virtual_ip(object).errors) {
    EXPECT_LT(error.message.size(), 400u);
    EXPECT_LT(error.path.size(), 600u);
    for (const auto& text : {error.message, error.path}) {
      EXPECT_TRUE(std::none_of(text.begin(), text.end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
    }
  }
}

TEST(ParseVirtualIp, SurvivesAnyDepthAndSize) {
  json deep = json::array();
  for (int i = 0; i < 100'000; ++i) {
    json outer = json::array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  auto object = minimal();
  object["spec"]["addresses"] = std::move(deep);
  const auto parsed = parse_virtual_ip(object);
  ASSERT_EQ(parsed.errors.size(), 1u);
  EXPECT_EQ(parsed.errors[0].reason, Reason::kTooLarge);

  auto wide = minimal();
  wide["spec"]["addresses"] = std::vector<std::string>(60'000, "192.0.2.1");
  EXPECT_EQ(parse_virtual_ip(wide).errors.at(0).reason, Reason::kTooLarge);
}

TEST(ParseVirtualIp, RefusesWhatIsNoObject) {
  for (const auto& value : {json{}, json(5), json("text"), json::array(), json::object()}) {
    const auto parsed = parse_virtual_ip(value);
    EXPECT_FALSE(parsed.spec);
    EXPECT_FALSE(parsed.errors.empty());
  }
}

TEST(ParseTimestamp, ReadsWhatKubernetesWrites) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_timestamp("2026-01-31T12:00:00Z"), 1'769'860'800);
  EXPECT_EQ(parse_timestamp("2026-01-31T12:00:00.123456Z"), 1'769'860'800);
  EXPECT_EQ(parse_timestamp("2026-01-31T14:00:00+02:00"), 1'769'860'800);
  for (const auto* text : {"", "2026", "2026-02-30T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z",
                           "2026-01-31T24:00:00Z", "2026-01-31T12:00:00+2:00", "2026-01-31T12:00:0xZ"}) {
    EXPECT_EQ(parse_timestamp(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace vipra::definitions
