#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "agent/supervisor/sd_notify.hpp"

namespace vipra::supervisor {
namespace {

using std::chrono::seconds;

// systemd's end, at a name as $NOTIFY_SOCKET has it.
class Receiver {
 public:
  explicit Receiver(const std::string& name)
      : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0) << name;
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string next() {
    char buffer[512];
    const auto size = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    return size < 0 ? "" : std::string(buffer, static_cast<std::size_t>(size));
  }

 private:
  sys::UniqueFd fd_;
};

std::string unique(const char* prefix) {
  return prefix + std::to_string(::getpid());
}

TEST(Notifier, speaks_to_an_abstract_socket) {
  Receiver systemd{unique("@vipra-notify-")};
  Notifier::take_from_environment().notify("READY=1\nSTATUS=running");
  EXPECT_EQ(systemd.next(), "READY=1\nSTATUS=running");
}

TEST(Notifier, speaks_to_a_socket_in_the_file_system) {
  const auto path = unique("/tmp/vipra-notify-");
  ::unlink(path.c_str());
  Receiver systemd{path};
  Notifier::take_from_environment().notify("STOPPING=1");
  EXPECT_EQ(systemd.next(), "STOPPING=1");
  ::unlink(path.c_str());
}

TEST(Notifier, leaves_nothing_in_the_environment_for_children) {
  ::setenv("NOTIFY_SOCKET", "/nowhere", 1);
  ::setenv("WATCHDOG_USEC", "1000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  (void)Notifier::take_from_environment();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(std::getenv("WATCHDOG_USEC"), nullptr);
  EXPECT_EQ(std::getenv("WATCHDOG_PID"), nullptr);
}

TEST(Notifier, without_systemd_does_nothing) {
  ::unsetenv("NOTIFY_SOCKET");
  const auto notifier = Notifier::take_from_environment();
  notifier.notify("READY=1");
  EXPECT_FALSE(notifier.watchdog_period());
}

TEST(Notifier, feeds_the_watchdog_at_half_its_patience_if_it_is_ours) {
  const auto period = [](const char* usec, const std::string& pid) {
    ::setenv("NOTIFY_SOCKET", "@nobody", 1);
    ::setenv("WATCHDOG_USEC", usec, 1);
    if (!pid.empty()) ::setenv("WATCHDOG_PID", pid.c_str(), 1);
    return Notifier::take_from_environment().watchdog_period();
  };
  EXPECT_EQ(period("20000000", std::to_string(::getpid())), seconds{10});
  EXPECT_EQ(period("20000000", ""), seconds{10});
  EXPECT_FALSE(period("20000000", "1"));
  EXPECT_FALSE(period("0", ""));
  EXPECT_FALSE(period("soon", ""));
  EXPECT_FALSE(period("999999999999999", ""));
}

TEST(Notifier, never_waits_for_a_systemd_that_does_not_read) {
  Receiver systemd{unique("@vipra-notify-full-")};
  const auto notifier = Notifier::take_from_environment();
  for (int i = 0; i < 10'000; ++i) notifier.notify("WATCHDOG=1");
  EXPECT_EQ(systemd.next(), "WATCHDOG=1");
}

}  // namespace
}  // namespace vipra::supervisor
