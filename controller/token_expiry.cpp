#include "controller/token_expiry.hpp"

#include <nlohmann/json.hpp>

#include "controller/base64.hpp"

namespace vipra::controller {
namespace {

constexpr std::size_t kMaxToken = 16 << 10;
}  // namespace

std::optional<std::int64_t> token_expiry(std::string_view token) {
  const auto first = token.find('.');
  if (token.size() > kMaxToken || first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto payload = decoded_base64(token.substr(first + 1, second - first - 1));
  if (!payload) return std::nullopt;
  const auto claims = nlohmann::json::parse(*payload, nullptr, false);
  if (!claims.is_object()) return std::nullopt;
  const auto found = claims.find("exp");
  if (found == claims.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

}  // namespace vipra::controller
