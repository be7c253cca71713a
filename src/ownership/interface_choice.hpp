// Which interface a router runs on. Pure; judged again after every change of links or addresses.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "base/mac_address.hpp"
#include "base/reason.hpp"
#include "ownership/kernel_view.hpp"
#include "ownership/unicast_reach.hpp"
#include "plan/desired_state.hpp"

namespace vipra::ownership {

// A macvlan of ours that carries a router's addresses with the virtual router MAC address (RFC 9568
// section 7.3).
struct VirtualMacDevice {
  int index = 0;
  std::string name;
  MacAddress mac;
  bool operator==(const VirtualMacDevice&) const = default;
};

// One interface, ready to elect on.
struct Segment {
  int index = 0;
  std::string name;
  MacAddress mac;
  unsigned mtu = 1500;
  IpAddress primary;       // what advertisements of the family are sent from
  UnicastReach unicast{};  // empty where the router sends to the group alone
  std::optional<VirtualMacDevice> device{};

  // Where the addresses are, and at which MAC address neighbours find them.
  [[nodiscard]] int carrier_index() const noexcept { return device ? device->index : index; }
  [[nodiscard]] const MacAddress& announced_mac() const noexcept { return device ? device->mac : mac; }
  bool operator==(const Segment&) const = default;
};

// Why there is none: a fault of the router, in words for people. `index` is set where the interface is known
// but not usable (down, no primary address).
struct NoSegment {
  Reason reason = Reason::kInterfaceMissing;
  std::string detail;
  int index = 0;
};

// The interface to announce on; a device is no part of it yet (virtual_mac.hpp). Devices of ours are never
// chosen.
//
// By subnet: the interface with an address (not ours) whose prefix holds the router's first address; the
// longest prefix wins. By pattern: the whole name matches; more than one match is ambiguous. An invalid
// pattern is kInvalidValue (validation catches it earlier).
[[nodiscard]] tl::expected<Segment, NoSegment> choose_segment(const KernelView& kernel,
                                                              const plan::VirtualRouter& router);

}  // namespace vipra::ownership
