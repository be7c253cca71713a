// The devices that carry addresses with a virtual router MAC address: what they are called, which one a
// router may use, which are left over, and what the node must not say about their addresses. Pure.
//
// A device is known by its name and its mark, so that a restarted speaker finds it again, and by its MAC
// address. Whatever lacks the mark is a stranger's and never touched.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "base/mac_address.hpp"
#include "ownership/interface_choice.hpp"
#include "ownership/kernel_view.hpp"
#include "plan/desired_state.hpp"
#include "vrrp/types.hpp"

namespace vipra::ownership {

// What the name of a device begins with, by family.
[[nodiscard]] std::string_view device_prefix(Family family) noexcept;
// "vip4-51-2": family, VRID, index of the interface that it is made on (to the base of 36: with any index at
// most 15 characters).
[[nodiscard]] std::string device_name(Family family, vrrp::Vrid vrid, int interface_index);

// The device for one router on one interface.
struct DeviceSpec {
  int interface_index = 0;
  Family family = Family::kIpv4;
  vrrp::Vrid vrid = *vrrp::Vrid::make(1);

  [[nodiscard]] std::string name() const { return device_name(family, vrid, interface_index); }
  [[nodiscard]] MacAddress mac() const noexcept { return vrrp::virtual_mac(family, vrid); }
  bool operator==(const DeviceSpec&) const = default;
};

// Whether a link is of ours and made as `spec` says.
[[nodiscard]] bool is_made_as(const KernelView& kernel, const Link& link, const DeviceSpec& spec);

// Ready; or missing (or not up) and to be made; or out of reach, and why.
struct DeviceJudgement {
  std::optional<VirtualMacDevice> ready;
  std::optional<NoSegment> fault;
};
// A stranger who has the name, the MAC address on this interface, or one of the addresses on the interface
// itself, is a fault.
[[nodiscard]] DeviceJudgement judge_device(const KernelView& kernel, const Segment& segment,
                                           const plan::VirtualRouter& router);

// Devices of ours with none of these names: left by a killed agent, or no longer wanted.
[[nodiscard]] std::vector<Link> orphan_devices(const KernelView& kernel, const std::set<std::string>& wanted);

// RFC 4291 section 2.7.1: where neighbour solicitations for `ip` go.
[[nodiscard]] IpAddress solicited_node_group(const IpAddress& ip) noexcept;

// What the kernel would say by itself about addresses on devices, and must not:
// - An interface answers ARP for every address of the node, with its own MAC address, and asks by ARP in the
//   name of every address that sends. Both would tell neighbours that the address is at the interface's MAC.
// - A device that comes up, or gets or loses an IPv6 address, reports multicast groups, with the virtual MAC
//   address as source: a switch would then send the master's traffic to a backup.
struct NeighbourGuard {
  struct Interface {
    int index = 0;
    IpAddress primary;                 // in whose name ARP requests go out instead
    std::vector<IpAddress> addresses;  // IPv4, on devices of this interface; sorted
    bool operator==(const Interface&) const = default;
  };
  bool devices = false;               // there are devices: they report no groups
  std::vector<Interface> interfaces;  // sorted by index; those with IPv4 addresses
  bool operator==(const NeighbourGuard&) const = default;

  // Room for the addresses of a router on this segment is made here.
  void add(const Segment& segment, const plan::VirtualRouter& router);
  [[nodiscard]] bool covers(const Segment& segment, const plan::VirtualRouter& router) const;
};

}  // namespace vipra::ownership
