// What a fake API server answers for one resource, in words that tests can read.
#pragma once

#include <string>
#include <vector>

namespace vipra::test {

inline std::string item(const std::string& name, int version, const std::string& more = "") {
  return R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + name + R"(","resourceVersion":")" +
         std::to_string(version) + R"(","managedFields":[{}]})" + (more.empty() ? "" : "," + more) + "}";
}
inline std::string list_of(const std::vector<std::string>& items, int version,
                           const std::string& token = "") {
  std::string out = R"({"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":")" +
                    std::to_string(version) + R"(","continue":")" + token + R"("},"items":[)";
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "" : ",") + items[i];
  return out + "]}";
}
inline std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
inline std::string initial_end(int version) {
  return event("BOOKMARK", R"({"metadata":{"resourceVersion":")" + std::to_string(version) +
                               R"(","annotations":{"k8s.io/initial-events-end":"true"}}})");
}
inline std::string gone_in_stream() {
  return event("ERROR", R"({"kind":"Status","code":410,"message":"too old resource version"})");
}
inline std::string status_body(const std::string& message) {
  return R"({"kind":"Status","message":")" + message + "\"}";
}

}  // namespace vipra::test
