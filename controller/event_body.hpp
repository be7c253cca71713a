// An Event (events.k8s.io/v1) about a VirtualIP. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "operator/reduce.hpp"

namespace vipra::controller {

// Events about objects without a namespace live in this one.
inline constexpr const char* kEventNamespace = "default";

struct EventBody {
  std::string name;
  std::string json;
};
[[nodiscard]] EventBody event_body(const cluster::Event& event, const std::string& reporter,
                                   std::int64_t unix_ns);

}  // namespace vipra::controller
