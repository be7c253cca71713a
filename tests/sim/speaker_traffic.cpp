// What comes in for a simulated speaker's routers: packets, and the kernel's words about addresses.
#include "tests/sim/host.hpp"
#include "tests/sim/speaker.hpp"
#include "vrrp/neighbour_frame.hpp"
#include "vrrp/packet.hpp"

namespace vipra::sim {
namespace {

// Whether the observers are told of it: as the protocol has it, not as the code does.
bool is_heard(const plan::VirtualRouter& router, const vrrp::Advertisement& advertisement) {
  if (advertisement.version != router.version) return false;
  if (router.version == vrrp::Version::kV3) return true;
  if (advertisement.interval != router.interval) return false;
  if (!router.password) return advertisement.auth_type == vrrp::kNoAuthentication;
  return advertisement.auth_type == vrrp::kSimpleTextPassword &&
         advertisement.auth_data == router.password->data();
}

}  // namespace

void Speaker::read_advertisements() {
  while (!dead_) {
    const auto* packet = host_.next_advertisement();
    if (packet == nullptr) return;
    const vrrp::IpMeta meta{packet->packet.source, packet->packet.destination, packet->packet.ttl};
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      auto& router = *slots_[i].router;
      const auto& desired = router.desired();
      const auto role = role_of(desired);
      if (role != packet->packet.role) continue;
      const auto arrival = router.admit(meta);
      if (!arrival) {
        router.count_drop(arrival.error());
        if (arrival.error() == DropReason::kSelfEcho)
          host_.heard(role, meta.source, 0, vrrp::Path::kMulticast);
        continue;
      }
      const auto advertisement = vrrp::parse_advertisement(meta, packet->packet.view(), arrival->least_ttl);
      if (!advertisement) {
        router.count_drop(advertisement.error());
        continue;
      }
      if (desired.vrid.value() != advertisement->vrid) continue;
      if (is_heard(desired, *advertisement))
        host_.heard(role, meta.source, advertisement->priority, arrival->path);
      drive(i, [&](router::VirtualRouter& r) {
        r.on_advertisement(now_, meta, *arrival, *advertisement, packet->received_at);
      });
    }
  }
}

void Speaker::read_claims() {
  while (!dead_) {
    const auto* packet = host_.next_claim();
    if (packet == nullptr) return;
    const auto claim = vrrp::parse_neighbour_frame(packet->packet.view());
    if (!claim) continue;
    for_owners(claim->ip, [&](router::VirtualRouter& r) { r.on_claim(now_, *claim, packet->received_at); });
  }
}

void Speaker::read_kernel() {
  while (!dead_) {
    const auto notice = host_.next_notice();
    if (!notice) break;
    mirror_.take(*notice);
  }
  while (!dead_) {
    const auto result = host_.next_result();
    if (!result) break;
    mirror_.take(*result);
  }
}

// ---- the kernel's words
// -----------------------------------------------------------------------------------------

void Speaker::on_address_event(const IpAddress& ip, ownership::AddressSet::Kernel state) {
  for_owners(ip, [&](router::VirtualRouter& r) { r.on_kernel_address(now_, ip, state); });
}

void Speaker::on_synchronised() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].router->segment())
      drive(i, [&](router::VirtualRouter& r) { r.sync_kernel(now_, mirror_.view()); });
  }
}

void Speaker::on_result(const KernelResult& result) {
  using Outcome = KernelResult::Outcome;
  const auto ip = result.command.ip;
  const bool adding = result.command.kind == KernelCommand::Kind::kAdd;
  for_owners(ip, [&](router::VirtualRouter& r) {
    if (result.outcome == Outcome::kFailed) {
      r.on_address_failed(now_, ip, adding, "refused");
    } else if (adding) {
      r.on_address_added(now_, ip, result.outcome == Outcome::kAlreadyThere);
    } else {
      r.on_address_removed(now_, ip);
    }
  });
}

}  // namespace vipra::sim
