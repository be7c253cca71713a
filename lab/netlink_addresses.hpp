// The one place that reads an RTM_NEWADDR or RTM_DELADDR message: for the dump and for the watch.
#pragma once

#include <linux/netlink.h>

#include <optional>

#include "lab/addresses.hpp"

namespace vipra::lab {

[[nodiscard]] std::optional<KernelAddress> parse_address(const nlmsghdr& message);

}  // namespace vipra::lab
