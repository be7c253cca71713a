// proto3 strings must be UTF-8: one file name or server answer that is not would make a client refuse the
// whole report. So whatever comes from outside is repaired before it is sent. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace vipra::report::v1 {
class NodeReport;
}  // namespace vipra::report::v1

namespace vipra::report {

// Each byte that is no part of well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates) becomes U+FFFD.
[[nodiscard]] std::string repaired_utf8(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// Bytes of the well-formed sequence that `text` begins with: 1 to 4, or 0 if there is none.
[[nodiscard]] std::size_t utf8_sequence_length(std::string_view text) noexcept;

// Every string of the report, nested ones too.
void for_each_string(const v1::NodeReport& report, const std::function<void(const std::string&)>& visit);
[[nodiscard]] bool all_strings_utf8(const v1::NodeReport& report);
void repair_strings(v1::NodeReport& report);

}  // namespace vipra::report
