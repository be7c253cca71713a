// Sealed memory files: how a large message changes hands without copies, and stays what it was. The receiver
// refuses a descriptor that is not sealed against writing, shrinking and growing, so that a mapping of it
// cannot change or fault under the reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::sys {

// A new memfd with `content`, sealed (F_SEAL_WRITE | SHRINK | GROW | SEAL), close-on-exec.
[[nodiscard]] Result<UniqueFd> make_sealed_memfd(const char* name, std::span<const std::uint8_t> content);

// A read-only view of a sealed memfd.
class SealedView {
 public:
  // Fails unless `fd` is a sealed memfd of exactly `size` bytes, at most `limit`.
  [[nodiscard]] static Result<SealedView> map(int fd, std::uint64_t size, std::uint64_t limit);
  SealedView(SealedView&& other) noexcept;
  SealedView& operator=(SealedView&& other) noexcept;
  SealedView(const SealedView&) = delete;
  SealedView& operator=(const SealedView&) = delete;
  ~SealedView();
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return {data_, size_}; }

 private:
  SealedView(const std::uint8_t* data, std::size_t size) noexcept : data_{data}, size_{size} {}
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace vipra::sys
