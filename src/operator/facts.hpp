// What the reducer knows of the nodes: the part of a node's report that a status is made of, as plain values,
// so that this module needs no gRPC. The controller fills them in from vipra.report.v1.
//
// The folder is `operator`, which C++ does not take for a namespace: everything here is in vipra::cluster.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"

namespace vipra::cluster {

struct AddressFact {
  std::string address;
  std::string virtual_ip;
  bool present = false;
  std::string error;
};

struct RouterFact {
  Family family = Family::kIpv4;
  int virtual_router_id = 0;
  State state = State::kUnknown;
  Reason reason = Reason::kNone;
  std::string detail;
  std::int64_t since_unix_ns = 0;
  int priority = 0;       // after all checks
  int base_priority = 0;  // as defined
  bool follows = false;   // another router of the node leads it
  Duration interval{};
  int misses = 0;
  std::vector<AddressFact> addresses;
  std::vector<std::string> virtual_ips;
};

struct ConditionFact {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  Reason reason = Reason::kNone;
  std::string message;
};

struct VirtualIpFact {
  std::string name;
  std::int64_t object_generation = 0;
  std::vector<ConditionFact> conditions;  // Accepted, Ready, Degraded, Conflict as the node judges them
};

struct NodeFacts {
  std::string node;
  bool knows_objects = true;  // false while its control has just started and has read no definitions yet
  std::vector<VirtualIpFact> virtual_ips;
  std::vector<RouterFact> routers;
};

// One node as the controller hears it. `heard` is when its newest report came, `changed` when `connected`
// became what it is.
struct NodeInput {
  std::shared_ptr<const NodeFacts> facts;  // null before the first report
  TimePoint heard{};
  std::int64_t heard_unix = 0;  // seconds
  bool connected = false;
  TimePoint changed{};
};

}  // namespace vipra::cluster
