// What is known of one thing that a router tracks.
#pragma once

#include <cstdint>
#include <string>

#include "base/reason.hpp"

namespace vipra::track {

struct Verdict {
  // Unknown is neither: nothing follows from it, as from kOk.
  enum class Outcome : std::uint8_t { kUnknown, kOk, kFailed } outcome = Outcome::kUnknown;
  Reason reason = Reason::kNone;  // of a failure
  std::string detail;             // one sentence for people

  [[nodiscard]] bool failed() const noexcept { return outcome == Outcome::kFailed; }
  bool operator==(const Verdict&) const = default;
};

}  // namespace vipra::track
