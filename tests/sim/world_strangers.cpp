// What others than the nodes say on the segment: claims of addresses, and advertisements of peers that are
// wrongly configured.
#include "tests/sim/world.hpp"
#include "vrrp/neighbour_frame.hpp"
#include "vrrp/packet.hpp"

namespace vipra::sim {
namespace {

using namespace std::chrono_literals;

constexpr MacAddress kStrangersMac{{2, 0, 0, 0, 0, 0x99}};

IpAddress strangers_ip(Role role) {
  return role != Role::kIpv6 ? IpAddress::v4(10, 0, 2, 9) : *IpAddress::parse("fe80::9");
}

}  // namespace

void World::act_as_claimant(const Fault& fault, NodeId beside, std::uint32_t step) {
  const auto& all = hosts_[beside]->desired();
  const auto& router = all[step % all.size()];
  const auto& ip = router.addresses.front().ip;
  Packet packet;
  packet.kind = Packet::Kind::kNeighbour;
  packet.role = role_of(router);
  packet.sender = kStranger;
  packet.port = beside;
  if (ip.is_v4()) {
    const auto form = fault.amount == 1 ? vrrp::ArpForm::kReply : vrrp::ArpForm::kRequest;
    packet.set(vrrp::gratuitous_arp(ip, kStrangersMac, form).view());
  } else {
    packet.set(vrrp::unsolicited_na(ip, kStrangersMac, false).view());
  }
  announcement_sent(packet, ip);
}

void World::act_as_foreign(const Fault& fault, NodeId beside) {
  if (scenario_.v4) send_foreign(fault, beside, Role::kIpv4);
  if (scenario_.v6) send_foreign(fault, beside, Role::kIpv6);
}

void World::send_foreign(const Fault& fault, NodeId beside, Role role) {
  const auto& host = *hosts_[beside];
  const auto& router = host.desired(role);
  const bool foreign = fault.kind == FaultKind::kForeignPeer;
  const auto kind = foreign ? static_cast<Foreign>(fault.amount) : Foreign::kOtherList;
  // IPv6 has one version; and a misfit may speak just this one.
  const bool is_strange = role != Role::kIpv6 && scenario_.misfit != Misfit::kOtherVersion;
  if (kind == Foreign::kOtherVersion && !is_strange) return;
  if (kind == Foreign::kOtherPassword && router.version != vrrp::Version::kV2) return;
  if (foreign) coverage_.foreign(kind);
  std::vector<IpAddress> list;
  if (router.link_local) list.push_back(*router.link_local);
  for (const auto& address : router.addresses) list.push_back(address.ip);

  vrrp::AdvertisementFields fields;
  fields.family = family_of(role);
  fields.vrid = router.vrid;
  fields.priority = 1;
  fields.interval = router.interval;
  fields.version = router.version;
  if (router.password) {
    fields.auth_type = vrrp::kSimpleTextPassword;
    fields.auth_data = router.password->data();
  }
  auto source = strangers_ip(role);
  int ttl = vrrp::kTtl;
  switch (kind) {
    case Foreign::kOtherVersion:
      fields.version = router.version == vrrp::Version::kV3 ? vrrp::Version::kV2 : vrrp::Version::kV3;
      fields.interval = 1s;
      fields.priority = 200;
      break;
    case Foreign::kOtherPassword:
      fields.auth_type = vrrp::kSimpleTextPassword;
      fields.auth_data = {'s', 't', 'r', 'a', 'n', 'g', 'e', 'r'};
      fields.priority = 254;
      break;
    case Foreign::kOtherVrid:
      fields.vrid = *vrrp::Vrid::make(router.vrid.value() + 1);
      fields.priority = 254;
      break;
    case Foreign::kBadChecksum:
    case Foreign::kRouted:
      fields.priority = 254;
      break;
    case Foreign::kSameSource:
      fields.priority = static_cast<vrrp::Priority>(router.base_priority);
      source = host.primary(role);
      break;
    case Foreign::kOtherList:
      list.resize(1);
      fields.checksum_form = vrrp::ChecksumForm::kRfc5798;
      break;
    case Foreign::kOtherInterval:
      fields.priority = static_cast<vrrp::Priority>(1 + fault.mask * 37 % 254);
      fields.interval = std::min<Duration>(router.interval * 4, Centiseconds{4095});
      break;
    case Foreign::kSecondOwner:
      fields.priority = 255;
      break;
  }
  if (fault.kind == FaultKind::kResignationFlood) fields.priority = vrrp::kResign;
  if (kind == Foreign::kRouted) ttl = 254;
  fields.addresses = list;
  Packet packet;
  packet.role = role;
  packet.sender = kStranger;
  packet.port = beside;
  packet.source = source;
  packet.ttl = ttl;
  const auto send_to = [&](const IpAddress& destination) {
    packet.destination = destination;
    packet.size = vrrp::build_advertisement(fields, source, destination, packet.bytes);
    if (kind == Foreign::kBadChecksum) packet.bytes[7] ^= 0x5aU;
    network_.transmit(now_, packet, queue_);
  };
  send_to(vrrp_group(family_of(role)));
  if (scenario_.transport == plan::TransportMode::kMulticast) return;
  // He lists the nodes; none of them lists him.
  for (NodeId to = 0; to < size(); ++to) {
    packet.only_to = to;
    send_to(hosts_[to]->primary(role));
  }
}

}  // namespace vipra::sim
