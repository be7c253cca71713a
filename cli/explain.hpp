// `vipctl explain VIP`: the chain of reasons that a person needs at 3 a.m. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

struct Explanation {
  bool found = false;
  std::string text;
};
[[nodiscard]] Explanation explain(const report::v1::NodeReport& report, std::string_view virtual_ip,
                                  std::int64_t now_unix_ns);

}  // namespace vipra::cli
