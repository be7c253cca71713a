// What comes in for the speaker's routers: packets, and the kernel's words about addresses.
#include <utility>

#include "agent/speaker/speaker.hpp"
#include "vrrp/packet.hpp"

namespace vipra::agent {

void Speaker::count_drop(DropReason reason) {
  ++facts_.drops[static_cast<std::size_t>(reason)];
}

void Speaker::read_advertisements(Interface& on, Family family) {
  auto& socket = on.sockets(family).vrrp;
  if (!socket) return;
  const auto before = facts_.packets_received;
  const auto status = socket->receive(
      [&](const net::ReceivedDatagram& datagram, Duration age) { on_datagram(on, family, datagram, age); });
  // An interface that went down says so here too; the link event decides.
  if (!status) log_.debug("speaker.receive_failed", {{"error", status.error().what}});
  if (facts_.packets_received == before) return;
  snapshots_.mark_counted(now_.mono);
  pace_.read(now_.mono, facts_.packets_received - before);
}

void Speaker::on_datagram(Interface& on, Family family, const net::ReceivedDatagram& datagram, Duration age) {
  ++facts_.packets_received;
  if (!datagram) {
    count_drop(datagram.error());
    return;
  }
  const auto& [meta, message] = *datagram;
  const auto& by_vrid = on.sockets(family).by_vrid;
  if (message.size() < 2 || by_vrid[message[1]].empty()) {
    on_nobodys(on, family, meta, message, age);
    return;
  }
  for (const auto index : by_vrid[message[1]]) {
    auto* router = find(index);
    if (router == nullptr) continue;
    const auto arrival = router->admit(meta);
    if (!arrival) {
      router->count_drop(arrival.error());
      continue;
    }
    const auto advertisement = vrrp::parse_advertisement(meta, message, arrival->least_ttl);
    if (!advertisement) {
      router->count_drop(advertisement.error());
      continue;
    }
    bool taken = false;
    drive(index, [&](router::VirtualRouter& r) {
      taken = r.on_advertisement(now_, meta, *arrival, *advertisement, now_.mono - age);
    });
    if (taken) note_repeat(on.sockets(family), index, meta, message);
  }
}

void Speaker::read_claims(Interface& on, Family family) {
  auto& socket = on.sockets(family).neighbours;
  if (!socket) return;
  const auto status = socket->receive([&](const vrrp::NeighbourClaim& claim, Duration age) {
    tracker_.on_claim(on.index(), claim);
    for (const auto index : on.owners_of(claim.ip)) {
      drive(index, [&](router::VirtualRouter& r) { r.on_claim(now_, claim, now_.mono - age); });
    }
  });
  if (!status) log_.debug("speaker.receive_failed", {{"error", status.error().what}});
  take_track_changes();
}

// ---- addresses
// ----------------------------------------------------------------------------------------------

template <class Change>
void Speaker::for_owners(int index, const IpAddress& ip, Change&& change) {
  const auto found = interfaces_.find(home_of(index));
  if (found == interfaces_.end()) return;
  for (const auto i : found->second->owners_of(ip)) {
    if (slots_[i].router->addresses().index() != index) continue;
    drive(i, change);
    if (slots_[i].retiring && slots_[i].router->finished()) interfaces_dirty_ = true;
  }
}

void Speaker::on_interfaces_changed() {
  interfaces_dirty_ = true;
  routes_.on_interfaces_changed(now_.mono);
  for (auto& [index, on] : interfaces_) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      auto& sockets = on->sockets(family);
      if (std::exchange(sockets.join_failed, false)) sockets.join_posted = false;
    }
  }
}

void Speaker::on_address_event(int index, const IpAddress& ip, ownership::AddressSet::Kernel state) {
  // Added for a router that has moved on meanwhile.
  if (state == ownership::AddressSet::Kernel::kOurs && !is_carried(index, ip)) interfaces_dirty_ = true;
  for_owners(index, ip, [&](router::VirtualRouter& r) { r.on_kernel_address(now_, ip, state); });
}

void Speaker::on_synchronised() {
  for (router::RouterIndex i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].router || !slots_[i].router->segment()) continue;
    drive(i, [this](router::VirtualRouter& r) { r.sync_kernel(now_, kernel_->view()); });
  }
}

void Speaker::on_address_added(int index, const IpAddress& ip, bool already_there) {
  for_owners(index, ip, [&](router::VirtualRouter& r) { r.on_address_added(now_, ip, already_there); });
}

void Speaker::on_address_failed(int index, const IpAddress& ip, bool adding, const std::string& error) {
  log_.error("address.failed",
             {{"address", ip.to_string()}, {"interface_index", index}, {"adding", adding}, {"error", error}});
  if (!adding) go_on_with_orphans();
  for_owners(index, ip, [&](router::VirtualRouter& r) { r.on_address_failed(now_, ip, adding, error); });
}

void Speaker::on_address_removed(int index, const IpAddress& ip) {
  go_on_with_orphans();
  for_owners(index, ip, [&](router::VirtualRouter& r) { r.on_address_removed(now_, ip); });
}

}  // namespace vipra::agent
