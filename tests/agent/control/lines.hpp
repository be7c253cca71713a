// Keeps log lines, for tests that ask whether something was said at all.
#pragma once

#include <mutex>
#include <string>

#include "base/log.hpp"

namespace vipra::test {

class Lines final : public log::Sink {
 public:
  void write_line(std::string_view line) noexcept override {
    const std::lock_guard lock{mutex_};
    text_ += line;
  }
  // How many lines of this event.
  [[nodiscard]] std::size_t count(const std::string& event) const {
    const std::lock_guard lock{mutex_};
    const auto wanted = "\"event\":\"" + event + "\"";
    std::size_t count = 0;
    for (auto at = text_.find(wanted); at != std::string::npos; at = text_.find(wanted, at + 1)) ++count;
    return count;
  }
  [[nodiscard]] bool says(const std::string& text) const {
    const std::lock_guard lock{mutex_};
    return text_.find(text) != std::string::npos;
  }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock{mutex_};
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace vipra::test
