// Input: a text. The C library is the oracle, and what is written is read back the same.
#include "base/ip_address.hpp"

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using vipra::IpAddress;
  const std::string text{data, data + size};
  const auto got = IpAddress::parse(text);
  if (got) VIPRA_CHECK(IpAddress::parse(got->to_string()) == got);
  if (text.find('\0') != std::string::npos) {
    VIPRA_CHECK(!got);
    return 0;
  }
  std::array<std::uint8_t, 16> bytes{};
  const bool v6 = text.find(':') != std::string::npos;
  const bool valid = inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1;
  VIPRA_CHECK(valid == got.has_value());
  if (got) VIPRA_CHECK(IpAddress::from_bytes(std::span{bytes}.first(v6 ? 16 : 4)) == got);
  return 0;
}
