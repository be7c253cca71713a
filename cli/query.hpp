// Questions to a report. Pure; what is returned points into the report.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

namespace v1 = vipra::report::v1;

[[nodiscard]] const v1::VirtualIPReport* find_virtual_ip(const v1::NodeReport& report, std::string_view name);
[[nodiscard]] std::vector<const v1::VirtualIPReport*> sorted_virtual_ips(const v1::NodeReport& report);

// Those that carry the VirtualIP, IPv4 first (it leads).
[[nodiscard]] std::vector<const v1::RouterReport*> routers_of(const v1::NodeReport& report,
                                                              const v1::VirtualIPReport& vip);
[[nodiscard]] const v1::RouterReport* find_router(const v1::NodeReport& report, std::string_view id);

// The same report with nothing in it but this VirtualIP, its routers and their transitions.
[[nodiscard]] v1::NodeReport only(const v1::NodeReport& report, const v1::VirtualIPReport& vip);

// The condition that says why it is not served: "Accepted" or the like with status False; null if all is
// well.
[[nodiscard]] const v1::Condition* failing_condition(const v1::VirtualIPReport& vip);

// Sentences about the node as a whole that put everything else into doubt; empty when all is well.
[[nodiscard]] std::vector<std::string> attention(const v1::NodeReport& report);

// Refused definitions, one line each: origin, JSON path, reason, message.
[[nodiscard]] std::vector<std::string> problem_lines(const v1::NodeReport& report);
[[nodiscard]] std::string problem_line(const v1::DefinitionProblem& problem);

}  // namespace vipra::cli
