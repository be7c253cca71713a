// SIGTERM and what systemd hears.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstring>

#include "runtime/clock.hpp"
#include "tests/agent/supervisor/world.hpp"

namespace vipra::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct StopTest : World {
  void become_master() {
    ASSERT_TRUE(speakers_ready(1));
    order("open 1 " + std::to_string(near_index()));
    ASSERT_TRUE(eventually([&] { return journal_lines("opened 1:") == 1; }));
    add_marked("10.99.0.100");
    order("own 3 " + std::to_string(near_index()) + " 10.99.0.1 51");
  }
};

TEST_F(StopTest, lets_the_speaker_release_in_its_own_time) {
  start_agent();
  become_master();
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
  EXPECT_EQ(journal_lines("release"), 1);
  EXPECT_TRUE(heard().empty()) << "a speaker in good health resigns for itself";
  EXPECT_TRUE(agent().logs("supervisor.stopped", 1));
}

TEST_F(StopTest, sigint_is_the_same_and_sighup_nothing) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  agent().signal(SIGHUP);
  EXPECT_FALSE(agent().wait(milliseconds{300}));
  agent().signal(SIGINT);
  EXPECT_EQ(agent().wait(), 0);
}

TEST_F(StopTest, gives_up_for_a_speaker_that_does_not_release_in_time) {
  start_agent();
  become_master();
  tell_speakers("ignore_release");
  const auto begin = runtime::now().mono;
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
  // An interval, two seconds, and what one address takes.
  EXPECT_GE(runtime::now().mono - begin, seconds{2});
  EXPECT_FALSE(has_marked());
  EXPECT_EQ(heard().size(), 3U);
}

TEST_F(StopTest, the_second_time_means_at_once) {
  start_agent();
  become_master();
  tell_speakers("ignore_release");
  agent().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return journal_lines("release") == 1; }));
  const auto begin = runtime::now().mono;
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
  EXPECT_LT(runtime::now().mono - begin, seconds{1});
  EXPECT_FALSE(has_marked());
  EXPECT_EQ(heard().size(), 3U);
}

TEST_F(StopTest, gives_up_for_a_speaker_that_dies_while_it_releases) {
  start_agent();
  become_master();
  tell_speakers("ignore_release");
  agent().signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return journal_lines("release") == 1; }));
  ::kill(speaker_pid(), SIGKILL);
  EXPECT_EQ(agent().wait(), 0);
  EXPECT_FALSE(has_marked());
  EXPECT_EQ(heard().size(), 3U);
  EXPECT_EQ(journal_lines("start"), 1) << "nothing is started any more";
}

TEST_F(StopTest, ends_at_once_in_a_pause_between_speakers) {
  tell_speakers("die_at_start");
  start_agent();
  ASSERT_TRUE(eventually([&] { return journal_lines("start") >= 6; }));
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(seconds{3}), 0);
}

// systemd's end of the notification socket.
class Systemd {
 public:
  Systemd() : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  // Counts messages that contain the text, of all that came so far.
  int heard(const std::string& text) {
    char buffer[512];
    for (ssize_t size = 0; (size = ::recv(fd_.get(), buffer, sizeof buffer, 0)) > 0;) {
      messages_.emplace_back(buffer, static_cast<std::size_t>(size));
    }
    int count = 0;
    for (const auto& message : messages_) count += message.find(text) != std::string::npos ? 1 : 0;
    return count;
  }

 private:
  std::string name_ = "@vipra-test-notify";
  sys::UniqueFd fd_;
  std::vector<std::string> messages_;
};

TEST_F(StopTest, systemd_hears_when_it_is_ready_and_when_it_stops) {
  Systemd systemd;
  tell_speakers("mute");
  start_agent({.environment = {{"NOTIFY_SOCKET", systemd.name()}}});
  ASSERT_TRUE(eventually([&] { return journal_lines("start") >= 1; }));
  EXPECT_EQ(systemd.heard("READY=1"), 0) << "not before a speaker said Hello";
  forgive_speakers("mute");
  ::kill(speaker_pid(), SIGKILL);
  EXPECT_TRUE(eventually([&] { return systemd.heard("READY=1") == 1; }));
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
  EXPECT_EQ(systemd.heard("STOPPING=1"), 1);
}

TEST_F(StopTest, the_watchdog_is_fed_as_long_as_the_speaker_is_well) {
  Systemd systemd;
  start_agent({.environment = {{"NOTIFY_SOCKET", systemd.name()}, {"WATCHDOG_USEC", "100000"}}});
  ASSERT_TRUE(eventually([&] { return systemd.heard("WATCHDOG=1") >= 5; }));
  tell_speakers("mute");
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(eventually([&] { return journal_lines("start") == 2; }));
  const int before = systemd.heard("WATCHDOG=1");
  EXPECT_FALSE(eventually([&] { return systemd.heard("WATCHDOG=1") > before + 1; }, milliseconds{500}));
}

}  // namespace
}  // namespace vipra::supervisor
