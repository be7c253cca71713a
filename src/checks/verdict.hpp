// What a row of probe results means: passing or failing. Pure.
//
// A verdict changes after `rise` successes or `fall` failures in a row. The exception is the first result of
// a check of which nothing is known: it decides at once. Until then the check has no verdict and contributes
// nothing. So a node that has just started with a dead service stands back after one probe (milliseconds
// where the port is closed, the check's timeout at the most) instead of owning a VIP for `fall` intervals
// that it cannot serve; and a good one does not wait. Where something is known (control was restarted while
// the speaker went on, or the definition of a running check was edited) the old verdict is handed in as
// `prior`, and one result alone changes nothing.
#pragma once

#include <algorithm>
#include <optional>

namespace vipra::checks {

class Verdict {
 public:
  // rise and fall are at least 1.
  Verdict(int rise, int fall, std::optional<bool> prior = std::nullopt)
      : rise_{std::max(rise, 1)}, fall_{std::max(fall, 1)}, passing_{prior} {}

  // True when the verdict is another one than before, the first one included.
  bool step(bool success) {
    // The counts stop where they have said all they can: a state that says the same looks the same.
    successes_ = success ? std::min(successes_ + 1, rise_) : 0;
    failures_ = success ? 0 : std::min(failures_ + 1, fall_);
    const bool enough = success ? successes_ >= rise_ : failures_ >= fall_;
    if (passing_ == success || (passing_.has_value() && !enough)) return false;
    passing_ = success;
    return true;
  }

  [[nodiscard]] bool decided() const noexcept { return passing_.has_value(); }
  [[nodiscard]] bool passing() const noexcept { return passing_.value_or(false); }
  [[nodiscard]] std::optional<bool> known() const noexcept { return passing_; }
  [[nodiscard]] int successes() const noexcept { return successes_; }  // in a row, at most rise
  [[nodiscard]] int failures() const noexcept { return failures_; }    // in a row, at most fall

 private:
  int rise_;
  int fall_;
  std::optional<bool> passing_;
  int successes_ = 0;
  int failures_ = 0;
};

}  // namespace vipra::checks
