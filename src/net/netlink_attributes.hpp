// How netlink messages are taken apart: bounded by the span they came in, whatever their lengths say. Pure.
#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "base/ip_address.hpp"

namespace vipra::net::attributes {

using Bytes = std::span<const std::uint8_t>;

// Copies a struct off the front of `bytes`, whatever its alignment there, and steps over it.
template <class T>
[[nodiscard]] std::optional<T> take(Bytes& bytes) noexcept {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  bytes = bytes.subspan(std::min<std::size_t>(NLMSG_ALIGN(sizeof(T)), bytes.size()));
  return value;
}

struct Attribute {
  unsigned type = 0;
  Bytes value;

  template <class T>
  [[nodiscard]] std::optional<T> as() const noexcept {
    Bytes rest = value;
    return take<T>(rest);
  }
};

// The next attribute of `bytes`, which then starts behind it; nullopt at the end or where the lengths are
// wrong.
[[nodiscard]] inline std::optional<Attribute> next_attribute(Bytes& bytes) noexcept {
  if (bytes.size() < sizeof(nlattr)) return std::nullopt;
  nlattr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::size_t length = header.nla_len;
  if (length < sizeof(header) || length > bytes.size()) return std::nullopt;
  const Attribute attribute{header.nla_type & static_cast<unsigned>(NLA_TYPE_MASK),
                            bytes.subspan(sizeof(header), length - sizeof(header))};
  bytes = bytes.subspan(std::min<std::size_t>(NLA_ALIGN(length), bytes.size()));
  return attribute;
}

[[nodiscard]] inline std::optional<IpAddress> as_address(Bytes value, std::uint8_t family) {
  const std::size_t size = family == AF_INET ? 4 : 16;
  return value.size() == size ? IpAddress::from_bytes(value) : std::nullopt;
}

}  // namespace vipra::net::attributes
