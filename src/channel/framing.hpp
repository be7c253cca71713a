// Messages on a SeqPacket: one message a datagram. The buffer and the message object are reused, so that
// traffic of a steady shape allocates nothing here. Not thread-safe.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "sys/seqpacket.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::channel {

// Bytes of a message, valid until the next encode(). A message beyond sys::kMaxDatagram is an error: the
// caller splits what may grow that large, or sends it as a memory file.
class Encoder {
 public:
  Encoder();
  [[nodiscard]] Result<std::span<const std::uint8_t>> encode(const google::protobuf::MessageLite& message);

 private:
  std::vector<std::uint8_t> buffer_;  // of kMaxDatagram bytes, allocated once
};

// encode() and send in one; a message that is too large fails, a full or closed socket is an outcome.
[[nodiscard]] Result<sys::SendOutcome> send(sys::SeqPacket& socket, Encoder& encoder,
                                            const google::protobuf::MessageLite& message,
                                            std::span<const int> fds = {});

// False on anything that is not a whole, well-formed message; `message` is then empty.
[[nodiscard]] bool decode(std::span<const std::uint8_t> bytes, google::protobuf::MessageLite& message);

// A message as a sealed memory file, for what may be large.
[[nodiscard]] Result<sys::UniqueFd> to_memfd(const char* name, const google::protobuf::MessageLite& message,
                                             std::uint64_t limit);

// Silences the protobuf runtime, which otherwise writes its complaints about malformed input to stderr, and
// blocks there when nobody reads it. Call once, before threads.
void silence_protobuf_log();

}  // namespace vipra::channel
