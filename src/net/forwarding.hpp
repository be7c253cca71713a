// Whether the node forwards packets that come in by an interface.
#pragma once

#include "base/ip_address.hpp"

namespace vipra::net {

// As the kernel says now; false where there is no such interface. Reads a file: for changes, not for packets.
[[nodiscard]] bool forwards(Family family, int interface_index);

}  // namespace vipra::net
