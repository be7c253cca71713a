// What the kernel of a namespace really has: the truth about who owns an address.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "lab/net_namespace.hpp"

namespace vipra::lab {

struct KernelAddress {
  IpAddress address;
  unsigned prefix_length = 0;
  int ifindex = 0;
  std::uint32_t flags = 0;        // IFA_F_*
  std::uint8_t protocol = 0;      // IFA_PROTO
  std::uint32_t preferred_s = 0;  // 0: deprecated; 0xffffffff: for ever
};

// One netlink dump of both families.
[[nodiscard]] Result<std::vector<KernelAddress>> list_addresses(const NetNamespace& net);

}  // namespace vipra::lab
