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
  if (address.is_ours()) {
    forget(all, address);  // it may have been marked just now
    all.ours.insert_or_assign({address.ip, address.prefix_length}, address);
    return;
  }
  all.ours.erase({address.ip, address.prefix_length});
  auto& others = all.others;
  const auto known =
      std::find_if(others.begin(), others.end(), [&](const auto& a) { return is_same(a, address); });
  if (known != others.end()) {
    *known = address;
  } else {
    others.push_back(address);
  }
}

void KernelView::forget(Addresses& all, const InterfaceAddress& address) {
  if (all.ours.erase({address.ip, address.prefix_length}) > 0) return;
  std::erase_if(all.others, [&](const auto& known) { return is_same(known, address); });
}

void KernelView::remove_address(const InterfaceAddress& address) {
  if (const auto found = addresses_.find(address.index); found != addresses_.end())
    forget(found->second, address);
}

void KernelView::remove_ours(int index, const IpAddress& ip) {
  const auto found = addresses_.find(index);
  if (found == addresses_.end()) return;
  auto& ours = found->second.ours;
  auto at = ours.lower_bound({ip, 0});
  while (at != ours.end() && at->first.first == ip) at = ours.erase(at);
}

const Link* KernelView::link(int index) const {
  const auto found = links_.find(index);
  return found == links_.end() ? nullptr : &found->second;
}

const std::vector<InterfaceAddress>& KernelView::others(int index) const {
  static const std::vector<InterfaceAddress> kNone;
  const auto found = addresses_.find(index);
  return found == addresses_.end() ? kNone : found->second.others;
}

std::vector<IpAddress> KernelView::ours(int index) const {
  std::vector<IpAddress> out;
  const auto found = addresses_.find(index);
  if (found == addresses_.end()) return out;
  for (const auto& [key, address] : found->second.ours) {
    if (out.empty() || out.back() != key.first) out.push_back(key.first);
  }
  return out;
}

const InterfaceAddress* KernelView::address(int index, const IpAddress& ip) const {
  const auto found = addresses_.find(index);
  if (found == addresses_.end()) return nullptr;
  const auto& [others, ours] = found->second;
  if (const auto at = ours.lower_bound({ip, 0}); at != ours.end() && at->first.first == ip)
    return &at->second;
  const auto stranger = std::find_if(others.begin(), others.end(), [&](const auto& a) { return a.ip == ip; });
  return stranger == others.end() ? nullptr : &*stranger;
}

std::optional<IpAddress> KernelView::primary(int index, Family family) const {
  for (const auto& address : others(index)) {
    if (address.ip.family() != family) continue;
    if (family == Family::kIpv4) {
      if (!address.secondary && !address.ip.is_loopback()) return address.ip;
    } else if (address.ip.is_link_local() && !address.tentative && !address.dad_failed) {
      return address.ip;
    }
  }
  return std::nullopt;
}

}  // namespace vipra::ownership
