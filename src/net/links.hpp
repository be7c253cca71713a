// The values are ownership's: what the kernel says is judged there, read here.
#pragma once

#include "ownership/links.hpp"

namespace vipra::net {

using ownership::InterfaceAddress;
using ownership::kAddressProtocol;
using ownership::kDeviceGroup;
using ownership::kDeviceMark;
using ownership::KernelDump;
using ownership::Link;

}  // namespace vipra::net
