#include "lab/net_namespace.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/check.hpp"

namespace vipra::lab {
namespace {

constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

Status set_link_here(const std::string& interface, bool up) {
  const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0)
    return fail_errno("read the flags of " + interface, errno);
  const int flags = up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
  request.ifr_flags = static_cast<short>(flags);
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0)
    return fail_errno("set " + interface + (up ? " up" : " down"), errno);
  return {};
}

}  // namespace

Result<NetNamespace> NetNamespace::make() {
  UniqueFd fd;
  int error = 0;
  // A thread that ends right after: the caller's namespace is never at stake.
  std::thread{[&] {
    if (::unshare(CLONE_NEWNET) < 0) {
      error = errno;
      return;
    }
    fd = UniqueFd{::open(kOwnNamespace, O_RDONLY | O_CLOEXEC)};
    if (!fd)
      error = errno;
    else if (const auto up = set_link_here("lo", true); !up)
      error = up.error().sys_errno;
  }}.join();
  if (error != 0) return fail_errno("make a network namespace", error);
  return from(std::move(fd));
}

Result<NetNamespace> NetNamespace::current() {
  UniqueFd fd{::open(kOwnNamespace, O_RDONLY | O_CLOEXEC)};
  if (!fd) return fail_errno("open the network namespace of this thread", errno);
  return from(std::move(fd));
}

Result<NetNamespace> NetNamespace::from(UniqueFd fd) {
  struct stat info{};
  if (::fstat(fd.get(), &info) < 0) return fail_errno("look at a network namespace", errno);
  return NetNamespace{std::move(fd), info.st_ino};
}

std::string NetNamespace::path() const {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_.get());
}

Entered::Entered(const NetNamespace& net) : before_{::open(kOwnNamespace, O_RDONLY | O_CLOEXEC)} {
  VIPRA_CHECK(before_);
  VIPRA_CHECK(::setns(net.fd(), CLONE_NEWNET) == 0);
}

Entered::~Entered() {
  VIPRA_CHECK(::setns(before_.get(), CLONE_NEWNET) == 0);
}

Status set_sysctl(const NetNamespace& net, const std::string& key, const std::string& value) {
  const Entered inside{net};
  const std::string path = "/proc/sys/net/" + key;
  const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file || ::write(file.get(), value.data(), value.size()) < 0) return fail_errno("write " + path, errno);
  return {};
}

Status set_link(const NetNamespace& net, const std::string& interface, bool up) {
  const Entered inside{net};
  return set_link_here(interface, up);
}

}  // namespace vipra::lab
