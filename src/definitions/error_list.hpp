// Collects what is wrong with one object, with the JSON path of each place. Bounded: a hostile object cannot
// make the list, or one message, long.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "definitions/parse.hpp"

namespace vipra::definitions {

// A place in an object, as a list on the stack: the text is made only if there is something to say about it.
class Path {
 public:
  constexpr Path() = default;
  [[nodiscard]] Path field(std::string_view name) const noexcept { return Path{this, name, kField}; }
  [[nodiscard]] Path item(std::size_t index) const noexcept { return Path{this, {}, index}; }
  [[nodiscard]] Path key(std::string_view name) const noexcept { return Path{this, name, kKey}; }
  [[nodiscard]] std::string to_string()
      const;  // spec.checks[0].http.port; spec.nodeSelector.matchLabels[zone]

 private:
  static constexpr std::size_t kField = static_cast<std::size_t>(-1);
  static constexpr std::size_t kKey = static_cast<std::size_t>(-2);
  Path(const Path* parent, std::string_view name, std::size_t index)
      : parent_{parent}, name_{name}, index_{index} {}

  const Path* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = kField;
};

class ErrorList {
 public:
  void add(const Path& path, Reason reason, std::string message) {
    add(path.to_string(), reason, std::move(message));
  }
  void add(std::string path, Reason reason, std::string message);
  // All that were found, also those beyond the capacity.
  [[nodiscard]] std::size_t found() const noexcept { return found_; }
  [[nodiscard]] std::vector<FieldError> take() && { return std::move(errors_); }

 private:
  std::vector<FieldError> errors_;
  std::size_t found_ = 0;
};

// Text from outside, fit for a message: shortened, in quotes, with control characters escaped.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace vipra::definitions
