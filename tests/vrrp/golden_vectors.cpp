#include "tests/vrrp/golden_vectors.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <span>
#include <stdexcept>

namespace vipra::golden {

std::vector<Json> load(std::string_view file) {
  const std::string path = std::string{VIPRA_SOURCE_DIR "/tests/golden/"}.append(file);
  std::ifstream in{path};
  std::vector<Json> vectors;
  for (std::string line; std::getline(in, line);) vectors.push_back(Json::parse(line));
  if (vectors.empty()) throw std::runtime_error{"no golden vectors in " + path};
  return vectors;
}

Json find(std::string_view file, std::string_view name) {
  for (auto& vector : load(file)) {
    if (vector.at("name") == name) return std::move(vector);
  }
  throw std::runtime_error{std::string{"no golden vector "}.append(name)};
}

ByteString from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) throw std::runtime_error{"odd number of hexadecimal digits"};
  ByteString bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string{hex.substr(i, 2)}, nullptr, 16)));
  }
  return bytes;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string hex;
  for (const auto byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

IpAddress address(const Json& text) {
  const auto ip = IpAddress::parse(text.get<std::string>());
  if (!ip) throw std::runtime_error{"not an address: " + text.dump()};
  return *ip;
}

std::string test_name(const Json& vector) {
  auto name = vector.at("name").get<std::string>();
  std::erase_if(name, [](unsigned char c) { return std::isalnum(c) == 0; });
  return name;
}

}  // namespace vipra::golden
