// A network namespace without a name: it lives as long as this object or a process in it, so a killed lab
// leaves none behind. People enter it with `nsenter --net=<path()>` while the lab runs.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {

class NetNamespace {
 public:
  // A fresh namespace with `lo` up. Needs CAP_SYS_ADMIN. The calling thread stays where it is.
  [[nodiscard]] static Result<NetNamespace> make();
  // The one the calling thread is in, which may be the host's: never for Workspace::guard(), which kills.
  [[nodiscard]] static Result<NetNamespace> current();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] ino_t inode() const noexcept { return inode_; }
  [[nodiscard]] std::string path() const;  // /proc/<this process>/fd/<n>

 private:
  [[nodiscard]] static Result<NetNamespace> from(UniqueFd fd);
  NetNamespace(UniqueFd fd, ino_t inode) noexcept : fd_{std::move(fd)}, inode_{inode} {}

  UniqueFd fd_;
  ino_t inode_;
};

// The calling thread is inside the namespace while this object lives; sockets opened meanwhile stay there for
// good. /proc/sys/net follows; /sys/class/net does not.
class Entered {
 public:
  explicit Entered(const NetNamespace& net);
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  ~Entered();

 private:
  UniqueFd before_;
};

// Writes a file below /proc/sys/net of that namespace, e.g. ("ipv6/conf/all/accept_dad", "0").
[[nodiscard]] Status set_sysctl(const NetNamespace& net, const std::string& key, const std::string& value);

// Sets IFF_UP or clears it.
[[nodiscard]] Status set_link(const NetNamespace& net, const std::string& interface, bool up);

}  // namespace vipra::lab
