#include "controller/token_expiry.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace vipra::controller {
namespace {

constexpr std::size_t kMaxToken = 16 << 10;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// RFC 4648 section 5, without padding.
std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  std::uint32_t value = 0;
  for (const char c : text) {
    const auto digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = (value << 6U | static_cast<std::uint32_t>(digit)) & 0xffffffU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(static_cast<unsigned char>(value >> bits & 0xffU));
  }
  return out;
}

}  // namespace

std::optional<std::int64_t> token_expiry(std::string_view token) {
  const auto first = token.find('.');
  if (token.size() > kMaxToken || first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto payload = from_base64url(token.substr(first + 1, second - first - 1));
  if (!payload) return std::nullopt;
  const auto claims = nlohmann::json::parse(*payload, nullptr, false);
  if (!claims.is_object()) return std::nullopt;
  const auto found = claims.find("exp");
  if (found == claims.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

}  // namespace vipra::controller
