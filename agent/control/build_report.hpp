// Facts -> the report of this node. Pure.
#pragma once

#include <cstdint>

#include "agent/control/facts.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::control {

// `before` is the last report, or null: its conditions lend their times, and the sequence goes on from its.
[[nodiscard]] report::v1::NodeReport build_report(const Facts& facts, const report::v1::NodeReport* before,
                                                  std::int64_t now_unix_ns);

}  // namespace vipra::control
