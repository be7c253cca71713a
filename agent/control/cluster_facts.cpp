#include "agent/control/cluster_facts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "kube_core/json_access.hpp"

namespace vipra::control {
namespace {

using kube::member;
using kube::text;
using nlohmann::json;

constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

source::Labels labels_of(const json& node) {
  source::Labels out;
  const auto& labels = member(member(node, "metadata"), "labels");
  if (!labels.is_object()) return out;
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) out.emplace(key, value.get<std::string>());
  }
  return out;
}

std::vector<IpAddress> internal_addresses(const json& node) {
  std::vector<IpAddress> out;
  for (const auto& entry : member(member(node, "status"), "addresses")) {
    if (text(entry, "type") != "InternalIP") continue;
    if (const auto ip = IpAddress::parse(text(entry, "address"))) out.push_back(*ip);
  }
  return out;
}

// The API says: absent means ready.
bool is_ready(const json& endpoint) {
  const auto& ready = member(member(endpoint, "conditions"), "ready");
  return !ready.is_boolean() || ready.get<bool>();
}

// What makes an endpoint the same one in several slices.
std::string identity(const json& endpoint) {
  auto uid = text(member(endpoint, "targetRef"), "uid");
  if (!uid.empty()) return uid;
  const auto& addresses = member(endpoint, "addresses");
  return addresses.is_array() && !addresses.empty() && addresses[0].is_string()
             ? addresses[0].get<std::string>()
             : std::string{};
}

// Slices of one family at a time, because an endpoint without a targetRef cannot be told from its twin.
struct Seen {
  std::set<std::string> on_node;
  std::set<std::string> in_cluster;
};

void count(const json& slice, std::string_view self, Seen& seen) {
  for (const auto& endpoint : member(slice, "endpoints")) {
    if (!is_ready(endpoint)) continue;
    auto who = identity(endpoint);
    if (who.empty()) continue;
    if (text(endpoint, "nodeName") == self) seen.on_node.insert(who);
    seen.in_cluster.insert(std::move(who));
  }
}

}  // namespace

NodesView nodes_view(const Objects& nodes, std::string_view self, std::size_t most) {
  NodesView out;
  std::uint32_t rank = 0;
  for (const auto& [name, node] : nodes) {
    const auto place = rank++;
    if (name == self) {
      out.labels = labels_of(node->json);
    } else if (out.peers.size() < most) {
      out.peers.push_back({name, internal_addresses(node->json), place, labels_of(node->json)});
    }
  }
  return out;
}

checks::ServiceBoard::Counts ready_endpoints(const Objects& slices, std::string_view self) {
  std::map<checks::ServiceBoard::Service, std::map<std::string, Seen>> by_family;
  for (const auto& [key, slice] : slices) {
    auto name = text(member(member(slice->json, "metadata"), "labels"), kServiceNameLabel);
    if (name.empty()) continue;
    count(slice->json, self,
          by_family[{slice->name_space, std::move(name)}][text(slice->json, "addressType")]);
  }
  checks::ServiceBoard::Counts out;
  for (const auto& [service, families] : by_family) {
    auto& counts = out[service];
    for (const auto& [family, seen] : families) {
      counts.on_node = std::max(counts.on_node, static_cast<int>(seen.on_node.size()));
      counts.in_cluster = std::max(counts.in_cluster, static_cast<int>(seen.in_cluster.size()));
    }
  }
  return out;
}

std::vector<std::string> dial_addresses(const Objects& slices) {
  std::set<std::string> out;
  for (const auto& [key, slice] : slices) {
    const auto& ports = member(slice->json, "ports");
    if (!ports.is_array() || ports.empty()) continue;
    const auto& port = member(ports[0], "port");
    if (!port.is_number_integer()) continue;
    for (const auto& endpoint : member(slice->json, "endpoints")) {
      if (!is_ready(endpoint)) continue;
      for (const auto& address : member(endpoint, "addresses")) {
        if (!address.is_string()) continue;
        const auto ip = IpAddress::parse(address.get_ref<const std::string&>());
        if (!ip) continue;
        const auto host = ip->family() == Family::kIpv6 ? "[" + ip->to_string() + "]" : ip->to_string();
        out.insert(host + ":" + std::to_string(port.get<int>()));
      }
    }
  }
  return {out.begin(), out.end()};
}

}  // namespace vipra::control
