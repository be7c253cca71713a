#include "channel/framing.hpp"

#include <google/protobuf/stubs/logging.h>

#include "sys/memfd.hpp"

namespace vipra::channel {

Encoder::Encoder() : buffer_(sys::kMaxDatagram) {}

Result<std::span<const std::uint8_t>> Encoder::encode(const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  if (size > buffer_.size()) {
    return fail(Errc::kInvalid, "a message of " + std::to_string(size) + " bytes does not fit a datagram");
  }
  message.SerializeWithCachedSizesToArray(buffer_.data());
  return std::span<const std::uint8_t>{buffer_.data(), size};
}

Result<sys::SendOutcome> send(sys::SeqPacket& socket, Encoder& encoder,
                              const google::protobuf::MessageLite& message, std::span<const int> fds) {
  const auto bytes = encoder.encode(message);
  if (!bytes) return tl::unexpected{bytes.error()};
  return socket.send(*bytes, fds);
}

bool decode(std::span<const std::uint8_t> bytes, google::protobuf::MessageLite& message) {
  if (bytes.size() > sys::kMaxDatagram ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    message.Clear();
    return false;
  }
  return true;
}

Result<sys::UniqueFd> to_memfd(const char* name, const google::protobuf::MessageLite& message,
                               std::uint64_t limit) {
  const std::size_t size = message.ByteSizeLong();
  if (size > limit) {
    return fail(Errc::kInvalid, std::string{name} + " of " + std::to_string(size) + " bytes is too large");
  }
  std::vector<std::uint8_t> bytes(size);
  message.SerializeWithCachedSizesToArray(bytes.data());
  return sys::make_sealed_memfd(name, bytes);
}

void silence_protobuf_log() {
  google::protobuf::SetLogHandler(nullptr);
}

}  // namespace vipra::channel
