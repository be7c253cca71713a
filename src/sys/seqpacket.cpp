#include "sys/seqpacket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/check.hpp"

namespace vipra::sys {
namespace {

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail(Errc::kInvalid, "the socket path is longer than 107 bytes: " + path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

SeqPacket::SeqPacket(UniqueFd fd) : fd_{std::move(fd)}, buffer_(kMaxDatagram) {
  // The host's default may be smaller than our largest message, which would then never go out.
  const int size = 2 * static_cast<int>(kMaxDatagram);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

Result<std::pair<UniqueFd, UniqueFd>> SeqPacket::pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0) {
    return fail_errno("cannot make a socket pair", errno);
  }
  return std::pair{UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

Result<SeqPacket> SeqPacket::connect(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return tl::unexpected{address.error()};
  UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_errno("cannot make a Unix socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) < 0) {
    return fail_errno("cannot connect to " + path, errno);
  }
  return SeqPacket{std::move(fd)};
}

SendOutcome SeqPacket::send(std::span<const std::uint8_t> message, std::span<const int> fds) {
  VIPRA_CHECK(message.size() <= kMaxDatagram && fds.size() <= kMaxFds);
  iovec part{const_cast<std::uint8_t*>(message.data()), message.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  while (::sendmsg(fd_.get(), &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    const bool full = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS;
    return full ? SendOutcome::kWouldBlock : SendOutcome::kClosed;
  }
  return SendOutcome::kSent;
}

Received SeqPacket::receive() {
  iovec part{buffer_.data(), buffer_.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = 0;
  while ((size = ::recvmsg(fd_.get(), &header, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno == EINTR) continue;
    Received nothing;
    nothing.kind = errno == EAGAIN ? Received::Kind::kNothing : Received::Kind::kClosed;
    return nothing;
  }
  Received out;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t i = 0; CMSG_LEN(sizeof(int) * (i + 1)) <= item->cmsg_len; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof fd);
      out.fds.emplace_back(fd);
    }
  }
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    out.fds.clear();
    out.kind = Received::Kind::kTruncated;
  } else if (size == 0) {
    out.kind = Received::Kind::kClosed;  // we never send an empty message
  } else {
    out.kind = Received::Kind::kMessage;
    out.bytes = {buffer_.data(), static_cast<std::size_t>(size)};
  }
  return out;
}

Result<PeerCredentials> SeqPacket::peer() const {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) {
    return fail_errno("cannot read the peer's credentials", errno);
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

Result<UniqueFd> listen_seqpacket(const std::string& path, unsigned mode, gid_t group) {
  const auto address = unix_address(path);
  if (!address) return tl::unexpected{address.error()};
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return fail(Errc::kConflict, path + " is a directory");
    if (::unlink(path.c_str()) < 0) return fail_errno("cannot replace the old socket " + path, errno);
  }
  UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return fail_errno("cannot make a Unix socket", errno);
  // Bound with no permission for anybody, opened up only once owner and mode are right.
  const mode_t old_mask = ::umask(0777);
  const int rc = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int bind_errno = errno;
  ::umask(old_mask);
  if (rc < 0) return fail_errno("cannot bind " + path, bind_errno);
  if (::chown(path.c_str(), static_cast<uid_t>(-1), group) < 0)
    return fail_errno("cannot give " + path + " its group", errno);
  if (::chmod(path.c_str(), mode) < 0) return fail_errno("cannot set the mode of " + path, errno);
  if (::listen(fd.get(), 4) < 0) return fail_errno("cannot listen on " + path, errno);
  return fd;
}

}  // namespace vipra::sys
