// Every field of a VRRP advertisement as it is on the wire, by name, so that those of different programs can
// be compared. On purpose not the project's codec.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "lab/frames.hpp"

namespace vipra::lab {

using VrrpFields = std::map<std::string, std::string>;

// nullopt: not a VRRP frame. Fields of the packet's identity (IP identification, flow label) are left out;
// "message" is the whole VRRP message in hexadecimal.
[[nodiscard]] std::optional<VrrpFields> vrrp_fields(ByteSpan frame);

// The names of the fields in which they differ.
[[nodiscard]] std::vector<std::string> differing(const VrrpFields& a, const VrrpFields& b);

}  // namespace vipra::lab
