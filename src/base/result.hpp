// The one error type. A function that can fail for reasons outside the program returns Result<T>; codecs
// return tl::expected<T, DropReason> instead, because their reasons are metric labels.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace vipra {

enum class Errc : std::uint8_t { kInvalid, kNotFound, kConflict, kPermission, kTimeout, kIo, kUnsupported };

struct Error {
  Errc code = Errc::kInvalid;
  int sys_errno = 0;  // 0 where no system call failed
  std::string what;   // one sentence: what failed, on what
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string what, int sys_errno = 0) {
  return tl::unexpected<Error>{Error{code, sys_errno, std::move(what)}};
}

// "what: strerror(sys_errno)" for a failed system call; takes errno as an argument so that nothing clobbers
// it.
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string what, int sys_errno);

}  // namespace vipra
