// Walks over the top-level fields of a serialised message without parsing the message as a whole: a repeated
// field can then be read one element at a time, with limits that hold before memory is spent.
#pragma once

#include <google/protobuf/io/coded_stream.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace vipra::channel {

class PartReader {
 public:
  static constexpr std::uint32_t varint_tag(std::uint32_t field) noexcept { return field << 3; }
  static constexpr std::uint32_t part_tag(std::uint32_t field) noexcept { return field << 3 | 2; }

  // At most 2 GiB; the bytes must outlive the reader.
  explicit PartReader(std::span<const std::uint8_t> bytes)
      : input_{bytes.data(), static_cast<int>(bytes.size())}, end_{static_cast<int>(bytes.size())} {}

  [[nodiscard]] bool at_end() const { return input_.CurrentPosition() >= end_; }
  // 0 if there is no proper tag.
  [[nodiscard]] std::uint32_t tag() { return input_.ReadTag(); }

  [[nodiscard]] std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    if (!input_.ReadVarint64(&value)) return std::nullopt;
    return value;
  }
  // The bytes of a string or message, where they lie; nullopt if cut short or longer than `limit`.
  [[nodiscard]] std::optional<std::span<const std::uint8_t>> part(std::size_t limit) {
    std::uint32_t length = 0;
    if (!input_.ReadVarint32(&length) || length > limit) return std::nullopt;
    if (length == 0) return std::span<const std::uint8_t>{};
    const void* data = nullptr;
    int available = 0;
    if (!input_.GetDirectBufferPointer(&data, &available) || std::cmp_less(available, length))
      return std::nullopt;
    if (!input_.Skip(static_cast<int>(length))) return std::nullopt;
    return std::span{static_cast<const std::uint8_t*>(data), length};
  }
  // Over a field that this build does not know. False if it is cut short or of no known wire type.
  [[nodiscard]] bool skip(std::uint32_t tag) {
    if (tag >> 3 == 0) return false;
    switch (tag & 7U) {
      case 0:
        return varint().has_value();
      case 1:
        return input_.Skip(8);
      case 2:
        return part(static_cast<std::size_t>(end_)).has_value();
      case 5:
        return input_.Skip(4);
      default:
        return false;  // groups do not exist in proto3
    }
  }

 private:
  google::protobuf::io::CodedInputStream input_;
  int end_;
};

}  // namespace vipra::channel
