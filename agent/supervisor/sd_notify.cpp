#include "agent/supervisor/sd_notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace vipra::supervisor {
namespace {

std::string take(const char* name) {
  const char* const value = std::getenv(name);
  std::string out = value == nullptr ? "" : value;
  ::unsetenv(name);
  return out;
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

}  // namespace

Notifier Notifier::take_from_environment() {
  Notifier out;
  auto address = take("NOTIFY_SOCKET");
  const auto period = number(take("WATCHDOG_USEC"));
  const auto pid = number(take("WATCHDOG_PID"));
  sockaddr_un limit{};
  if (address.size() < 2 || address.size() >= sizeof limit.sun_path) return out;
  if (address[0] != '/' && address[0] != '@') return out;
  if (address[0] == '@') address[0] = '\0';
  out.address_ = std::move(address);
  out.socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  // A period beyond a day is a mistake; one for another process is not ours.
  constexpr std::int64_t kDayUs = 86'400'000'000;
  if (period && *period < kDayUs && (!pid || *pid == ::getpid())) {
    out.watchdog_period_ = std::chrono::microseconds{*period} / 2;
  }
  return out;
}

void Notifier::notify(std::string_view state) const noexcept {
  if (!socket_) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  (void)::sendto(socket_.get(), state.data(), state.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&to), length);
}

}  // namespace vipra::supervisor
