// Reading JSON that comes from outside: what is not there, or is something else, is nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace vipra::kube {

// The member, or null.
[[nodiscard]] inline const nlohmann::json& member(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

[[nodiscard]] inline std::string text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : std::string{};
}
[[nodiscard]] inline std::string text(const nlohmann::json& object, const char* key) {
  return text(member(object, key));
}

}  // namespace vipra::kube
