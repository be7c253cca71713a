// Text as it goes to a terminal: nothing that came from elsewhere may move the cursor, and ages read as
// people say them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vipra::cli {

// Control characters (C0, DEL, C1), what reorders or hides text (bidirectional controls, zero width, line and
// paragraph separators) and bytes that are no UTF-8, escaped as \n, \t, \x1b or \u202e. The rest as it is.
[[nodiscard]] std::string printable(std::string_view text);

// Columns on a terminal, one a code point: good enough for names and addresses.
[[nodiscard]] std::size_t display_width(std::string_view text);

// "12s", "5m3s", "3h12m", "2d4h"; "0s" for less than a second and for what lies in the future.
[[nodiscard]] std::string humanised(std::int64_t duration_ns);
// humanised(now - since), "-" where since is 0 (unknown).
[[nodiscard]] std::string age(std::int64_t since_unix_ns, std::int64_t now_unix_ns);
// "100ms", "1s", "40.95s".
[[nodiscard]] std::string interval_text(std::int64_t interval_ns);
// "2026-11-22 01:22:15 UTC"; with milliseconds for lines that are compared with a packet capture.
[[nodiscard]] std::string utc(std::int64_t unix_ns);
[[nodiscard]] std::string utc_millis(std::int64_t unix_ns);

[[nodiscard]] std::string joined(const std::vector<std::string>& parts, std::string_view separator);

// Rows of cells, left-aligned, two blanks between columns, no blanks at the end of a line. The first row is
// the heading. An empty cell becomes "-".
[[nodiscard]] std::string table_text(const std::vector<std::vector<std::string>>& rows);

// Names within a small edit distance of `wanted`, or that contain it, best first, at most `limit`.
[[nodiscard]] std::vector<std::string> close_names(std::string_view wanted,
                                                   const std::vector<std::string>& names, std::size_t limit);

}  // namespace vipra::cli
