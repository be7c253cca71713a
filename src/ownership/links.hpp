// What the kernel says about interfaces and their addresses, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "base/mac_address.hpp"

namespace vipra::ownership {

// IFA_PROTO of every address that Vipra adds: how a restarted speaker, or the supervisor of a dead one, knows
// its own. Not in the kernel's list (0-3) nor in iproute2's rt_protos. Kernels before 5.18 drop the
// attribute: there no address of ours can be told from a stranger's (see KernelDump::marks_visible).
inline constexpr std::uint8_t kAddressProtocol = 213;

// What every device that Vipra makes carries from the moment it exists (IFLA_GROUP), and its alias begins
// with, once it is complete. Any other device is a stranger's, whatever its name.
inline constexpr std::uint32_t kDeviceGroup = 213;
inline constexpr std::string_view kDeviceMark = "vipra: virtual MAC";

struct Link {
  int index = 0;
  std::string name;      // at most 15 characters: no heap
  MacAddress mac;        // zero for interfaces whose addresses have not 6 bytes
  bool enabled = false;  // IFF_UP: somebody wants it up
  bool up = false;       // IFF_UP, carrier, and operationally up: frames can be sent
  bool loopback = false;
  bool multicast = false;
  bool macvlan = false;
  bool ours = false;  // a macvlan with our mark
  int lower = 0;      // of a macvlan: the interface that carries its frames
  unsigned mtu = 0;

  bool operator==(const Link&) const = default;
};

struct InterfaceAddress {
  int index = 0;  // of the interface
  IpAddress ip;   // the local end, where the address has a peer
  std::uint8_t prefix_length = 0;
  std::optional<std::uint8_t> protocol;  // IFA_PROTO; absent for addresses that nobody marked
  bool tentative = false;                // IPv6: not yet usable (duplicate address detection)
  bool dad_failed = false;               // IPv6: somebody else has it
  bool temporary = false;                // IPv6: a privacy address
  bool deprecated = false;               // never chosen as a source address
  bool secondary = false;                // IPv4: goes when the first address of its subnet goes
  bool no_prefix_route = false;

  // Whether it carries our mark. Whoever may change addresses may set any mark: a courtesy between programs.
  [[nodiscard]] bool is_ours() const noexcept { return protocol == kAddressProtocol; }
  bool operator==(const InterfaceAddress&) const = default;
};

// Everything at one moment, as far as the kernel can say: links first, then addresses, in two dumps.
struct KernelDump {
  std::vector<Link> links;
  std::vector<InterfaceAddress> addresses;

  // Whether this kernel keeps IFA_PROTO: since 5.18 it marks its own addresses (127.0.0.1, link-local ones)
  // too. False also where there is no address at all.
  [[nodiscard]] bool marks_visible() const noexcept {
    for (const auto& address : addresses)
      if (address.protocol) return true;
    return false;
  }
};

}  // namespace vipra::ownership
