// What the speaker hears of virtual routers that are not its own.
#include "agent/speaker/speaker.hpp"
#include "channel/convert.hpp"
#include "runtime/clock.hpp"
#include "vrrp/packet.hpp"

namespace vipra::agent {

// No router of the interface has its VRID: what else is wrong with it is counted first.
void Speaker::on_nobodys(Interface& on, Family family, const vrrp::IpMeta& meta,
                         std::span<const std::uint8_t> message, Duration age) {
  if (meta.destination != vrrp_group(family)) return count_drop(DropReason::kDestination);
  const auto advertisement = vrrp::parse_advertisement(meta, message);
  if (!advertisement) return count_drop(advertisement.error());
  // Of a router that was here a moment ago.
  if (kernel_->view().address(on.index(), meta.source) != nullptr) return count_drop(DropReason::kSelfEcho);
  count_drop(DropReason::kVrid);
  on_foreign(on, family, meta.source, *advertisement, now_.mono - age);
}

void Speaker::on_foreign(Interface& on, Family family, const IpAddress& source,
                         const vrrp::Advertisement& advertisement, TimePoint received_at) {
  const auto heard = on.foreign(family).heard(source, advertisement, received_at);
  if (heard.router == nullptr) return;
  if (heard.appeared) {
    tell_foreign(on, "foreign_router.appeared", *heard.router);
    snapshots_.mark_segment({on.index(), family});
  }
  if (!heard.examine) return;
  const auto patience = heard.router->patience();
  for (std::size_t i = 0; i < advertisement.address_count; ++i) {
    const router::ConflictWatch::OtherRouter other{advertisement.address(i), source, advertisement.vrid};
    for (const auto index : on.owners_of(other.ip)) {
      drive(index, [&](router::VirtualRouter& r) { r.on_foreign_advertisement(now_, other, patience); });
    }
  }
}

void Speaker::tell_foreign(Interface& on, std::string_view event, const router::ForeignRouter& foreign) {
  if (!on.may_tell_foreign(now_.mono)) return;
  const auto* link = kernel_->view().link(on.index());
  log_.info(event, {{"interface", link == nullptr ? std::string_view{} : std::string_view{link->name}},
                    {"vrid", foreign.vrid},
                    {"version", static_cast<int>(foreign.version)},
                    {"source", foreign.source.to_string()},
                    {"priority", foreign.priority},
                    {"addresses", foreign.address_count},
                    {"first_address", foreign.first_addresses.front().to_string()}});
}

void Speaker::expire_foreign() {
  for (auto& [index, on] : interfaces_) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      auto& foreign = on->foreign(family);
      if (const auto at = foreign.deadline(); !at || *at > now_.mono) continue;
      foreign.expire(now_.mono, [&](const router::ForeignRouter& gone) {
        tell_foreign(*on, "foreign_router.gone", gone);
        snapshots_.mark_segment({index, family});
      });
    }
  }
}

bool Speaker::fill(const SegmentKey& key, channel::v1::SegmentSnapshot& out) {
  const auto found = interfaces_.find(key.interface_index);
  if (found == interfaces_.end() || !found->second->has_routers(key.family)) return false;
  const auto& foreign = found->second->foreign(key.family);
  if (const auto* link = kernel_->view().link(key.interface_index)) out.set_interface(link->name);
  const auto unix_now = runtime::unix_now_ns();
  for (const auto& router : foreign.all()) {
    auto& item = *out.add_foreign_routers();
    item.set_vrid(router.vrid);
    item.set_version(static_cast<std::uint32_t>(router.version));
    item.set_source(channel::to_wire(router.source));
    item.set_priority(router.priority);
    item.set_interval_ns(router.interval.count());
    for (const auto& address : router.addresses()) item.add_addresses(channel::to_wire(address));
    item.set_address_count(static_cast<std::uint32_t>(router.address_count));
    item.set_packets(router.packets);
    item.set_first_seen_unix_ns(unix_now - (now_.mono - router.first_seen).count());
    item.set_last_seen_unix_ns(unix_now - (now_.mono - router.last_seen).count());
  }
  out.set_foreign_packets(foreign.packets());
  out.set_foreign_packets_untracked(foreign.untracked());
  return true;
}

}  // namespace vipra::agent
