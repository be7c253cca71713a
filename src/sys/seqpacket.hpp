// One end of a SOCK_SEQPACKET Unix socket that carries messages with descriptors beside them. Non-blocking: a
// full socket is an answer (kWouldBlock), never a wait. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/inline_vector.hpp"
#include "base/result.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::sys {

inline constexpr std::size_t kMaxDatagram = 160 * 1024;  // below the default send buffer of a Unix socket
inline constexpr std::size_t kMaxFds = 64;

struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

enum class SendOutcome : std::uint8_t { kSent, kWouldBlock, kClosed };

struct Received {
  enum class Kind : std::uint8_t { kMessage, kNothing, kClosed, kTruncated } kind = Kind::kNothing;
  std::span<const std::uint8_t> bytes;  // valid until the next receive()
  std::vector<UniqueFd> fds;
};

class SeqPacket {
 public:
  explicit SeqPacket(UniqueFd fd);
  SeqPacket(SeqPacket&&) noexcept = default;
  SeqPacket& operator=(SeqPacket&&) noexcept = default;

  // A connected pair, both non-blocking and close-on-exec.
  [[nodiscard]] static Result<std::pair<UniqueFd, UniqueFd>> pair();
  [[nodiscard]] static Result<SeqPacket> connect(const std::string& path);

  [[nodiscard]] SendOutcome send(std::span<const std::uint8_t> message, std::span<const int> fds = {});
  // A message longer than kMaxDatagram, or with more than kMaxFds descriptors, is kTruncated and dropped
  // whole.
  [[nodiscard]] Received receive();
  [[nodiscard]] Result<PeerCredentials> peer() const;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::vector<std::uint8_t> buffer_;  // of kMaxDatagram bytes, allocated once
};

// A listening socket at `path` (whatever file was there is replaced), with mode and group as given.
[[nodiscard]] Result<UniqueFd> listen_seqpacket(const std::string& path, unsigned mode, gid_t group);

}  // namespace vipra::sys
