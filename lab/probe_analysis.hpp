// From records to a report.
#pragma once

#include <cstddef>

#include "lab/probe_loop.hpp"
#include "lab/probe_report.hpp"

namespace vipra::lab {

[[nodiscard]] ProbeReport analyse(const ProbeLoop& loop, std::size_t target, TimePoint from, TimePoint to,
                                  TimePoint now);

}  // namespace vipra::lab
