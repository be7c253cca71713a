#include "tests/sim/kernel.hpp"

#include <algorithm>
#include <utility>

namespace vipra::sim {
namespace {

ownership::InterfaceAddress plain(const IpAddress& ip) {
  ownership::InterfaceAddress address;
  address.index = kInterfaceIndex;
  address.ip = ip;
  address.prefix_length = ip.is_v4() ? 24 : 64;
  address.protocol = std::uint8_t{2};  // IFAPROT_KERNEL_RA: marks are visible on this kernel
  return address;
}

ownership::InterfaceAddress marked(const IpAddress& ip) {
  ownership::InterfaceAddress address;
  address.index = kInterfaceIndex;
  address.ip = ip;
  address.prefix_length = ip.is_v4() ? 32 : 128;
  address.protocol = ownership::kAddressProtocol;
  return address;
}

}  // namespace

Kernel::Kernel(Listener& listener, const MacAddress& mac, const IpAddress& primary_v4,
               const IpAddress& primary_v6)
    : listener_{listener}, primary_v4_{primary_v4}, primary_v6_{primary_v6} {
  link_.index = kInterfaceIndex;
  link_.name = "eth0";
  link_.mac = mac;
  link_.multicast = true;
  link_.mtu = 1500;
}

void Kernel::boot() {
  link_.up = true;
  addresses_ = {plain(primary_v4_), plain(primary_v6_)};
}

void Kernel::lose_everything() {
  link_.up = false;
  const auto before = std::exchange(addresses_, {});
  for (const auto& address : before) {
    if (address.is_ours()) listener_.on_change(address.ip, false);
  }
}

KernelResult Kernel::execute(const KernelCommand& command) {
  using Outcome = KernelResult::Outcome;
  KernelResult result;
  result.command = command;
  switch (command.kind) {
    case KernelCommand::Kind::kAdd:
      if (has(command.ip)) {
        result.outcome = Outcome::kAlreadyThere;
      } else {
        add(marked(command.ip));
      }
      break;
    case KernelCommand::Kind::kRemove:
      remove_ours(command.ip);
      break;
    case KernelCommand::Kind::kDump:
      result.dump = std::make_shared<const ownership::KernelDump>(ownership::KernelDump{{link_}, addresses_});
      break;
  }
  return result;
}

void Kernel::set_link(bool up) {
  if (link_.up == up) return;
  link_.up = up;
  listener_.on_notice(link_);
}

void Kernel::drop_ipv6() {
  remove_if([](const auto& address) { return !address.ip.is_v4(); });
  // The kernel makes the link-local address again when the interface comes back.
  addresses_.push_back(plain(primary_v6_));
  listener_.on_notice(addresses_.back());
}

void Kernel::change_primary(const IpAddress& from, const IpAddress& to) {
  remove_if([&](const auto& address) { return address.ip == from && !address.is_ours(); });
  (from.is_v4() ? primary_v4_ : primary_v6_) = to;
  add(plain(to));
}

void Kernel::add_strangers(const IpAddress& ip) {
  if (!has(ip)) add(plain(ip));
}

void Kernel::remove_strangers(const IpAddress& ip) {
  remove_if([&](const auto& address) { return address.ip == ip && !address.is_ours(); });
}

void Kernel::remove_ours(const IpAddress& ip) {
  remove_if([&](const auto& address) { return address.ip == ip && address.is_ours(); });
}

void Kernel::remove_all_ours() {
  remove_if([](const auto& address) { return address.is_ours(); });
}

bool Kernel::has_ours(const IpAddress& ip) const {
  return std::any_of(addresses_.begin(), addresses_.end(),
                     [&](const auto& address) { return address.ip == ip && address.is_ours(); });
}

bool Kernel::has(const IpAddress& ip) const {
  return std::any_of(addresses_.begin(), addresses_.end(),
                     [&](const auto& address) { return address.ip == ip; });
}

void Kernel::add(const ownership::InterfaceAddress& address) {
  addresses_.push_back(address);
  listener_.on_notice(address);
  if (address.is_ours()) listener_.on_change(address.ip, true);
}

template <class Predicate>
void Kernel::remove_if(Predicate&& matches) {
  std::vector<ownership::InterfaceAddress> gone;
  for (const auto& address : addresses_) {
    if (matches(address)) gone.push_back(address);
  }
  std::erase_if(addresses_, matches);
  for (const auto& address : gone) {
    listener_.on_notice(AddressGone{address});
    if (address.is_ours()) listener_.on_change(address.ip, false);
  }
}

}  // namespace vipra::sim
