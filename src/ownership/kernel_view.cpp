#include "ownership/kernel_view.hpp"

#include <algorithm>

namespace vipra::ownership {
namespace {

// What the kernel takes for one and the same address of an interface.
bool is_same(const InterfaceAddress& a, const InterfaceAddress& b) {
  return a.ip == b.ip && a.prefix_length == b.prefix_length;
}

}  // namespace

void KernelView::replace(const KernelDump& dump) {
  links_.clear();
  addresses_.clear();
  for (const auto& link : dump.links) set_link(link);
  for (const auto& address : dump.addresses) set_address(address);
}

void KernelView::set_link(const Link& link) {
  links_.insert_or_assign(link.index, link);
}

void KernelView::remove_link(int index) {
  links_.erase(index);
  addresses_.erase(index);
}

void KernelView::set_address(const InterfaceAddress& address) {
  auto& all = addresses_[address.index];
  const auto known = std::find_if(all.begin(), all.end(), [&](const auto& a) { return is_same(a, address); });
  if (known != all.end()) {
    *known = address;
  } else {
    all.push_back(address);
  }
}

void KernelView::remove_address(const InterfaceAddress& address) {
  const auto found = addresses_.find(address.index);
  if (found == addresses_.end()) return;
  std::erase_if(found->second, [&](const auto& known) { return is_same(known, address); });
}

void KernelView::remove_ours(int index, const IpAddress& ip) {
  const auto found = addresses_.find(index);
  if (found == addresses_.end()) return;
  std::erase_if(found->second, [&](const auto& address) { return address.ip == ip && address.is_ours(); });
}

const Link* KernelView::link(int index) const {
  const auto found = links_.find(index);
  return found == links_.end() ? nullptr : &found->second;
}

const std::vector<InterfaceAddress>& KernelView::addresses(int index) const {
  static const std::vector<InterfaceAddress> kNone;
  const auto found = addresses_.find(index);
  return found == addresses_.end() ? kNone : found->second;
}

const InterfaceAddress* KernelView::address(int index, const IpAddress& ip) const {
  const InterfaceAddress* strangers = nullptr;
  for (const auto& address : addresses(index)) {
    if (address.ip != ip) continue;
    if (address.is_ours()) return &address;
    if (strangers == nullptr) strangers = &address;
  }
  return strangers;
}

const InterfaceAddress* KernelView::elsewhere(const IpAddress& ip, int except) const {
  for (const auto& [index, all] : addresses_) {
    if (index == except) continue;
    for (const auto& address : all) {
      if (address.ip == ip) return &address;
    }
  }
  return nullptr;
}

std::optional<IpAddress> KernelView::primary(int index, Family family) const {
  for (const auto& address : addresses(index)) {
    if (address.ip.family() != family || address.is_ours()) continue;
    if (family == Family::kIpv4) {
      if (!address.secondary && !address.ip.is_loopback()) return address.ip;
    } else if (address.ip.is_link_local() && !address.tentative && !address.dad_failed) {
      return address.ip;
    }
  }
  return std::nullopt;
}

}  // namespace vipra::ownership
