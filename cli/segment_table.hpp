// `vipctl segments`: a row for each virtual router of others that this node hears. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "cli/vip_table.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

[[nodiscard]] std::string segment_table(const report::v1::NodeReport& report, std::int64_t now_unix_ns,
                                        Headers headers);

}  // namespace vipra::cli
