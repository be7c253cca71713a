// Nodes, reports and objects for tests of the reducer, with a clock that stands where it is put.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "operator/reduce.hpp"

namespace vipra::cluster {

using namespace std::chrono_literals;

struct SmallCluster {
  static constexpr std::int64_t kEpoch = 1'800'000'000;
  static constexpr Duration kInterval = 100ms;

  Input input;
  Options options;
  Memory memory;
  Output out;

  SmallCluster() {
    input.now = TimePoint{1000s};
    input.now_unix = kEpoch;
    input.started = input.now;
    input.objects.push_back(object("web", {"192.0.2.10"}));
  }

  static Object object(const std::string& name, std::vector<std::string> addresses) {
    Object made;
    made.name = name;
    made.uid = "uid-" + name;
    made.generation = 1;
    made.resource_version = "1";
    made.addresses = std::move(addresses);
    return made;
  }

  void pass(Duration time) {
    input.now += time;
    input.now_unix += std::chrono::duration_cast<std::chrono::seconds>(time).count();
  }

  // A report of `node`, which runs IPv4 (and IPv6 if `second` is given) of the object `name`.
  void report(const std::string& node, State state, std::optional<State> second = {},
              const std::string& name = "web") {
    auto facts = std::make_shared<NodeFacts>();
    facts->node = node;
    facts->virtual_ips.push_back(accepted(name));
    facts->routers.push_back(router(name, Family::kIpv4, state));
    if (second) facts->routers.push_back(router(name, Family::kIpv6, *second));
    send(facts);
  }

  void send(std::shared_ptr<NodeFacts> facts) {
    auto& node = input.nodes[facts->node];
    if (!node.connected) node.changed = input.now;
    node.connected = true;
    node.heard = input.now;
    node.heard_unix = input.now_unix;
    node.facts = std::move(facts);
  }

  // As a node that still says what it said.
  void refresh(const std::string& node) {
    input.nodes.at(node).heard = input.now;
    input.nodes.at(node).heard_unix = input.now_unix;
  }

  void disconnect(const std::string& node) {
    input.nodes.at(node).connected = false;
    input.nodes.at(node).changed = input.now;
  }

  VirtualIpFact accepted(const std::string& name) const {
    VirtualIpFact fact;
    fact.name = name;
    fact.object_generation = 1;
    fact.conditions = {{"Accepted", "True", Reason::kAccepted, ""},
                       {"Ready", "True", Reason::kNone, ""},
                       {"Degraded", "False", Reason::kNone, ""},
                       {"Conflict", "False", Reason::kNone, ""}};
    return fact;
  }

  RouterFact router(const std::string& name, Family family, State state) const {
    RouterFact fact;
    fact.family = family;
    fact.virtual_router_id = 51;
    fact.state = state;
    fact.reason = state == State::kMaster   ? Reason::kMasterSilent
                  : state == State::kBackup ? Reason::kLowerPriority
                                            : Reason::kInterfaceDown;
    fact.since_unix_ns = input.now_unix * 1'000'000'000;
    fact.priority = fact.base_priority = 100;
    fact.interval = kInterval;
    fact.misses = 3;
    fact.virtual_ips = {name};
    for (const auto& object : input.objects) {
      for (const auto& text : object.addresses) {
        const auto address = IpAddress::parse(text);
        if (object.name == name && address && address->family() == family)
          fact.addresses.push_back({text, name, state == State::kMaster, ""});
      }
    }
    return fact;
  }

  const Status& reduce() {
    out = cluster::reduce(input, options, memory);
    return status();
  }
  const Status& status(const std::string& name = "web") const {
    return std::find_if(out.decisions.begin(), out.decisions.end(),
                        [&](const auto& d) { return d.name == name; })
        ->status;
  }
  std::string condition(const std::string& type) const {
    const auto* found = status().condition(type);
    return found == nullptr ? "absent" : found->status + " " + found->reason;
  }
  // As if the statuses had been written and another replica had become the leader.
  void new_leader() {
    for (auto& object : input.objects) {
      for (const auto& decision : out.decisions) {
        if (decision.uid == object.uid) object.status = decision.status;
      }
    }
    memory = {};
  }
};

}  // namespace vipra::cluster
