// The notification protocol of systemd (sd_notify(3)), without its library: datagrams to the socket that
// $NOTIFY_SOCKET names. Without that variable everything here does nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::supervisor {

class Notifier {
 public:
  // Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID and removes them, so that no child speaks for us.
  // Before any thread.
  [[nodiscard]] static Notifier take_from_environment();

  // "READY=1", "STATUS=...", several separated by newlines. Never blocks; a lost one is lost.
  void notify(std::string_view state) const noexcept;
  // How often "WATCHDOG=1" is wanted: half of what systemd waits.
  [[nodiscard]] std::optional<Duration> watchdog_period() const noexcept { return watchdog_period_; }

 private:
  std::string address_;  // sun_path; the first byte NUL for an abstract one
  sys::UniqueFd socket_;
  std::optional<Duration> watchdog_period_;
};

}  // namespace vipra::supervisor
