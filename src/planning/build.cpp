#include "planning/build.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace vipra::plan {
namespace {

using definitions::VirtualIpSpec;

// Total, so that the order of the input never matters, even for two objects of one name.
bool comes_before(const VirtualIpSpec* a, const VirtualIpSpec* b) {
  if (a->seniority != b->seniority) return is_senior(a->seniority, b->seniority);
  return std::tie(a->name, a->addresses, a->vrrp.virtual_router_id) <
         std::tie(b->name, b->addresses, b->vrrp.virtual_router_id);
}

const InterfaceSelector& interface_on(const VirtualIpSpec& spec, const NodeFacts& node) {
  for (const auto& entry : spec.interface_overrides) {
    if (entry.node_selector.matches(node.labels)) return entry.interface;
  }
  return spec.interface;
}

int priority_on(const VirtualIpSpec& spec, const NodeFacts& node) {
  for (const auto& entry : spec.vrrp.priorities) {
    if (entry.node_selector.matches(node.labels)) return entry.priority;
  }
  return spec.vrrp.priority;
}

bool has_family(const VirtualIpSpec& spec, Family family) {
  return std::any_of(spec.addresses.begin(), spec.addresses.end(),
                     [&](const IpAddress& address) { return address.family() == family; });
}

// What the definition lists, else what the directory says of the nodes that take part. An address that the
// router carries is nobody's to be reached at.
std::vector<IpAddress> peers_of(const VirtualIpSpec& spec, Family family, const NodeFacts& node) {
  if (spec.vrrp.transport.mode == TransportMode::kMulticast) return {};
  std::vector<IpAddress> out;
  const auto add = [&](const IpAddress& ip) {
    const auto& carried = spec.addresses;
    if (ip.family() == family && std::find(carried.begin(), carried.end(), ip) == carried.end())
      out.push_back(ip);
  };
  for (const auto& ip : spec.vrrp.transport.peers) add(ip);
  if (spec.vrrp.transport.peers.empty()) {
    for (const auto& peer : node.peers) {
      if (!spec.node_selector.matches(peer.labels)) continue;
      for (const auto& ip : peer.addresses) add(ip);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// The family whose router leads the VirtualIP.
Family leading_family(const VirtualIpSpec& spec) {
  return has_family(spec, Family::kIpv4) ? Family::kIpv4 : Family::kIpv6;
}

// What fails counts for all routers of the lead, so one of them watches it.
std::vector<Track> tracks_of(const VirtualIpSpec& spec, Family family) {
  std::vector<Track> out;
  for (const auto& track : spec.vrrp.tracks) {
    const auto* gateway = std::get_if<GatewayTrack>(&track.what);
    const bool here = gateway == nullptr ? family == leading_family(spec)
                                         : !gateway->address || gateway->address->family() == family;
    if (here) out.push_back(track);
  }
  return out;
}

VirtualRouter make_router(const VirtualIpSpec& spec, Family family, const NodeFacts& node,
                          const VirtualIpSpec& lead) {
  VirtualRouter router;
  router.id = router_id(spec.name, family);
  router.family = family;
  router.vrid = spec.vrrp.virtual_router_id;
  router.version = spec.vrrp.version;
  router.interface = interface_on(spec, node);
  for (const auto& address : spec.addresses) {
    if (address.family() == family) router.addresses.push_back({address, spec.name});
  }
  router.base_priority = priority_on(spec, node);
  router.preemption = spec.vrrp.preemption;
  router.interval = spec.vrrp.advertisement_interval;
  router.misses = spec.vrrp.misses;
  router.startup_delay = spec.vrrp.startup_delay;
  router.link_up_delay = spec.vrrp.link_up_delay;
  router.recovery_delay = spec.vrrp.recovery_delay;
  router.checksum = spec.vrrp.checksum;
  router.carrier = spec.vrrp.virtual_mac ? Carrier::kVirtualMac : Carrier::kAnnouncingInterface;
  router.group = spec.vrrp.group;
  router.tracks = tracks_of(spec, family);
  router.transport = {spec.vrrp.transport.mode, peers_of(spec, family, node)};
  router.password = spec.vrrp.password;
  router.seniority = spec.seniority;
  const auto& announcement = spec.announcement;
  router.announcements.refresh = announcement.refresh;
  router.announcements.evidence_interval = announcement.evidence_interval;
  if (family == Family::kIpv4) {
    router.announcements.repeats = announcement.arp_repeats;
    router.announcements.reply_form = announcement.arp_reply;
  } else {
    router.announcements.repeats = announcement.neighbor_advertisement_repeats;
    router.link_local = spec.vrrp.link_local.value_or(vrrp::virtual_link_local(router.vrid));
  }
  const auto leader = router_id(lead.name, leading_family(lead));
  if (leader != router.id) router.lead = leader;
  return router;
}

// What the accepted objects hold so far.
class Claims {
 public:
  // Why `spec` cannot be served, or nullopt: then everything it wants is now its own.
  std::optional<Refusal> claim(const VirtualIpSpec& spec) {
    if (names_.contains(spec.name)) {
      return Refusal{spec.name, Reason::kDuplicate, "another VirtualIP has the name " + spec.name};
    }
    for (const auto& address : spec.addresses) {
      if (const auto owner = owners_.find(address); owner != owners_.end()) {
        return Refusal{spec.name, Reason::kAddressConflict,
                       address.to_string() + " belongs to the older VirtualIP " + owner->second};
      }
    }
    names_.insert(spec.name);
    for (const auto& address : spec.addresses) owners_.emplace(address, spec.name);
    return std::nullopt;
  }

 private:
  std::set<VirtualIpName> names_;
  std::map<IpAddress, VirtualIpName> owners_;
};

// Who leads each group: the oldest accepted object, on all nodes alike.
class Leads {
 public:
  // Itself, without a group. To be asked from the oldest to the youngest.
  const VirtualIpSpec& of(const VirtualIpSpec& spec) {
    if (spec.vrrp.group.empty()) return spec;
    return *leads_.emplace(spec.vrrp.group, &spec).first->second;
  }

 private:
  std::map<std::string, const VirtualIpSpec*> leads_;
};

}  // namespace

RouterId router_id(const VirtualIpName& name, Family family) {
  return name + (family == Family::kIpv4 ? "/ipv4" : "/ipv6");
}

std::vector<RouterId> routers_of(const DesiredState& state, const VirtualIpName& name) {
  std::vector<RouterId> out;
  for (const auto& router : state.routers) {
    const bool carries = std::any_of(router.addresses.begin(), router.addresses.end(),
                                     [&](const Address& address) { return address.virtual_ip == name; });
    if (carries) out.push_back(router.id);
  }
  return out;
}

bool same_content(const DesiredState& a, const DesiredState& b) {
  return a.node == b.node && a.routers == b.routers && a.peers == b.peers;
}

Plan build(const std::vector<VirtualIpSpec>& specs, const NodeFacts& node, std::uint64_t generation) {
  std::vector<const VirtualIpSpec*> by_age;
  by_age.reserve(specs.size());
  for (const auto& spec : specs) by_age.push_back(&spec);
  std::sort(by_age.begin(), by_age.end(), comes_before);

  Plan out{DesiredState{generation, node.name, {}, node.peers}, {}};
  // They have been judged here; another label of some node is no other state of this one.
  for (auto& peer : out.state.peers) peer.labels.clear();
  Claims claims;
  Leads leads;
  for (const auto* spec : by_age) {
    if (auto refusal = claims.claim(*spec)) {
      out.refusals.push_back(std::move(*refusal));
      continue;
    }
    const auto& lead = leads.of(*spec);
    if (spec->node_selector != lead.node_selector) {
      out.refusals.push_back({spec->name, Reason::kGroupMember,
                              "its nodeSelector is not that of " + lead.name + ", which leads the group " +
                                  spec->vrrp.group + ": a group needs all its members on the same nodes"});
    } else if (!spec->node_selector.matches(node.labels)) {
      out.refusals.push_back(
          {spec->name, Reason::kNodeNotSelected, "the nodeSelector does not select this node"});
    } else {
      for (const auto family : {Family::kIpv4, Family::kIpv6}) {
        if (has_family(*spec, family)) out.state.routers.push_back(make_router(*spec, family, node, lead));
      }
    }
  }
  std::sort(out.state.routers.begin(), out.state.routers.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  std::sort(out.refusals.begin(), out.refusals.end(),
            [](const Refusal& a, const Refusal& b) { return a.virtual_ip < b.virtual_ip; });
  return out;
}

}  // namespace vipra::plan
