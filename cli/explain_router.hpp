// One router's paragraph of `vipctl explain`. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

[[nodiscard]] std::string router_paragraph(const report::v1::NodeReport& report,
                                           const report::v1::VirtualIPReport& vip,
                                           const report::v1::RouterReport& router, std::int64_t now_unix_ns);

// "not owner: priority 90 < 120 of 10.0.0.2": the sentence that answers "who, and why".
[[nodiscard]] std::string why_sentence(const report::v1::RouterReport& router);

// "90 = base 140, check http -50 (refused the connection; 3 of 3 failed)"
[[nodiscard]] std::string priority_sum(const report::v1::VirtualIPReport& vip,
                                       const report::v1::RouterReport& router);

}  // namespace vipra::cli
