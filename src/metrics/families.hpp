// Snapshot -> Prometheus metric families -> text. Pure: no registry, nothing is kept from one call to the
// next. Names follow the Prometheus conventions, prefix vipra_; values of labels are the names of
// base/reason.hpp.
#pragma once

#include <string>

#include "metrics/snapshot.hpp"

namespace vipra::metrics {

// The page in the text format 0.0.4.
[[nodiscard]] std::string render(const Snapshot& snapshot);

inline constexpr const char* kTextFormat = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace vipra::metrics
