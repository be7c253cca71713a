// A node's report as the reducer wants it. Pure.
#pragma once

#include "operator/facts.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::controller {

// What is beyond its bounds is cut off; numbers that are no state or reason become Unknown and None.
[[nodiscard]] cluster::NodeFacts facts_of(const report::v1::NodeReport& report);

}  // namespace vipra::controller
