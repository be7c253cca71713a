#include "tests/sim/desired.hpp"

#include <algorithm>

namespace vipra::sim {
namespace {

constexpr int kVrid = 51;
constexpr int kMembersVrid = 52;
constexpr Duration kLongestOnTheWire = Centiseconds{4095};

plan::VirtualRouter member_of(plan::VirtualRouter router, const plan::RouterId& lead, Duration interval) {
  router.id = "vip-inside/ipv4";
  router.family = Family::kIpv4;
  router.vrid = *vrrp::Vrid::make(kMembersVrid);
  router.interface = {plan::InterfaceSelector::Kind::kByName, "eth1"};
  router.interval = std::min(interval, kLongestOnTheWire);
  router.seniority.name = std::string{name_of(Role::kMember)};
  router.addresses = {{IpAddress::v4(10, 0, kMembersNet, 100), router.seniority.name}};
  router.link_local.reset();
  router.lead = lead;
  return router;
}

}  // namespace

std::vector<plan::VirtualRouter> desired_of(const Scenario& scenario, NodeId id) {
  const auto& node = scenario.nodes[id];
  std::vector<plan::VirtualRouter> all;
  plan::VirtualRouter router;
  router.vrid = *vrrp::Vrid::make(kVrid);
  router.interface = {plan::InterfaceSelector::Kind::kByName, "eth0"};
  router.base_priority = node.priority;
  router.preemption = scenario.preemption;
  router.interval = node.interval;
  router.misses = scenario.misses;
  router.checksum = node.checksum;
  router.version = node.version;
  router.password = node.password;
  router.seniority.name = std::string{name_of(scenario.lead())};
  if (scenario.group) router.group = "gateway";
  if (scenario.v4) {
    router.id = "vip/ipv4";
    router.transport = scenario.transport_of(id, Role::kIpv4);
    router.addresses = {{IpAddress::v4(10, 0, 2, 100), "vip"}, {IpAddress::v4(10, 0, 2, 101), "vip"}};
    all.push_back(router);
  }
  if (scenario.v6) {
    router.id = "vip/ipv6";
    router.family = Family::kIpv6;
    router.transport = scenario.transport_of(id, Role::kIpv6);
    router.addresses = {{*IpAddress::parse("2001:db8::100"), "vip"}};
    router.link_local = vrrp::virtual_link_local(router.vrid);
    if (scenario.v4) router.lead = "vip/ipv4";
    all.push_back(router);
  }
  if (scenario.group) {
    all.push_back(member_of(router, all.front().id, node.interval * scenario.member_interval));
    all.back().transport = scenario.transport_of(id, Role::kMember);
  }
  return all;
}

std::vector<IpAddress> primaries_of(const Scenario& scenario, NodeId id) {
  const auto& node = scenario.nodes[id];
  std::vector<IpAddress> all{node.primary_v4, node.primary_v6};
  if (scenario.global_peers) all.push_back(node.global_v6);
  if (scenario.group) all.push_back(node.member_primary);
  return all;
}

}  // namespace vipra::sim
