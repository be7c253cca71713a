#include "ownership/virtual_mac.hpp"

#include <algorithm>
#include <array>

namespace vipra::ownership {
namespace {

std::string to_base36(unsigned value) {
  std::string out;
  do {
    out.insert(out.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36]);
    value /= 36;
  } while (value > 0);
  return out;
}

// A macvlan on a macvlan hangs on what is below both.
int lower_of(const KernelView& kernel, int index) {
  const auto* link = kernel.link(index);
  return link != nullptr && link->macvlan && link->lower > 0 ? link->lower : index;
}

DeviceJudgement fault(Reason reason, std::string detail, int index) {
  return {std::nullopt, NoSegment{reason, std::move(detail), index}};
}

const Link* find_by_name(const KernelView& kernel, const std::string& name) {
  for (const auto& [index, link] : kernel.links()) {
    if (link.name == name) return &link;
  }
  return nullptr;
}

const Link* find_rival(const KernelView& kernel, const DeviceSpec& spec, const std::string& name) {
  const auto mac = spec.mac();
  const int lower = lower_of(kernel, spec.interface_index);
  for (const auto& [index, link] : kernel.links()) {
    if (link.macvlan && link.mac == mac && link.lower == lower && link.name != name && !link.ours)
      return &link;
  }
  return nullptr;
}

}  // namespace

std::string_view device_prefix(Family family) noexcept {
  return family == Family::kIpv4 ? "vip4-" : "vip6-";
}

std::string device_name(Family family, vrrp::Vrid vrid, int interface_index) {
  std::string name{device_prefix(family)};
  name += std::to_string(vrid.value());
  name += '-';
  return name += to_base36(static_cast<unsigned>(interface_index));
}

bool is_made_as(const KernelView& kernel, const Link& link, const DeviceSpec& spec) {
  return link.ours && link.mac == spec.mac() && link.lower == lower_of(kernel, spec.interface_index);
}

DeviceJudgement judge_device(const KernelView& kernel, const Segment& segment,
                             const plan::VirtualRouter& router) {
  const DeviceSpec spec{segment.index, router.family, router.vrid};
  const auto name = spec.name();
  const auto* link = find_by_name(kernel, name);
  if (link != nullptr && !link->ours) {
    return fault(Reason::kDeviceFailed,
                 "the device for the virtual MAC address would be called " + name +
                     ", and there is one of that name that is not Vipra's: rename or delete it",
                 segment.index);
  }
  if (const auto* rival = find_rival(kernel, spec, name)) {
    return fault(Reason::kAddressInUse,
                 "the device " + rival->name + " on " + segment.name + " has the virtual MAC address " +
                     spec.mac().to_string() +
                     " already, and it is not Vipra's: stop the program that made it, or use another virtual "
                     "router id",
                 segment.index);
  }
  for (const auto& address : router.addresses) {
    const auto* known = kernel.address(segment.index, address.ip);
    if (known == nullptr || known->is_ours()) continue;
    return fault(Reason::kAddressInUse,
                 address.ip.to_string() + " is on " + segment.name +
                     " itself, and not by Vipra: with virtualMAC it can only be on a device of its own, so "
                     "remove it there",
                 segment.index);
  }
  if (link == nullptr || !link->up || !is_made_as(kernel, *link, spec)) return {};
  return {VirtualMacDevice{link->index, name, link->mac}, std::nullopt};
}

std::vector<Link> orphan_devices(const KernelView& kernel, const std::set<std::string>& wanted) {
  std::vector<Link> out;
  for (const auto& [index, link] : kernel.links()) {
    if (link.ours && !wanted.contains(link.name)) out.push_back(link);
  }
  return out;
}

IpAddress solicited_node_group(const IpAddress& ip) noexcept {
  std::array<std::uint8_t, 16> group{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};
  const auto low = ip.bytes().last(3);
  std::copy(low.begin(), low.end(), group.end() - 3);
  return *IpAddress::from_bytes(group);
}

void NeighbourGuard::add(const Segment& segment, const plan::VirtualRouter& router) {
  devices = true;
  if (router.family != Family::kIpv4) return;
  auto at = std::lower_bound(interfaces.begin(), interfaces.end(), segment.index,
                             [](const Interface& known, int index) { return known.index < index; });
  if (at == interfaces.end() || at->index != segment.index) {
    at = interfaces.insert(at, Interface{segment.index, segment.primary, {}});
  }
  for (const auto& address : router.addresses) {
    const auto place = std::lower_bound(at->addresses.begin(), at->addresses.end(), address.ip);
    if (place == at->addresses.end() || *place != address.ip) at->addresses.insert(place, address.ip);
  }
}

bool NeighbourGuard::covers(const Segment& segment, const plan::VirtualRouter& router) const {
  if (!devices) return false;
  if (router.family != Family::kIpv4) return true;
  const auto at = std::find_if(interfaces.begin(), interfaces.end(),
                               [&](const Interface& known) { return known.index == segment.index; });
  return at != interfaces.end() && at->primary == segment.primary &&
         std::all_of(router.addresses.begin(), router.addresses.end(), [&](const auto& address) {
           return std::binary_search(at->addresses.begin(), at->addresses.end(), address.ip);
         });
}

}  // namespace vipra::ownership
