// A validated VirtualIP: what definitions::parse makes of a raw object. Raw configuration goes no further
// than that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "plan/desired_state.hpp"

namespace vipra::definitions {

// matchLabels and matchExpressions of Kubernetes; an empty selector matches every node.
struct LabelRequirement {
  enum class Operator : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist };
  std::string key;
  Operator op = Operator::kExists;
  std::vector<std::string> values;
  bool operator==(const LabelRequirement&) const = default;
};
struct LabelSelector {
  std::vector<LabelRequirement> requirements;  // all must hold; matchLabels become kIn with one value
  [[nodiscard]] bool matches(const std::map<std::string, std::string>& labels) const;
  bool operator==(const LabelSelector&) const = default;
};

struct PriorityOverride {
  LabelSelector node_selector;
  int priority = vrrp::kDefaultPriority;
  bool operator==(const PriorityOverride&) const = default;
};

struct TransportSpec {
  plan::TransportMode mode = plan::TransportMode::kMulticast;
  std::vector<IpAddress> peers;  // both families; empty: the nodes of the cluster that the selector matches
  bool operator==(const TransportSpec&) const = default;
};

struct VrrpSpec {
  vrrp::Vrid virtual_router_id = *vrrp::Vrid::make(1);
  vrrp::Version version = vrrp::Version::kV3;
  Duration advertisement_interval{};
  int misses = vrrp::kDefaultMisses;
  Duration startup_delay{};
  Duration link_up_delay{};
  Duration recovery_delay{};
  int priority = vrrp::kDefaultPriority;
  std::vector<PriorityOverride> priorities;  // the first that matches the node wins
  plan::Preemption preemption;
  plan::ChecksumMode checksum = plan::ChecksumMode::kAuto;
  std::optional<vrrp::SimplePassword> password;  // version 2
  std::optional<IpAddress> link_local;
  TransportSpec transport;
  std::string group;  // empty: none
  bool virtual_mac = false;
  std::vector<plan::Track> tracks;
  bool operator==(const VrrpSpec&) const = default;
};

struct AnnouncementSpec {
  bool arp_reply = false;
  std::vector<Duration> arp_repeats;
  std::vector<Duration> neighbor_advertisement_repeats;
  Duration refresh{};
  Duration evidence_interval{};
  bool operator==(const AnnouncementSpec&) const = default;
};

struct TcpProbe {
  std::string host;  // address literal; empty: 127.0.0.1
  std::uint16_t port = 0;
  bool operator==(const TcpProbe&) const = default;
};
struct HttpProbe {
  std::string host;  // address literal to dial; empty: 127.0.0.1
  std::uint16_t port = 0;
  std::string path;         // begins with '/'
  std::string host_header;  // empty: host:port
  int status_min = 200;     // expected status, both ends included
  int status_max = 399;
  bool operator==(const HttpProbe&) const = default;
};
struct ServiceProbe {
  enum class Endpoints : std::uint8_t { kNode, kCluster };
  std::string name_space;
  std::string name;
  Endpoints endpoints = Endpoints::kNode;  // which of them count
  int minimum = 1;
  bool operator==(const ServiceProbe&) const = default;
};
struct PriorityDelta {
  int delta = 0;
  bool operator==(const PriorityDelta&) const = default;
};
struct FaultOnFailure {
  bool operator==(const FaultOnFailure&) const = default;
};

struct CheckSpec {
  std::string name;
  std::variant<TcpProbe, HttpProbe, ServiceProbe> probe;
  Duration interval{};
  Duration timeout{};
  int rise = 2;
  int fall = 3;
  std::variant<PriorityDelta, FaultOnFailure> on_failure;
  bool operator==(const CheckSpec&) const = default;
};

struct VirtualIpSpec {
  std::string name;
  std::int64_t object_generation = 0;  // metadata.generation; 0 from a file
  plan::Seniority seniority;
  std::vector<IpAddress> addresses;
  // The first override whose selector matches the node wins, else `interface`.
  struct InterfaceOverride {
    LabelSelector node_selector;
    plan::InterfaceSelector interface;
    bool operator==(const InterfaceOverride&) const = default;
  };
  plan::InterfaceSelector interface;
  std::vector<InterfaceOverride> interface_overrides;
  LabelSelector node_selector;
  VrrpSpec vrrp;
  std::vector<CheckSpec> checks;
  AnnouncementSpec announcement;
  bool operator==(const VirtualIpSpec&) const = default;
};

}  // namespace vipra::definitions
