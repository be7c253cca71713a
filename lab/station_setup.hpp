// How the inside of a station's namespace is made, and made again after a crash.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"
#include "lab/net_namespace.hpp"
#include "lab/station.hpp"

namespace vipra::lab {

// number: last part of every address, 1..253.
[[nodiscard]] StationFacts station_facts(const std::string& name, std::size_t number);
// Before eth0 exists: what its IPv6 side takes as defaults.
[[nodiscard]] Status prepare_station(const NetNamespace& net);
// Once eth0 exists: up, with the addresses of the facts.
[[nodiscard]] Status bring_up_station(const StationFacts& facts, const NetNamespace& net);
// As after a boot: every other link, address, route and neighbour is gone.
[[nodiscard]] Status reset_station(const Station& station);

}  // namespace vipra::lab
