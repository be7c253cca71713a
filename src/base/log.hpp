// Structured log: one JSON object a line, with a stable event name and typed fields. Handed in, never global.
// write() never blocks and never allocates beyond its line: lines go through a Sink, which drops (and counts)
// when it cannot keep up. Levels below the logger's are skipped before anything is formatted.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace vipra::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError };
[[nodiscard]] std::string_view to_string(Level level) noexcept;

struct Field {
  using Value = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view>;

  Field(std::string_view k, std::string_view v) : key{k}, value{v} {}
  Field(std::string_view k, const char* v) : key{k}, value{std::string_view{v}} {}
  Field(std::string_view k, const std::string& v) : key{k}, value{std::string_view{v}} {}
  Field(std::string_view k, bool v) : key{k}, value{v} {}
  Field(std::string_view k, double v) : key{k}, value{v} {}
  template <std::signed_integral T>
  Field(std::string_view k, T v) : key{k}, value{static_cast<std::int64_t>(v)} {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Field(std::string_view k, T v) : key{k}, value{static_cast<std::uint64_t>(v)} {}

  std::string_view key;
  Value value;
};

// Takes whole lines (with the final newline). Thread-safe; must not block.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write_line(std::string_view line) noexcept = 0;
};

// Thread-safe as its sink is. The wall clock of a line is read by the sink's owner through `now_unix_ns`.
class Logger {
 public:
  using WallClock = std::int64_t (*)() noexcept;  // nanoseconds since 1970

  Logger(Sink& sink, WallClock now_unix_ns, std::string_view process, Level minimum = Level::kInfo)
      : sink_{&sink}, now_{now_unix_ns}, process_{process}, minimum_{minimum} {}

  void write(Level level, std::string_view event, std::initializer_list<Field> fields) const noexcept;
  void debug(std::string_view event, std::initializer_list<Field> fields = {}) const noexcept {
    write(Level::kDebug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<Field> fields = {}) const noexcept {
    write(Level::kInfo, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<Field> fields = {}) const noexcept {
    write(Level::kWarning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) const noexcept {
    write(Level::kError, event, fields);
  }
  [[nodiscard]] bool enabled(Level level) const noexcept { return level >= minimum_; }

 private:
  Sink* sink_;
  WallClock now_;
  std::string process_;
  Level minimum_;
};

// Discards everything: for tests and tools.
class NullSink final : public Sink {
 public:
  void write_line(std::string_view) noexcept override {}
};

// One log line without time stamp and process, for tests of the format.
inline constexpr std::size_t kMaxLine = 2048;  // longer lines lose their last fields and say "truncated":true
[[nodiscard]] std::string_view format_line(char (&buffer)[kMaxLine], std::int64_t unix_ns,
                                           std::string_view process, Level level, std::string_view event,
                                           std::initializer_list<Field> fields) noexcept;

}  // namespace vipra::log
