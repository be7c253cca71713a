// Facts -> what the metrics page shows. Pure.
#pragma once

#include <cstdint>

#include "agent/control/facts.hpp"
#include "metrics/snapshot.hpp"

namespace vipra::control {

// Everything but metrics::Control's figures of the process itself (memory, counters of its servers).
[[nodiscard]] metrics::Snapshot metrics_snapshot(const Facts& facts);

}  // namespace vipra::control
