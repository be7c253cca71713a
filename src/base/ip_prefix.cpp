#include "base/ip_prefix.hpp"

#include <charconv>

namespace vipra {

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const auto digits = text.substr(slash + 1);
  if (!address || address->is_v4_mapped() || digits.empty() || digits.size() > 3) return std::nullopt;
  if (digits.front() < '0' || digits.front() > '9' || (digits.size() > 1 && digits.front() == '0'))
    return std::nullopt;
  int length = 0;
  const auto end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, length);
  const auto bits = static_cast<int>(address_size(address->family()) * 8);
  if (parsed.ec != std::errc{} || parsed.ptr != end || length > bits) return std::nullopt;
  return IpPrefix{*address, length};
}

bool IpPrefix::is_masked() const noexcept {
  const auto bytes = address.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int kept = length - static_cast<int>(i) * 8;
    const unsigned mask = kept >= 8 ? 0xffU : kept <= 0 ? 0U : (0xffU << (8 - kept)) & 0xffU;
    if ((bytes[i] & ~mask & 0xffU) != 0) return false;
  }
  return true;
}

std::string IpPrefix::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

}  // namespace vipra
