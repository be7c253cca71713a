#include "controller/event_body.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/reason.hpp"
#include "operator/status.hpp"

namespace vipra::controller {

using nlohmann::json;

EventBody event_body(const cluster::Event& event, const std::string& reporter, std::int64_t unix_ns) {
  std::array<char, 24> suffix{};
  (void)std::snprintf(suffix.data(), suffix.size(), ".%016llx", static_cast<unsigned long long>(unix_ns));
  EventBody out;
  out.name = event.object.substr(0, 253 - suffix.size()) + suffix.data();
  const auto time = cluster::format_time(unix_ns / 1'000'000'000);
  out.json = json{{"apiVersion", "v1"},
                  {"kind", "Event"},
                  {"metadata", {{"name", out.name}, {"namespace", kEventNamespace}}},
                  {"involvedObject",
                   {{"apiVersion", "vipra.dev/v1alpha1"},
                    {"kind", "VirtualIP"},
                    {"name", event.object},
                    {"uid", event.uid}}},
                  {"type", event.warning ? "Warning" : "Normal"},
                  {"reason", std::string{to_string(event.reason)}},
                  {"message", event.message},
                  {"source", {{"component", "vipra-controller"}, {"host", reporter}}},
                  {"reportingComponent", "vipra-controller"},
                  {"reportingInstance", reporter},
                  {"firstTimestamp", time},
                  {"lastTimestamp", time},
                  {"count", 1}}
                 .dump(-1, ' ', false, json::error_handler_t::replace);
  return out;
}

}  // namespace vipra::controller
