// `vipctl get`: one row a VirtualIP, and below it what is wrong. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

enum class Headers : bool { kNo, kYes };

// Without headers only the rows, for scripts.
[[nodiscard]] std::string virtual_ip_table(const report::v1::NodeReport& report, std::int64_t now_unix_ns,
                                           Headers headers);

}  // namespace vipra::cli
