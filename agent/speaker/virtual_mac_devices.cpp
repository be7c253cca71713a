#include "agent/speaker/virtual_mac_devices.hpp"

#include <algorithm>
#include <utility>

namespace vipra::agent {
namespace {

tl::unexpected<VirtualMacDevices::Missing> missing(const ownership::Segment& segment, std::string detail,
                                                   bool pending) {
  return tl::unexpected{VirtualMacDevices::Missing{
      ownership::NoSegment{Reason::kDeviceFailed, std::move(detail), segment.index}, pending}};
}

}  // namespace

void VirtualMacDevices::begin(const ownership::KernelView& kernel) {
  wanted_.clear();
  guard_ = {};
  // Until the last one is gone: on its way it would leave groups, with the virtual MAC address.
  guard_.devices = std::any_of(kernel.links().begin(), kernel.links().end(),
                               [](const auto& entry) { return entry.second.ours; });
  for (auto& [name, making] : making_) making.wanted = false;
}

void VirtualMacDevices::want(const ownership::Segment& segment, const plan::VirtualRouter& router) {
  wanted_.insert(ownership::device_name(router.family, router.vrid, segment.index));
  guard_.add(segment, router);
}

void VirtualMacDevices::set_guard(KernelState& kernel, TimePoint now) {
  if (guard_retry_at_ && now < *guard_retry_at_) return;
  guard_retry_at_.reset();
  if (!socket_ || guard_under_way_) return;
  const bool nothing_yet = !posted_ && !inherited_;
  if (!guard_.devices && !applied_ && !inherited_) {
    // Where it cannot be set there is nothing to take away either.
    guard_error_.clear();
    return;
  }
  if (nothing_yet ? !guard_.devices : posted_ && *posted_ == guard_ && guard_error_.empty()) return;
  auto next = std::make_shared<const ownership::NeighbourGuard>(guard_);
  if (!kernel.set_guard(socket_.get(), next)) {
    guard_retry_at_ = now + kRetry;
    return;
  }
  posted_ = std::move(next);
  guard_under_way_ = true;
}

tl::expected<ownership::VirtualMacDevice, VirtualMacDevices::Missing> VirtualMacDevices::prepare(
    KernelState& kernel, const ownership::Segment& segment, const plan::VirtualRouter& router,
    TimePoint now) {
  auto judgement = ownership::judge_device(kernel.view(), segment, router);
  if (judgement.fault) return tl::unexpected{Missing{std::move(*judgement.fault), false}};
  if (!guard_error_.empty() && !applied_ && !inherited_) return missing(segment, guard_error_, false);
  const ownership::DeviceSpec spec{segment.index, router.family, router.vrid};
  const auto name = spec.name();
  // Not before: a device that comes up speaks.
  if (!inherited_ && !(applied_ && applied_->covers(segment, router))) {
    if (!guard_error_.empty()) return missing(segment, guard_error_, false);
    return missing(segment, "the packet filter for the device " + name + " is being set", true);
  }
  if (judgement.ready && judgement.ready->index == removing_)
    return missing(segment, "the device " + name + " is being removed, and will be made anew", true);
  if (judgement.ready) {
    making_.erase(name);
    return std::move(*judgement.ready);
  }
  auto& making = making_[name];
  making.wanted = true;
  const auto under_way =
      std::count_if(making_.begin(), making_.end(), [](const auto& entry) { return entry.second.under_way; });
  if (!making.under_way && now >= making.retry_at && under_way < kMakingAtOnce) {
    making.under_way = kernel.make_device(spec);
    making.retry_at = now + kRetry;
  }
  if (!making.error.empty()) return missing(segment, making.error, false);
  return missing(segment, "the device " + name + " is being made", true);
}

void VirtualMacDevices::remove_orphans(KernelState& kernel) {
  // One at a time, for as long as the kernel shows it: whoever is promoted meanwhile waits behind one only.
  if (removing_ && kernel.view().link(*removing_) == nullptr) removing_.reset();
  if (removing_) return;
  for (const auto& link : ownership::orphan_devices(kernel.view(), wanted_)) {
    if (!kernel.remove_device(link.index)) return;
    log_.info("device.removed", {{"device", link.name}, {"interface_index", link.lower}});
    removing_ = link.index;
    return;
  }
}

void VirtualMacDevices::on_socket(sys::UniqueFd fd, const std::string& error, bool inherited, TimePoint now) {
  if (!error.empty() || !fd) {
    guard_error_ = error.empty() ? "the supervisor sent no descriptor" : error;
    socket_requested_ = false;
    guard_retry_at_ = now + kRetry;
    return;
  }
  guard_error_.clear();
  socket_ = std::move(fd);
  inherited_ = inherited;
}

void VirtualMacDevices::on_device_made(const ownership::DeviceSpec& spec, const Status& status,
                                       TimePoint now) {
  const auto name = spec.name();
  if (status) {
    log_.info("device.made", {{"device", name}, {"interface_index", spec.interface_index}});
  } else {
    log_.error("device.failed", {{"device", name}, {"error", status.error().what}});
  }
  const auto found = making_.find(name);
  if (found == making_.end()) return;
  auto& making = found->second;
  making.under_way = false;
  making.error = status ? std::string{} : status.error().what;
  making.retry_at = now + kRetry;
}

void VirtualMacDevices::on_guard_set(const Status& status, TimePoint now) {
  guard_under_way_ = false;
  if (status) {
    applied_ = posted_;
    inherited_ = false;
    guard_error_.clear();
    return;
  }
  log_.error("device.guard_failed", {{"error", status.error().what}});
  guard_error_ = status.error().what;
  guard_retry_at_ = now + kRetry;
}

std::optional<TimePoint> VirtualMacDevices::deadline() const {
  auto at = guard_retry_at_;
  for (const auto& [name, making] : making_) {
    if (making.under_way || !making.wanted) continue;
    at = at ? std::min(*at, making.retry_at) : making.retry_at;
  }
  return at;
}

}  // namespace vipra::agent
