#include "base/result.hpp"

#include <cerrno>
#include <system_error>

namespace vipra {

tl::unexpected<Error> fail_errno(std::string what, int sys_errno) {
  what += ": ";
  what += std::generic_category().message(sys_errno);
  const auto code = sys_errno == EPERM || sys_errno == EACCES                          ? Errc::kPermission
                    : sys_errno == ENOENT || sys_errno == ENODEV || sys_errno == ENXIO ? Errc::kNotFound
                                                                                       : Errc::kIo;
  return fail(code, std::move(what), sys_errno);
}

}  // namespace vipra
