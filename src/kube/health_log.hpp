// The log line of a resource that can, or can no longer, be read: one event name and one form for all
// readers.
#pragma once

#include <string>
#include <string_view>

#include "base/log.hpp"
#include "source_port/change.hpp"

namespace vipra::kube {

// `server`: who is asked now. Thread-safe as the logger is.
void log_health(const log::Logger& log, std::string_view resource, const std::string& server,
                const source::Health& health);

}  // namespace vipra::kube
