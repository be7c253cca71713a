// Errors that name the interface and say what can be done.
#pragma once

#include <net/if.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace vipra::net {

[[nodiscard]] inline std::string describe_interface(int index) {
  std::array<char, IF_NAMESIZE> name{};
  const bool known = index > 0 && ::if_indextoname(static_cast<unsigned>(index), name.data()) != nullptr;
  return "interface " + (known ? std::string{name.data()} + " (index " : std::string{"(index "}) +
         std::to_string(index) + ")";
}

// "what: strerror; advice"
[[nodiscard]] inline tl::unexpected<Error> fail_with_advice(std::string what, int sys_errno,
                                                            std::string_view advice) {
  auto failure = fail_errno(std::move(what), sys_errno);
  if (!advice.empty()) failure.value().what.append("; ").append(advice);
  return failure;
}

[[nodiscard]] inline std::string_view socket_advice(int sys_errno) noexcept {
  switch (sys_errno) {
    case EPERM:
    case EACCES:
      return "the process needs CAP_NET_RAW and CAP_NET_ADMIN in this network namespace";
    case ENODEV:
    case ENXIO:
      return "the interface is gone";
    case EAFNOSUPPORT:
      return "the kernel was started without this address family";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files";
    case ENOBUFS:
    case ENOMEM:
      return "raise net.ipv4.igmp_max_memberships or net.core.optmem_max";
    default:
      return {};
  }
}

}  // namespace vipra::net
