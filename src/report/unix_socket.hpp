// What a Unix socket's path says before gRPC is asked: gRPC answers every trouble with "unavailable", and
// people need to know whether the agent is not running or they lack the right.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace vipra::report {

inline constexpr std::size_t kMaxSocketPath =
    100;  // sun_path holds 107; the server needs 7 for its temporary name

enum class SocketState : std::uint8_t {
  kAbsent,    // nothing under that name
  kStale,     // a socket nobody listens on
  kLive,      // somebody accepts connections
  kForeign,   // not a socket
  kNoAccess,  // this user may not connect, or not even look
};

// Connects and closes again. Fails (kInvalid, kIo) when the path cannot be judged.
[[nodiscard]] Result<SocketState> probe_unix_socket(const std::string& path);

// The name that gRPC wants: "unix:" and the path, percent-encoded.
[[nodiscard]] std::string grpc_unix_target(const std::string& path);

}  // namespace vipra::report
