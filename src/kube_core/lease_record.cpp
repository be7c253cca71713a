#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/utc.hpp"
#include "kube_core/lease_machine.hpp"
#include "kube_core/object.hpp"

namespace vipra::kube {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMaxSeconds = 3600;

std::string text(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it == json.end() || !it->is_string() ? std::string{} : it->get<std::string>().substr(0, 256);
}

std::int64_t number(const Json& json, const char* key, std::int64_t max) {
  const auto it = json.find(key);
  return it == json.end() || !it->is_number_integer()
             ? 0
             : std::clamp<std::int64_t>(it->get<std::int64_t>(), 0, max);
}

}  // namespace

std::string micro_time(std::int64_t unix_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto seconds = unix_ns / kSecond - (unix_ns % kSecond < 0 ? 1 : 0);
  std::array<char, 16> micros{};
  (void)std::snprintf(micros.data(), micros.size(), ".%06dZ",
                      static_cast<int>((unix_ns - seconds * kSecond) / 1000));
  auto out = utc_text(seconds);
  out.pop_back();
  return out + micros.data();
}

Result<LeaseRecord> parse_lease(std::string_view body) {
  const auto json = parse_json(body);
  if (!json) return tl::unexpected{json.error()};
  if (!json->is_object() || !json->contains("metadata") || !(*json)["metadata"].is_object())
    return fail(Errc::kInvalid, "the answer is no Lease");
  const auto& metadata = (*json)["metadata"];
  LeaseRecord out;
  out.resource_version = text(metadata, "resourceVersion");
  if (out.resource_version.empty()) return fail(Errc::kInvalid, "a Lease without a resourceVersion");
  out.metadata = metadata.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto spec = json->find("spec");
  if (spec == json->end() || !spec->is_object()) return out;
  out.holder = text(*spec, "holderIdentity");
  out.duration_seconds = number(*spec, "leaseDurationSeconds", kMaxSeconds);
  out.acquire_time = text(*spec, "acquireTime");
  out.renew_time = text(*spec, "renewTime");
  out.transitions = number(*spec, "leaseTransitions", INT32_MAX - 1);
  return out;
}

std::string lease_body(const LeaseRecord& record, std::string_view name_space, std::string_view name) {
  auto metadata = Json::parse(record.metadata, nullptr, false);
  if (!metadata.is_object()) metadata = Json::object();
  metadata["name"] = name;
  metadata["namespace"] = name_space;
  if (record.resource_version.empty()) {
    metadata.erase("resourceVersion");
  } else {
    metadata["resourceVersion"] = record.resource_version;
  }
  const Json lease{{"apiVersion", "coordination.k8s.io/v1"},
                   {"kind", "Lease"},
                   {"metadata", std::move(metadata)},
                   {"spec",
                    {{"holderIdentity", record.holder},
                     {"leaseDurationSeconds", record.duration_seconds},
                     {"acquireTime", record.acquire_time},
                     {"renewTime", record.renew_time},
                     {"leaseTransitions", record.transitions}}}};
  return lease.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace vipra::kube
