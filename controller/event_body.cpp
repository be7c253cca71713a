#include "controller/event_body.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/reason.hpp"
#include "kube_core/lease_machine.hpp"
#include "operator/status.hpp"

namespace vipra::controller {

using nlohmann::json;

namespace {

// The bounds of the API.
constexpr std::size_t kMaxNote = 1024;
constexpr std::size_t kMaxInstance = 128;

}  // namespace

EventBody event_body(const cluster::Event& event, const std::string& reporter, std::int64_t unix_ns) {
  std::array<char, 24> suffix{};
  (void)std::snprintf(suffix.data(), suffix.size(), ".%016llx", static_cast<unsigned long long>(unix_ns));
  EventBody out;
  out.name = event.object.substr(0, 253 - suffix.size()) + suffix.data();
  out.json = json{{"apiVersion", "events.k8s.io/v1"},
                  {"kind", "Event"},
                  {"metadata", {{"name", out.name}, {"namespace", kEventNamespace}}},
                  {"eventTime", kube::micro_time(unix_ns)},
                  {"regarding",
                   {{"apiVersion", "vipra.dev/v1alpha1"},
                    {"kind", "VirtualIP"},
                    {"name", event.object},
                    {"uid", event.uid}}},
                  {"type", event.warning ? "Warning" : "Normal"},
                  {"reason", std::string{to_string(event.reason)}},
                  {"action", "Elect"},
                  {"note", cluster::truncated(event.message, kMaxNote)},
                  {"reportingController", "vipra-controller"},
                  {"reportingInstance", reporter.substr(0, kMaxInstance)}}
                 .dump(-1, ' ', false, json::error_handler_t::replace);
  return out;
}

}  // namespace vipra::controller
