// VIPRA_CHECK(condition): for what this program promised itself. It stays on in release builds. Never use it
// on what others send (packets, JSON, kernel replies): that is handled, not asserted.
#pragma once

namespace vipra::detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace vipra::detail

#define VIPRA_CHECK(condition)                                       \
  do {                                                               \
    if (!(condition)) [[unlikely]]                                   \
      ::vipra::detail::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
