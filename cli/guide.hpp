// What every state and reason means and what a person can do about it: one line each. `vipctl explain` and
// docs/reasons.md say the same, because both come from here. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/reason.hpp"

namespace vipra::cli {

struct Guide {
  std::string_view meaning;
  std::string_view action;  // empty: nothing to do
};

[[nodiscard]] Guide guide(State state) noexcept;
[[nodiscard]] Guide guide(Reason reason) noexcept;
[[nodiscard]] Guide guide(DropReason reason) noexcept;

// Of a number from the wire: nullopt if this build does not know it.
[[nodiscard]] std::optional<Guide> guide_of_reason(int number) noexcept;

}  // namespace vipra::cli
