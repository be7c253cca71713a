#include "definitions/duration.hpp"

#include <array>
#include <cstdint>

namespace vipra::definitions {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kMaxParts = 4;
constexpr int kMaxDigits = 5;
constexpr std::int64_t kMaxHours = 99'999;

std::optional<Duration> unit_of(std::string_view unit) noexcept {
  if (unit == "h") return hours{1};
  if (unit == "m") return minutes{1};
  if (unit == "s") return seconds{1};
  if (unit == "ms") return milliseconds{1};
  return std::nullopt;
}

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  Duration sum{};
  for (int part = 0; !text.empty(); ++part) {
    if (part == kMaxParts) return std::nullopt;
    std::int64_t number = 0;
    int digits = 0;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
      if (++digits > kMaxDigits) return std::nullopt;
      number = number * 10 + (text.front() - '0');
    }
    std::size_t unit_length = 0;
    while (unit_length < text.size() && !is_digit(text[unit_length])) ++unit_length;
    const auto unit = unit_of(text.substr(0, unit_length));
    if (digits == 0 || !unit) return std::nullopt;
    sum += *unit * number;  // at most 4 x 99999 h: far from the end of 64 bits
    text.remove_prefix(unit_length);
  }
  return sum;
}

std::optional<std::string> format_duration(Duration duration) {
  if (duration < Duration::zero() || duration % milliseconds{1} != Duration::zero()) return std::nullopt;
  if (duration / hours{1} > kMaxHours) return std::nullopt;
  if (duration == Duration::zero()) return "0s";
  struct Unit {
    Duration size;
    std::string_view name;
  };
  static constexpr std::array<Unit, 4> kUnits{
      {{hours{1}, "h"}, {minutes{1}, "m"}, {seconds{1}, "s"}, {milliseconds{1}, "ms"}}};
  std::string out;
  for (const auto& unit : kUnits) {
    const auto number = duration / unit.size;
    duration %= unit.size;
    if (number != 0) out.append(std::to_string(number)).append(unit.name);
  }
  return out;
}

}  // namespace vipra::definitions
