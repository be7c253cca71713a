#include "report/unix_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace vipra::report {
namespace {

// Not blocking: a live server whose accept queue is full answers EAGAIN, which is an answer.
int connect_errno(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int rc = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  ::close(fd);
  return rc;
}

}  // namespace

Result<SocketState> probe_unix_socket(const std::string& path) {
  if (path.empty() || path.size() > kMaxSocketPath || path.find('\0') != std::string::npos) {
    return fail(Errc::kInvalid,
                "the path of a socket has 1 to " + std::to_string(kMaxSocketPath) + " bytes: " + path);
  }
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return SocketState::kAbsent;
    if (errno == EACCES) return SocketState::kNoAccess;
    return fail_errno("cannot look at " + path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) return SocketState::kForeign;
  switch (const int error = connect_errno(path)) {
    case 0:
    case EAGAIN:
      return SocketState::kLive;
    case ECONNREFUSED:
      return SocketState::kStale;
    case ENOENT:
      return SocketState::kAbsent;
    case EACCES:
    case EPERM:
      return SocketState::kNoAccess;
    case EPROTOTYPE:
      return SocketState::kForeign;
    default:
      return fail_errno("cannot connect to " + path, error);
  }
}

std::string grpc_unix_target(const std::string& path) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string target = "unix:";
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos) {
      target += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    target += '%';
    target += kHex[byte >> 4U];
    target += kHex[byte & 15U];
  }
  return target;
}

}  // namespace vipra::report
