#include "base/log.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

namespace vipra::log {
namespace {

// Bytes of the UTF-8 sequence that `text` begins with; 0 when it is not one (Unicode, table 3-7: neither
// overlong nor a surrogate nor beyond U+10FFFF).
std::size_t utf8_sequence(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

// Writes into a fixed buffer and remembers when it did not fit; a rollback leaves valid JSON.
class LineWriter {
 public:
  LineWriter(char* begin, std::size_t size) : at_{begin}, end_{begin + size} {}

  void raw(std::string_view text) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < text.size()) {
      overflow_ = true;
      return;
    }
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  // Whatever the bytes, the result is a JSON string that prints harmlessly: control characters (C1 too, which
  // terminals obey) are escaped, and what is not UTF-8 becomes U+FFFD.
  void quoted(std::string_view text) noexcept {
    raw("\"");
    while (!text.empty() && !overflow_) {
      const auto size = utf8_sequence(text);
      const auto first = static_cast<unsigned char>(text[0]);
      if (size == 0) {
        raw("\\ufffd");
      } else if (first == '"' || first == '\\') {
        const char escaped[2] = {'\\', text[0]};
        raw({escaped, 2});
      } else if (first < 0x20 || first == 0x7f) {
        control(first);
      } else if (first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) {
        control(static_cast<unsigned char>(text[1]));
      } else {
        raw(text.substr(0, size));
      }
      text.remove_prefix(size == 0 ? 1 : size);
    }
    raw("\"");
  }
  template <class T>
  void number(T value) noexcept {
    char text[32];
    const auto result = std::to_chars(text, text + sizeof text, value);
    raw({text, static_cast<std::size_t>(result.ptr - text)});
  }
  void value(const Field::Value& value) noexcept {
    std::visit(
        [this](auto v) {
          using T = decltype(v);
          if constexpr (std::is_same_v<T, std::string_view>) {
            quoted(v);
          } else if constexpr (std::is_same_v<T, bool>) {
            raw(v ? "true" : "false");
          } else if constexpr (std::is_same_v<T, double>) {
            if (std::isfinite(v))
              number(v);
            else
              raw("null");
          } else {
            number(v);
          }
        },
        value);
  }
  // Runs `write`; what did not fit whole leaves no trace. False then.
  template <class Write>
  [[nodiscard]] bool whole(Write write) noexcept {
    char* const before = at_;
    write();
    if (!overflow_) return true;
    at_ = before;
    overflow_ = false;
    return false;
  }
  [[nodiscard]] char* position() const noexcept { return at_; }

 private:
  void control(unsigned char byte) noexcept {
    static constexpr char kHex[] = "0123456789abcdef";
    const char escaped[6] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    raw({escaped, 6});
  }

  char* at_;
  char* end_;
  bool overflow_ = false;
};

void time_of_day(LineWriter& out, std::int64_t unix_ns) noexcept {
  // RFC 3339 in UTC with microseconds; days to a civil date as in "chrono-compatible low-level date
  // algorithms".
  const std::int64_t us = unix_ns / 1000;
  std::int64_t days = us / 86'400'000'000;
  std::int64_t rest = us % 86'400'000'000;
  if (rest < 0) rest += 86'400'000'000, --days;
  const std::int64_t z = days + 719'468;
  const std::int64_t era = (z >= 0 ? z : z - 146'096) / 146'097;
  const auto doe = static_cast<unsigned>(z - era * 146'097);
  const unsigned yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const unsigned mp = (5 * doy + 2) / 153;
  const unsigned day = doy - (153 * mp + 2) / 5 + 1;
  const unsigned month = mp < 10 ? mp + 3 : mp - 9;
  const auto year = static_cast<unsigned>(static_cast<std::int64_t>(yoe) + era * 400 + (month <= 2 ? 1 : 0));
  const auto put = [](char* to, unsigned value, int width) {
    for (int i = width - 1; i >= 0; --i, value /= 10) to[i] = static_cast<char>('0' + value % 10);
  };
  char text[] = "0000-00-00T00:00:00.000000Z";
  const auto seconds = static_cast<unsigned>(rest / 1'000'000);
  put(text, year, 4), put(text + 5, month, 2), put(text + 8, day, 2);
  put(text + 11, seconds / 3600, 2), put(text + 14, seconds / 60 % 60, 2), put(text + 17, seconds % 60, 2);
  put(text + 20, static_cast<unsigned>(rest % 1'000'000), 6);
  out.quoted(text);
}

}  // namespace

std::string_view to_string(Level level) noexcept {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "unknown";
}

std::string_view format_line(char (&buffer)[kMaxLine], std::int64_t unix_ns, std::string_view process,
                             Level level, std::string_view event,
                             std::initializer_list<Field> fields) noexcept {
  static constexpr std::string_view kTruncated = ",\"truncated\":true}\n";
  LineWriter out{buffer, kMaxLine - kTruncated.size()};
  out.raw("{\"time\":");
  time_of_day(out, unix_ns);
  bool complete = true;
  const auto member = [&](const Field& field) {
    const bool fits =
        out.whole([&] { out.raw(","), out.quoted(field.key), out.raw(":"), out.value(field.value); });
    complete = complete && fits;
  };
  member({"level", to_string(level)});
  member({"process", process});
  member({"event", event});
  for (const auto& field : fields) member(field);
  const auto ending = complete ? std::string_view{"}\n"} : kTruncated;
  std::memcpy(out.position(), ending.data(), ending.size());
  return {buffer, static_cast<std::size_t>(out.position() - buffer) + ending.size()};
}

void Logger::write(Level level, std::string_view event, std::initializer_list<Field> fields) const noexcept {
  if (!enabled(level)) return;
  char buffer[kMaxLine];
  sink_->write_line(format_line(buffer, now_(), process_, level, event, fields));
}

}  // namespace vipra::log
