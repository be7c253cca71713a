// The virtual routers of a simulated node. "vip" has one for each family; where it leads a group, its member
// has one more, over IPv4, on a second segment with an interface and addresses of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ip_address.hpp"
#include "plan/desired_state.hpp"

namespace vipra::sim {

enum class Role : std::uint8_t { kIpv4, kIpv6, kMember };
inline constexpr std::array kAllRoles{Role::kIpv4, Role::kIpv6, Role::kMember};
inline constexpr std::size_t kRoles = kAllRoles.size();

[[nodiscard]] constexpr std::size_t index_of(Role role) noexcept {
  return static_cast<std::size_t>(role);
}
[[nodiscard]] constexpr Family family_of(Role role) noexcept {
  return role == Role::kIpv6 ? Family::kIpv6 : Family::kIpv4;
}
[[nodiscard]] constexpr std::string_view short_name(Role role) noexcept {
  return std::array<std::string_view, kRoles>{"v4", "v6", "member"}[index_of(role)];
}

// Of the VirtualIP whose router it is.
[[nodiscard]] constexpr std::string_view name_of(Role role) noexcept {
  return role == Role::kMember ? "vip-inside" : "vip";
}

// The second segment is 10.0.3.0/24; everything else that there is belongs to the first.
inline constexpr std::uint8_t kMembersNet = 3;
[[nodiscard]] inline Role role_of(const IpAddress& ip) noexcept {
  if (!ip.is_v4()) return Role::kIpv6;
  return ip.bytes()[2] == kMembersNet ? Role::kMember : Role::kIpv4;
}

[[nodiscard]] inline Role role_of(const plan::VirtualRouter& router) noexcept {
  return role_of(router.addresses.front().ip);
}

inline constexpr int kInterfaceIndex = 2;
inline constexpr int kMembersInterfaceIndex = 3;
[[nodiscard]] constexpr int interface_of(Role role) noexcept {
  return role == Role::kMember ? kMembersInterfaceIndex : kInterfaceIndex;
}

}  // namespace vipra::sim
