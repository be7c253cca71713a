// Every field of spec.vrrp has an effect: for each, the same definition twice with nothing but this field
// changed, and what then differs on the wire or in the kernel. The fields are read from the schema, so that a
// new one without a case fails.
#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "definitions/embedded_schema.hpp"
#include "lab/command.hpp"
#include "tests/lab/agent_lab.hpp"
#include "tests/lab/vrrp_fields.hpp"

namespace vipra::lab {
namespace {

// The lines of spec.vrrp beside the id.
using Lines = std::vector<std::string>;

class EveryField : public AgentLab {
 protected:
  static std::string document(const Lines& vrrp, const std::string& name = "web",
                              const std::string& address = "10.99.0.100", int vrid = 51) {
    std::string text = "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: " + name +
                       "}\nspec:\n  addresses: [\"" + address +
                       "\"]\n  vrrp:\n    virtualRouterID: " + std::to_string(vrid) + "\n";
    for (const auto& line : vrrp) text += "    " + line + "\n";
    return text;
  }

  void run(const Lines& vrrp, std::size_t nodes = 1, const std::string& address = "10.99.0.100") {
    ASSERT_NO_FATAL_FAILURE(build(nodes));
    auto capture = lab_->capture();
    ASSERT_OK(capture);
    capture_ = std::move(*capture);
    address_ = address;
    ASSERT_OK(lab_->write_definition("web.yaml", document(vrrp, "web", address)));
    auto options = agent();
    options.labels = {{"zone", "a"}};
    ASSERT_OK(node("node-a").start_agent(options));
    if (nodes > 1 && everywhere_) {
      ASSERT_TRUE(owns("node-a", s{15}));
      for (std::size_t i = 1; i < nodes; ++i) ASSERT_OK(lab_->node(i).start_agent(options));
    }
  }
  void edit(const Lines& vrrp) {
    ASSERT_OK(lab_->write_definition("web.yaml", document(vrrp, "web", address_)));
  }
  // A field of what the master of the node advertises has this value from some moment on.
  testing::AssertionResult advertises(const std::string& field, const std::string& value,
                                      const char* port = "p-node-a",
                                      Duration within = std::chrono::seconds{10}) {
    std::string last = "nothing";
    const auto from = now();
    const bool found = wait_until(
        [&] {
          const auto packets = capture_->packets(from, TimePoint::max());
          for (auto packet = packets.rbegin(); packet != packets.rend(); ++packet) {
            const auto fields = vrrp_fields(packet->frame);
            if (!fields || packet->port != port || fields->at("priority") == "0") continue;
            const auto at = fields->find(field);
            last = at == fields->end() ? "absent" : at->second;
            return last == value;
          }
          return false;
        },
        within, ms{10});
    if (found) return testing::AssertionSuccess();
    return testing::AssertionFailure() << field << " is " << last << ", not " << value;
  }
  // Runs both definitions from one start, one after the other.
  void changes(const Lines& first, const Lines& second, const std::string& field, const std::string& one,
               const std::string& other) {
    ASSERT_NO_FATAL_FAILURE(run(first, nodes_));
    EXPECT_TRUE(advertises(field, one));
    ASSERT_NO_FATAL_FAILURE(edit(second));
    EXPECT_TRUE(advertises(field, other));
  }
  // With priority 100 and, once the track or selector counts, 80.
  void changes_priority(const Lines& first, const Lines& second, const std::string& one,
                        const std::string& other) {
    changes(first, second, "priority", one, other);
  }
  std::optional<TimePoint> first_advert(TimePoint from, const char* port = "p-node-a") const {
    for (const auto& packet : capture_->packets(from, TimePoint::max())) {
      const auto advert = as_vrrp(packet.frame);
      if (advert && advert->priority != 0 && packet.port == port) return packet.at;
    }
    return std::nullopt;
  }
  // How long after `begin` the node advertises.
  Duration silence_after(TimePoint begin, Duration within = std::chrono::seconds{15}) {
    EXPECT_TRUE(wait_until([&] { return first_advert(begin).has_value(); }, within)) << "it never advertises";
    const auto at = first_advert(begin);
    return at ? *at - begin : Duration::max();
  }
  // From the start of the agent to its first advertisement, with each of the two.
  void delays(const Lines& first, const Lines& second, Duration less, Duration more) {
    ASSERT_NO_FATAL_FAILURE(run(first));
    ASSERT_TRUE(owns("node-a"));
    const auto quick = started_to_advert(first);
    const auto slow = started_to_advert(second);
    EXPECT_LT(quick, less);
    EXPECT_GE(slow, more);
  }
  Duration started_to_advert(const Lines& vrrp) {
    EXPECT_TRUE(node("node-a").stop_agent().has_value());
    EXPECT_TRUE(lab_->write_definition("web.yaml", document(vrrp)).has_value());
    const auto begin = now();
    EXPECT_TRUE(node("node-a").start_agent(agent()).has_value());
    return silence_after(begin);
  }
  // From the end of a fault to the first advertisement.
  Duration recovered_to_advert(const std::function<void()>& fail, const std::function<void()>& recover) {
    EXPECT_TRUE(owns("node-a", s{15}));
    fail();
    EXPECT_TRUE(wait_until([&] { return !node("node-a").owns(vip_); }, s{10}));
    const auto last = now();
    EXPECT_FALSE(wait_until([&] { return first_advert(last).has_value(); }, ms{250})) << "it is in fault";
    const auto begin = now();
    recover();
    return silence_after(begin);
  }
  void ip(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{"ip"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    ASSERT_OK(must_run(node("node-a").net(), command));
  }
  // ARP requests of the node for an address.
  std::size_t asked_for(const IpAddress& target, TimePoint from, TimePoint to) const {
    std::size_t count = 0;
    for (const auto& packet : capture_->packets(from, to)) {
      const auto body = packet.payload();
      if (packet.port != "p-node-a" || packet.ethertype() != kEtherArp || body.size() < 28 || body[7] != 1)
        continue;
      const bool own = std::equal(body.begin() + 14, body.begin() + 18, body.begin() + 24);
      const auto bytes = target.bytes();
      count += !own && std::equal(bytes.begin(), bytes.end(), body.begin() + 24) ? 1U : 0U;
    }
    return count;
  }

  std::unique_ptr<Capture> capture_;
  std::string address_;
  std::size_t nodes_ = 1;
  bool everywhere_ = true;  // false: an agent on node-a alone
};

// Nobody has it; the client answers.
constexpr const char* kSilent = "10.99.0.99";
constexpr const char* kAnswers = "10.99.0.201";

class Cases : public EveryField {
 public:
  void virtual_router_id() {
    ASSERT_NO_FATAL_FAILURE(run({}));
    EXPECT_TRUE(advertises("virtual router id", "51"));
    ASSERT_OK(lab_->write_definition("web.yaml", document({}, "web", address_, 52)));
    EXPECT_TRUE(advertises("virtual router id", "52"));
  }
  void version() {
    changes({"version: 3", "advertisementInterval: 1s"}, {"version: 2", "advertisementInterval: 1s"},
            "version", "3", "2");
  }
  void profile() { changes({"profile: Safe"}, {"profile: Turbo"}, "interval", "100", "1"); }
  void password() {
    const Lines v2{"version: 2", "advertisementInterval: 1s"};
    auto one = v2, other = v2;
    one.push_back("authentication: {simplePassword: one}");
    other.push_back("authentication: {simplePassword: other}");
    changes(one, other, "behind the list", "6f6e650000000000", "6f74686572000000");
  }
  void interval() {
    changes({"advertisementInterval: 50ms"}, {"advertisementInterval: 500ms"}, "interval", "5", "50");
  }
  void misses() { delays({"advertisementMisses: 2"}, {"advertisementMisses: 30"}, ms{2000}, ms{3000}); }
  void priority() { changes_priority({"priority: 100"}, {"priority: 101"}, "100", "101"); }
  void priorities(const std::string& selector, const std::string& other_selector,
                  const std::string& one = "120", const std::string& other = "100") {
    changes_priority({"priorities: [{priority: 120, nodeSelector: " + selector + "}]"},
                     {"priorities: [{priority: 120, nodeSelector: " + other_selector + "}]"}, one, other);
  }
  void priorities_priority() {
    changes_priority({"priorities: [{priority: 120, nodeSelector: {}}]"},
                     {"priorities: [{priority: 121, nodeSelector: {}}]"}, "120", "121");
  }
  // node-b is the better one.
  void preemption(const std::string& keeps, const std::string& takes) {
    const std::string better =
        "priorities: [{priority: 200, nodeSelector: {matchLabels: {kubernetes.io/hostname: node-b}}}]";
    ASSERT_NO_FATAL_FAILURE(run({better, "preemption: " + keeps}, 2));
    EXPECT_FALSE(wait_until([&] { return node("node-b").owns(vip_); }, ms{1500}));
    ASSERT_NO_FATAL_FAILURE(edit({better, "preemption: " + takes}));
    EXPECT_TRUE(owns("node-b"));
  }
  void startup_delay() { delays({"startupDelay: 0s"}, {"startupDelay: 3s"}, ms{2500}, ms{3000}); }
  void link_up_delay() {
    const auto measured = [&] {
      return recovered_to_advert([&] { ASSERT_OK(node("node-a").cut_link()); },
                                 [&] { ASSERT_OK(node("node-a").heal_link()); });
    };
    ASSERT_NO_FATAL_FAILURE(run({"linkUpDelay: 0s"}));
    EXPECT_LT(measured(), ms{2500});
    ASSERT_NO_FATAL_FAILURE(edit({"linkUpDelay: 3s"}));
    EXPECT_GE(measured(), ms{3000});
  }
  void recovery_delay() {
    const auto measured = [&] {
      return recovered_to_advert([&] { ip({"link", "set", "eth0", "down"}); },
                                 [&] { ip({"link", "set", "eth0", "up"}); });
    };
    ASSERT_NO_FATAL_FAILURE(run({"recoveryDelay: 0s"}));
    EXPECT_LT(measured(), ms{2500});
    ASSERT_NO_FATAL_FAILURE(edit({"recoveryDelay: 3s"}));
    EXPECT_GE(measured(), ms{3000});
  }
  void group() {
    ASSERT_NO_FATAL_FAILURE(run({"group: one"}));
    ASSERT_OK(lab_->write_definition("other.yaml", document({"group: other"}, "other", "192.0.2.1", 52)));
    ASSERT_TRUE(owns("node-a"));
    EXPECT_FALSE(wait_until([&] { return !node("node-a").owns(vip_); }, ms{1000}));
    // It can be served nowhere here: no interface has its subnet.
    ASSERT_OK(lab_->write_definition("other.yaml", document({"group: one"}, "other", "192.0.2.1", 52)));
    EXPECT_TRUE(wait_until([&] { return !node("node-a").owns(vip_); }, s{5}));
  }
  void virtual_mac() {
    ASSERT_NO_FATAL_FAILURE(run({"virtualMAC: true"}));
    EXPECT_TRUE(advertises("source MAC", "00005e000133"));
    ASSERT_NO_FATAL_FAILURE(edit({"virtualMAC: false"}));
    EXPECT_TRUE(advertises("source MAC", "029900000001"));
  }
  static Lines track(const std::string& what, const std::string& effect = "{priorityDelta: -20}",
                     const std::string& name = "a") {
    return {"track: [{name: " + name + ", " + what + ", onFailure: " + effect + "}]"};
  }
  void track_name() {
    ASSERT_NO_FATAL_FAILURE(run(track("link: {interface: none0}", "{priorityDelta: -20}", "uplink")));
    EXPECT_TRUE(advertises("priority", "80"));
    const auto told = [&](const std::string& name) {
      return wait_until(
          [&] {
            return vipctl(node("node-a"), {"get", "web", "-o", "json"}).find(name) != std::string::npos;
          },
          s{5}, ms{50});
    };
    EXPECT_TRUE(told("track/uplink"));
    ASSERT_NO_FATAL_FAILURE(edit(track("link: {interface: none0}", "{priorityDelta: -20}", "backbone")));
    EXPECT_TRUE(told("track/backbone"));
  }
  void track_interface() {
    changes_priority(track("link: {interface: eth0}"), track("link: {interface: none0}"), "100", "80");
  }
  void track_gateway_address() {
    changes_priority(track(std::string{"gateway: {interval: 100ms, address: "} + kAnswers + "}"),
                     track(std::string{"gateway: {interval: 100ms, address: "} + kSilent + "}"), "100", "80");
  }
  void track_gateway_interval() {
    // How long five questions take from now on.
    const auto five_take = [&] {
      const auto from = now();
      EXPECT_TRUE(
          wait_until([&] { return asked_for(*IpAddress::parse(kAnswers), from, now()) >= 5; }, s{15}));
      return now() - from;
    };
    ASSERT_NO_FATAL_FAILURE(run(track(std::string{"gateway: {interval: 100ms, address: "} + kAnswers + "}")));
    EXPECT_TRUE(advertises("priority", "100"));
    EXPECT_LT(five_take(), ms{2000});
    ASSERT_NO_FATAL_FAILURE(edit(track(std::string{"gateway: {interval: 1s, address: "} + kAnswers + "}")));
    ASSERT_TRUE(wait_until([&] { return count_logged(node("node-a"), "speaker.plan_applied") >= 2; }, s{5}));
    EXPECT_GE(five_take(), ms{3000});
  }
  void track_gateway_misses() {
    const auto time_to_failure = [&](const std::string& misses) {
      const auto begin = now();
      edit(
          track(std::string{"gateway: {interval: 100ms, misses: "} + misses + ", address: " + kSilent + "}"));
      EXPECT_TRUE(advertises("priority", "80"));
      return now() - begin;
    };
    const auto fine = track(std::string{"gateway: {interval: 100ms, address: "} + kAnswers + "}");
    ASSERT_NO_FATAL_FAILURE(run(fine));
    EXPECT_TRUE(advertises("priority", "100"));
    EXPECT_LT(time_to_failure("1"), ms{2000});
    ASSERT_NO_FATAL_FAILURE(edit(fine));
    EXPECT_TRUE(advertises("priority", "100"));
    EXPECT_GE(time_to_failure("30"), ms{2900});
  }
  void track_route() {
    changes_priority(track("route: {destination: 10.99.0.0/24}"), track("route: {destination: 10.98.0.0/24}"),
                     "100", "80");
  }
  void track_delta() {
    changes_priority(track("link: {interface: none0}", "{priorityDelta: -20}"),
                     track("link: {interface: none0}", "{priorityDelta: -30}"), "80", "70");
  }
  void track_fault() {
    ASSERT_NO_FATAL_FAILURE(run(track("link: {interface: none0}", "{priorityDelta: -20}")));
    EXPECT_TRUE(advertises("priority", "80"));
    ASSERT_NO_FATAL_FAILURE(edit(track("link: {interface: none0}", "{fault: {}}")));
    EXPECT_TRUE(wait_until([&] { return !node("node-a").owns(vip_); }, s{5}));
  }
  void checksum() {
    changes({"ipv4Checksum: RFC9568"}, {"ipv4Checksum: RFC5798"}, "checksum form", "message alone",
            "with pseudo-header");
  }
  void link_local() {
    ASSERT_NO_FATAL_FAILURE(run({"linkLocal: \"fe80::1:1\""}, 1, "2001:db8:99::100"));
    EXPECT_TRUE(
        advertises("address list", "fe80000000000000000000000001000120010db8009900000000000000000100"));
    ASSERT_NO_FATAL_FAILURE(edit({"linkLocal: \"fe80::2:2\""}));
    EXPECT_TRUE(
        advertises("address list", "fe80000000000000000000000002000220010db8009900000000000000000100"));
  }
  void transport_mode() {
    nodes_ = 3, everywhere_ = false;
    changes({"transport: {mode: Both, peers: [10.99.0.2]}"},
            {"transport: {mode: Unicast, peers: [10.99.0.2]}"}, "destination", "0a630002", "0a630002");
    // By both ways the group is sent to as well, by unicast alone it is not.
    const auto groups = [&](TimePoint from) {
      std::size_t count = 0;
      for (const auto& packet : capture_->packets(from, TimePoint::max())) {
        const auto advert = as_vrrp(packet.frame);
        count += advert && advert->destination.is_multicast() ? 1U : 0U;
      }
      return count;
    };
    const auto from = now();
    EXPECT_FALSE(wait_until([&] { return groups(from) > 0; }, ms{500}));
    ASSERT_NO_FATAL_FAILURE(edit({"transport: {mode: Both, peers: [10.99.0.2]}"}));
    const auto later = now();
    EXPECT_TRUE(wait_until([&] { return groups(later) > 0; }, s{5}));
  }
  void transport_peers() {
    nodes_ = 3, everywhere_ = false;
    changes({"transport: {mode: Unicast, peers: [10.99.0.2]}"},
            {"transport: {mode: Unicast, peers: [10.99.0.3]}"}, "destination", "0a630002", "0a630003");
  }
};

struct FieldCase {
  const char* field;
  void (*run)(Cases&);
};

void PrintTo(const FieldCase& one, std::ostream* out) {
  *out << one.field;
}

constexpr const char* kZoneIn = "{matchExpressions: [{key: zone, operator: In, values: [a]}]}";

const std::vector<FieldCase>& cases() {
  static const std::vector<FieldCase> kAll{
      {"virtualRouterID", [](Cases& c) { c.virtual_router_id(); }},
      {"version", [](Cases& c) { c.version(); }},
      {"profile", [](Cases& c) { c.profile(); }},
      {"authentication.simplePassword", [](Cases& c) { c.password(); }},
      {"advertisementInterval", [](Cases& c) { c.interval(); }},
      {"advertisementMisses", [](Cases& c) { c.misses(); }},
      {"priority", [](Cases& c) { c.priority(); }},
      {"priorities[].priority", [](Cases& c) { c.priorities_priority(); }},
      {"priorities[].nodeSelector.matchLabels",
       [](Cases& c) { c.priorities("{matchLabels: {zone: a}}", "{matchLabels: {zone: b}}"); }},
      {"priorities[].nodeSelector.matchExpressions[].key",
       [](Cases& c) {
         c.priorities(kZoneIn, "{matchExpressions: [{key: other, operator: In, values: [a]}]}");
       }},
      {"priorities[].nodeSelector.matchExpressions[].operator",
       [](Cases& c) {
         c.priorities(kZoneIn, "{matchExpressions: [{key: zone, operator: NotIn, values: [a]}]}");
       }},
      {"priorities[].nodeSelector.matchExpressions[].values",
       [](Cases& c) {
         c.priorities(kZoneIn, "{matchExpressions: [{key: zone, operator: In, values: [b]}]}");
       }},
      {"preemption.policy", [](Cases& c) { c.preemption("{policy: Never}", "{policy: Immediate}"); }},
      {"preemption.delay",
       [](Cases& c) { c.preemption("{policy: Delayed, delay: 1h}", "{policy: Delayed, delay: 10ms}"); }},
      {"startupDelay", [](Cases& c) { c.startup_delay(); }},
      {"linkUpDelay", [](Cases& c) { c.link_up_delay(); }},
      {"recoveryDelay", [](Cases& c) { c.recovery_delay(); }},
      {"group", [](Cases& c) { c.group(); }},
      {"virtualMAC", [](Cases& c) { c.virtual_mac(); }},
      {"track[].name", [](Cases& c) { c.track_name(); }},
      {"track[].link.interface", [](Cases& c) { c.track_interface(); }},
      {"track[].gateway.address", [](Cases& c) { c.track_gateway_address(); }},
      {"track[].gateway.interval", [](Cases& c) { c.track_gateway_interval(); }},
      {"track[].gateway.misses", [](Cases& c) { c.track_gateway_misses(); }},
      {"track[].route.destination", [](Cases& c) { c.track_route(); }},
      {"track[].onFailure.priorityDelta", [](Cases& c) { c.track_delta(); }},
      {"track[].onFailure.fault", [](Cases& c) { c.track_fault(); }},
      {"ipv4Checksum", [](Cases& c) { c.checksum(); }},
      {"linkLocal", [](Cases& c) { c.link_local(); }},
      {"transport.mode", [](Cases& c) { c.transport_mode(); }},
      {"transport.peers", [](Cases& c) { c.transport_peers(); }},
  };
  return kAll;
}

// What somebody sets: scalars, lists and maps of them, and objects without fields of their own.
void collect(const nlohmann::json& schema, const std::string& path, std::set<std::string>& into) {
  if (schema.at("type") == "array" && schema.at("items").at("type") == "object")
    return collect(schema.at("items"), path + "[]", into);
  if (schema.at("type") != "object" || !schema.contains("properties")) {
    into.insert(path);
    return;
  }
  for (const auto& [name, field] : schema.at("properties").items())
    collect(field, path.empty() ? name : path + "." + name, into);
}

TEST(EveryFieldOfVrrp, HasACase) {
  const auto schema = nlohmann::json::parse(definitions::embedded_schema());
  std::set<std::string> fields;
  collect(schema.at("/properties/spec/properties/vrrp"_json_pointer), {}, fields);
  std::set<std::string> covered;
  for (const auto& one : cases())
    EXPECT_TRUE(covered.insert(one.field).second) << one.field << " occurs twice";
  EXPECT_EQ(covered, fields);
}

class HasAnEffect : public Cases, public testing::WithParamInterface<FieldCase> {};

TEST_P(HasAnEffect, Alone) {
  GetParam().run(*this);
}

INSTANTIATE_TEST_SUITE_P(Fields, HasAnEffect, testing::ValuesIn(cases()), [](const auto& one) {
  std::string name;
  for (const char c : std::string_view{one.param.field})
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

}  // namespace
}  // namespace vipra::lab
