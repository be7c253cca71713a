#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <numeric>

#include "report/utf8.hpp"

namespace vipra::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

char32_t decode(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  switch (sequence.size()) {
    case 2:
      return static_cast<char32_t>(((byte(0) & 0x1fU) << 6U) | (byte(1) & 0x3fU));
    case 3:
      return static_cast<char32_t>(((byte(0) & 0x0fU) << 12U) | ((byte(1) & 0x3fU) << 6U) |
                                   (byte(2) & 0x3fU));
    case 4:
      return static_cast<char32_t>(((byte(0) & 0x07U) << 18U) | ((byte(1) & 0x3fU) << 12U) |
                                   ((byte(2) & 0x3fU) << 6U) | (byte(3) & 0x3fU));
    default:
      return byte(0);
  }
}

struct CodeRange {
  char32_t first, last;
};
constexpr std::array<CodeRange, 7> kUnsafe{{{0x00, 0x1f},
                                            {0x7f, 0x9f},
                                            {0x61c, 0x61c},
                                            {0x200b, 0x200f},
                                            {0x2028, 0x202e},
                                            {0x2060, 0x206f},
                                            {0xfeff, 0xfeff}}};

bool is_unsafe(char32_t code) {
  return std::any_of(kUnsafe.begin(), kUnsafe.end(),
                     [&](const CodeRange& range) { return code >= range.first && code <= range.last; });
}

std::string escaped(const char* format, unsigned value) {
  std::array<char, 12> buffer{};
  (void)std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

std::string escaped_code(char32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  return escaped(code < 0x100 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(code));
}

std::string date_and_time(std::int64_t unix_ns, bool millis) {
  using namespace std::chrono;
  const sys_time<nanoseconds> at{nanoseconds{unix_ns}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{floor<milliseconds>(at - day)};
  std::array<char, 64> buffer{};
  (void)std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02u %02d:%02d:%02d",
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                      static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  std::string out = buffer.data();
  if (millis) {
    (void)std::snprintf(buffer.data(), buffer.size(), ".%03d", static_cast<int>(time.subseconds().count()));
    out += buffer.data();
  }
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = report::utf8_sequence_length(text);
    if (length == 0) {
      out += escaped("\\x%02x", static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    const auto code = decode(text.substr(0, length));
    out += is_unsafe(code) ? escaped_code(code) : std::string{text.substr(0, length)};
    text.remove_prefix(length);
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string humanised(std::int64_t duration_ns) {
  const std::int64_t seconds = std::max<std::int64_t>(duration_ns, 0) / kSecond;
  struct Unit {
    std::int64_t seconds;
    char name;
  };
  constexpr std::array<Unit, 4> kUnits{{{86'400, 'd'}, {3'600, 'h'}, {60, 'm'}, {1, 's'}}};
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    if (seconds < kUnits[i].seconds) continue;
    std::string out = std::to_string(seconds / kUnits[i].seconds) + kUnits[i].name;
    if (i + 1 < kUnits.size()) {
      const auto rest = seconds % kUnits[i].seconds / kUnits[i + 1].seconds;
      if (rest > 0) out += std::to_string(rest) + kUnits[i + 1].name;
    }
    return out;
  }
  return "0s";
}

std::string age(std::int64_t since_unix_ns, std::int64_t now_unix_ns) {
  return since_unix_ns == 0 ? "-" : humanised(now_unix_ns - since_unix_ns);
}

std::string interval_text(std::int64_t interval_ns) {
  constexpr std::int64_t kMillisecond = 1'000'000;
  if (interval_ns < kSecond) return std::to_string(interval_ns / kMillisecond) + "ms";
  std::string out = std::to_string(interval_ns / kSecond);
  const auto rest = interval_ns % kSecond / kMillisecond;
  if (rest > 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
  }
  return out + "s";
}

std::string utc(std::int64_t unix_ns) {
  return date_and_time(unix_ns, false) + " UTC";
}
std::string utc_millis(std::int64_t unix_ns) {
  return date_and_time(unix_ns, true) + " UTC";
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], std::max<std::size_t>(display_width(row[i]), 1));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = row[i].empty() ? "-" : row[i];
      out += cell;
      if (i + 1 < row.size()) out += std::string(widths[i] - display_width(cell) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::vector<std::string> close_names(std::string_view wanted, const std::vector<std::string>& names,
                                     std::size_t limit) {
  constexpr std::size_t kLongestCompared = 253;  // a DNS name
  struct Candidate {
    std::size_t distance;
    std::string name;
  };
  std::vector<Candidate> candidates;
  if (wanted.empty() || wanted.size() > kLongestCompared) return {};
  const std::size_t tolerated = std::max<std::size_t>(1, wanted.size() / 3);
  for (const auto& name : names) {
    if (name.size() > kLongestCompared) continue;
    const auto distance = edit_distance(wanted, name);
    const bool inside = wanted.size() >= 2 && name.find(wanted) != std::string::npos;
    if (distance <= tolerated || inside) candidates.push_back({inside ? 0 : distance, name});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.distance < b.distance; });
  std::vector<std::string> out;
  for (auto& candidate : candidates) {
    if (out.size() < limit) out.push_back(std::move(candidate.name));
  }
  return out;
}

}  // namespace vipra::cli
