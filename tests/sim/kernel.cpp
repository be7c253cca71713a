#include "tests/sim/kernel.hpp"

#include <algorithm>
#include <utility>

namespace vipra::sim {
namespace {

ownership::InterfaceAddress plain(const IpAddress& ip) {
  ownership::InterfaceAddress address;
  address.index = interface_of(role_of(ip));
  address.ip = ip;
  address.prefix_length = ip.is_v4() ? 24 : 64;
  address.protocol = std::uint8_t{2};  // IFAPROT_KERNEL_RA: marks are visible on this kernel
  return address;
}

ownership::InterfaceAddress marked(const IpAddress& ip) {
  ownership::InterfaceAddress address;
  address.index = interface_of(role_of(ip));
  address.ip = ip;
  address.prefix_length = ip.is_v4() ? 32 : 128;
  address.protocol = ownership::kAddressProtocol;
  return address;
}

}  // namespace

Kernel::Kernel(Listener& listener, const MacAddress& mac, std::vector<IpAddress> primaries)
    : listener_{listener}, primaries_{std::move(primaries)} {
  for (const auto& primary : primaries_) {
    const int index = interface_of(role_of(primary));
    if (!links_.empty() && links_.back().index == index) continue;
    auto& link = links_.emplace_back();
    link.index = index;
    link.name = "eth" + std::to_string(index - kInterfaceIndex);
    link.mac = mac;
    link.multicast = true;
    link.mtu = 1500;
  }
}

void Kernel::boot() {
  for (auto& link : links_) link.up = true;
  addresses_.clear();
  for (const auto& primary : primaries_) addresses_.push_back(plain(primary));
}

void Kernel::lose_everything() {
  for (auto& link : links_) link.up = false;
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
      result.dump = std::make_shared<const ownership::KernelDump>(ownership::KernelDump{links_, addresses_});
      break;
  }
  return result;
}

void Kernel::set_link(Role role, bool up) {
  for (auto& link : links_) {
    if (link.index != interface_of(role) || link.up == up) continue;
    link.up = up;
    listener_.on_notice(link);
  }
}

bool Kernel::up(Role role) const noexcept {
  return std::any_of(links_.begin(), links_.end(),
                     [&](const auto& link) { return link.index == interface_of(role) && link.up; });
}

void Kernel::drop_ipv6() {
  remove_if([](const auto& address) { return !address.ip.is_v4(); });
  // The kernel makes the link-local address again when the interface comes back.
  for (const auto& primary : primaries_) {
    if (primary.is_v4()) continue;
    addresses_.push_back(plain(primary));
    listener_.on_notice(addresses_.back());
  }
}

void Kernel::change_primary(const IpAddress& from, const IpAddress& to) {
  remove_if([&](const auto& address) { return address.ip == from && !address.is_ours(); });
  std::replace(primaries_.begin(), primaries_.end(), from, to);
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
