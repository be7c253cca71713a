// The speaker's routers with a virtual MAC address: their devices, and what goes out with that address.
#include <utility>

#include "agent/speaker/speaker.hpp"
#include "ownership/interface_choice.hpp"
#include "vrrp/ethernet_frame.hpp"

namespace vipra::agent {
namespace {

bool on_device(const plan::VirtualRouter& router) {
  return router.carrier == plan::Carrier::kVirtualMac;
}

}  // namespace

// Who wants which device, and which addresses the node must be silent about.
void Speaker::want_devices() {
  devices_.begin(kernel_->view());
  homes_.clear();
  for (const auto& slot : slots_) {
    if (!slot.router) continue;
    const auto& desired = slot.router->desired();
    const auto& placed = slot.router->segment();
    if (slot.retiring) {
      if (placed && placed->device) devices_.want(*placed, desired);
      continue;
    }
    if (!on_device(desired)) continue;
    if (const auto segment = ownership::choose_segment(kernel_->view(), desired)) {
      devices_.want(*segment, desired);
    } else if (placed && placed->device) {
      devices_.want(*placed, desired);
    } else if (segment.error().index > 0) {
      devices_.keep(ownership::device_name(desired.family, desired.vrid, segment.error().index));
    }
  }
  if (devices_.needs_socket(now_.mono)) {
    devices_.note_socket_requested();
    send_request(channel::v1::HANDLE_KIND_NEIGHBOUR_GUARD, 0, true);
  }
  devices_.set_guard(*kernel_, now_.mono);
}

// The segment with its device, where the router wants one. Nothing yet: it is left as it is until then.
std::optional<tl::expected<ownership::Segment, ownership::NoSegment>> Speaker::segment_for(
    const router::VirtualRouter& router) {
  const auto& desired = router.desired();
  auto segment = ownership::choose_segment(kernel_->view(), desired);
  if (!segment || !on_device(desired)) return segment;
  auto device = devices_.prepare(*kernel_, *segment, desired, now_.mono);
  if (device) {
    segment->device = std::move(*device);
    return segment;
  }
  if (device.error().pending) {
    const auto& placed = router.segment();
    const bool stands = !placed || !placed->device || kernel_->view().link(placed->device->index) != nullptr;
    if (stands) return std::nullopt;
  }
  return tl::unexpected{std::move(device.error().why)};
}

// Whose multicast listener reports are kept back: the interface reports in the device's place, for switches
// that look.
void Speaker::join_solicited_node_groups(Interface& on, const plan::VirtualRouter& desired) {
  if (!on_device(desired) || desired.family != Family::kIpv6) return;
  auto& sockets = on.sockets(Family::kIpv6);
  if (!sockets.vrrp) return;
  const auto join = [&](const IpAddress& ip) {
    const auto group = ownership::solicited_node_group(ip);
    if (sockets.groups.insert(group).second &&
        !kernel_->join_group(sockets.vrrp->fd(), on.index(), Family::kIpv6, group))
      sockets.groups.erase(group);
  };
  if (desired.link_local) join(*desired.link_local);
  for (const auto& address : desired.addresses) join(address.ip);
}

int Speaker::home_of(int index) const {
  const auto found = homes_.find(index);
  return found == homes_.end() ? index : found->second;
}

bool Speaker::is_carried(int index, const IpAddress& ip) const {
  const auto found = interfaces_.find(home_of(index));
  if (found == interfaces_.end()) return false;
  for (const auto i : found->second->owners_of(ip)) {
    if (slots_[i].router->addresses().index() == index) return true;
  }
  return false;
}

bool Speaker::send_from_device(const ownership::Segment& segment, std::span<const std::uint8_t> message,
                               const vrrp::Endpoints& endpoints) {
  const auto found = interfaces_.find(segment.index);
  if (found == interfaces_.end() || !segment.device) return false;
  auto& socket = found->second->sockets(endpoints.source.family()).neighbours;
  const auto size = vrrp::build_group_frame(segment.device->mac, endpoints, message, frame_);
  return socket && size > 0 && socket->transmit({frame_.data(), size}) == 0;
}

void Speaker::on_device_made(const ownership::DeviceSpec& spec, const Status& status) {
  devices_.on_device_made(spec, status, now_.mono);
  interfaces_dirty_ = true;
}

void Speaker::on_device_removed(const Status& status) {
  devices_.on_device_removed(status);
  // Not after a failure, which would be repeated at once: the next word about links will do.
  if (status) interfaces_dirty_ = true;
}

void Speaker::on_guard_set(const Status& status) {
  devices_.on_guard_set(status, now_.mono);
  interfaces_dirty_ = true;
}

}  // namespace vipra::agent
