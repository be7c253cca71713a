// Messages of nftables, as a batch that the kernel takes whole or not at all. Only what the neighbour guard
// needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace vipra::net {

class NftBatch {
 public:
  using Content = std::function<void()>;

  explicit NftBatch(std::uint32_t first_sequence);

  // One message of `type` (NFT_MSG_...) for a table of `family` (NFPROTO_...); `content` puts its attributes.
  void message(int type, std::uint8_t family, unsigned flags, const Content& content);
  void finish();

  // Attributes, into the message under construction.
  void text(int type, std::string_view value);
  void number(int type, std::uint32_t value);  // big-endian, as nftables has it
  void bytes(int type, std::span<const std::uint8_t> value);
  void nest(int type, const Content& content);

  [[nodiscard]] std::span<const std::uint8_t> data() const noexcept { return data_; }
  [[nodiscard]] std::uint32_t first_sequence() const noexcept { return first_; }
  // Of the last message: the one that is acknowledged.
  [[nodiscard]] std::uint32_t last_sequence() const noexcept { return last_; }

 private:
  std::size_t begin(int type, unsigned flags, std::uint8_t family, std::uint16_t resource);
  void end(std::size_t at);
  void align();

  std::vector<std::uint8_t> data_;
  std::uint32_t first_;
  std::uint32_t next_;
  std::uint32_t last_ = 0;
  std::size_t last_at_ = 0;
};

}  // namespace vipra::net
