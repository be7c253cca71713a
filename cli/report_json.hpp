// A report as JSON for machines: the proto3 JSON mapping (lowerCamel names, 64-bit numbers as strings, every
// field always there) but for the enumerations, which carry the names that all of Vipra shows
// ("LowerPriority"). Stable: fields are added, never renamed. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

[[nodiscard]] nlohmann::ordered_json to_json(const report::v1::NodeReport& report);

// Its segments alone, as an array.
[[nodiscard]] nlohmann::ordered_json segments_json(const report::v1::NodeReport& report);

}  // namespace vipra::cli
