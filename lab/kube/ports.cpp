#include "lab/kube/ports.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>
#include <string>

namespace vipra::lab::kube {
namespace {

constexpr std::uint16_t kFirst = 20'000;
constexpr std::uint16_t kLast = 29'999;  // clients begin at 32768
constexpr int kTries = 200;

UniqueFd hold(std::uint16_t number) {
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = "vipra-lab-port-" + std::to_string(number);
  std::memcpy(name.sun_path + 1, text.data(), text.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  if (fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), size) < 0) return {};
  return fd;
}

bool free_now(const IpAddress& address, std::uint16_t number) {
  const UniqueFd fd{::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto bytes = address.bytes();
  if (address.is_v4()) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(number);
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(&name.sin_addr));
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  }
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(number);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(&name.sin6_addr));
  return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

}  // namespace

Result<ReservedPort> ReservedPort::take(const NetNamespace& net, const IpAddress& address) {
  const Entered inside{net};
  std::random_device random;
  std::uniform_int_distribution<int> any{kFirst, kLast};
  for (int i = 0; i < kTries; ++i) {
    const auto number = static_cast<std::uint16_t>(any(random));
    auto held = hold(number);
    if (held && free_now(address, number)) return ReservedPort{std::move(held), number};
  }
  return fail(Errc::kConflict, "no free port on " + address.to_string());
}

}  // namespace vipra::lab::kube
