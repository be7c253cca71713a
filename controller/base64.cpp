#include "controller/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace vipra::controller {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<std::uint32_t> value_of(char c) {
  if (c == '-') c = '+';
  if (c == '_') c = '/';
  const auto at = kAlphabet.find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint32_t>(at);
}

}  // namespace

std::string encoded_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) {
      return at < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])) : 0U;
    };
    const auto bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    const auto digits = 1 + std::min<std::size_t>(bytes.size() - i, 3);
    for (std::size_t digit = 0; digit < 4; ++digit) {
      out.push_back(digit < digits ? kAlphabet[(bits >> (18 - 6 * digit)) & 63] : '=');
    }
  }
  return out;
}

std::optional<std::string> decoded_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = value_of(c);
    if (!value) return std::nullopt;
    bits = (bits << 6) | *value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>((bits >> count) & 0xff));
  }
  return out;
}

}  // namespace vipra::controller
