// Authentication of advertisements is a port: the speaker and, when it resigns for a dead speaker, the
// supervisor sign with the same object. Version 3 of RFC 9568 has none, so the only signer today adds
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vipra::vrrp {

class PacketSigner {
 public:
  virtual ~PacketSigner() = default;
  // `buffer` begins with a message of `size` bytes; returns the size after signing. Never allocates.
  [[nodiscard]] virtual std::size_t sign(std::span<std::uint8_t> buffer, std::size_t size) noexcept = 0;
};

class NoSignature final : public PacketSigner {
 public:
  [[nodiscard]] std::size_t sign(std::span<std::uint8_t>, std::size_t size) noexcept override { return size; }
};

}  // namespace vipra::vrrp
