// The names of states and reasons as everybody sees them. A number that this build does not know (a newer
// agent) keeps its number. Pure.
#pragma once

#include <string>

#include "base/reason.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::cli {

namespace wire = vipra::reason::v1;

template <class Enum>
[[nodiscard]] std::string name_of(int number, const auto& known, const char* kind) {
  for (const Enum value : known) {
    if (static_cast<int>(value) == number) return std::string{to_string(value)};
  }
  return std::string{kind} + std::to_string(number);
}
[[nodiscard]] inline std::string name(wire::State state) {
  return name_of<State>(static_cast<int>(state), kAllStateValues, "State");
}
[[nodiscard]] inline std::string name(wire::Reason reason) {
  return name_of<Reason>(static_cast<int>(reason), kAllReasonValues, "Reason");
}
[[nodiscard]] inline std::string name(wire::DropReason reason) {
  return name_of<DropReason>(static_cast<int>(reason), kAllDropReasonValues, "DropReason");
}

}  // namespace vipra::cli
