// What becomes of a speaker that ends, hangs or misbehaves, and of what it owned.
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/agent/supervisor/world.hpp"

namespace vipra::supervisor {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kMaster = 3;
constexpr int kBackup = 2;

struct SpeakerTest : World {
  std::string own(int state) {
    return "own " + std::to_string(state) + " " + std::to_string(near_index()) + " 10.99.0.1 51";
  }
  // A speaker that is master of a router: with its socket, its address and its slot.
  void become_master() {
    ASSERT_TRUE(speakers_ready(1));
    order("open 1 " + std::to_string(near_index()));
    ASSERT_TRUE(eventually([&] { return journal_lines("opened 1:") == 1; }));
    add_marked("10.99.0.100");
    order(own(kMaster));
  }
  bool alive(pid_t pid) { return ::kill(pid, 0) == 0; }
};

TEST_F(SpeakerTest, that_is_killed_once_is_replaced_at_once_and_nothing_is_given_up) {
  start_agent();
  become_master();
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_EQ(journal_lines("adopts web/test"), 1);
  EXPECT_TRUE(has_marked());
  EXPECT_TRUE(heard().empty());
  EXPECT_EQ(agent().logged("speaker.given_up"), 0);
}

TEST_F(SpeakerTest, hands_its_sockets_on_and_gets_each_but_once) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  const auto index = std::to_string(near_index());
  for (const auto* kind : {"1", "2", "3", "5"}) {
    order(std::string{"open "} + kind + " " + index);
    order(std::string{"open "} + kind + " " + index);
    EXPECT_TRUE(eventually([&] {
      return journal_lines(std::string{"opened "} + kind + ":" + index + " fds 1 \n") == 2;
    })) << kind;
  }
  order("close 3 " + index);
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_EQ(journal_lines("handles 4:0 9:0 1:" + index + " 2:" + index + " 5:" + index + " last"), 1);
}

TEST_F(SpeakerTest, is_told_why_a_socket_cannot_be_opened) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  order("open 1 12345");
  EXPECT_TRUE(eventually([&] { return journal_lines("opened 1:12345 fds 0 no interface") == 1; }));
  order("open 4 " + std::to_string(near_index()));
  EXPECT_TRUE(eventually([&] { return journal_lines("opened 4:") == 1; }));
  EXPECT_EQ(journal_lines("fds 1"), 0) << "the shared page is nothing to ask for";
}

TEST_F(SpeakerTest, gets_no_socket_of_an_interface_that_is_gone) {
  ASSERT_EQ(std::system("ip link add other0 type veth peer name other1 && ip link set other0 up"), 0);
  const auto other = ::if_nametoindex("other0");
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  order("open 1 " + std::to_string(near_index()));
  order("open 1 " + std::to_string(other));
  ASSERT_TRUE(eventually([&] { return journal_lines("fds 1 \n") == 2; })) << journal();
  ASSERT_EQ(std::system("ip link delete other0"), 0);
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_EQ(journal_lines("handles 4:0 9:0 1:" + std::to_string(near_index()) + " last"), 1);
}

TEST_F(SpeakerTest, that_dies_again_and_again_loses_its_addresses_to_a_peer) {
  start_agent();
  become_master();
  for (int death = 1; death <= 3; ++death) {
    (void)heard();
    ::kill(speaker_pid(), SIGKILL);
    ASSERT_TRUE(speakers_ready(death + 1));
  }
  EXPECT_TRUE(agent().logs("speaker.given_up", 1));
  EXPECT_FALSE(has_marked());
  const auto adverts = heard();
  ASSERT_EQ(adverts.size(), 3U);
  for (std::size_t i = 0; i < adverts.size(); ++i) {
    EXPECT_EQ(adverts[i].priority, 0);
    EXPECT_EQ(adverts[i].vrid, 51);
    if (i == 0) continue;
    EXPECT_GE(adverts[i].at - adverts[i - 1].at, microseconds{100})
        << "spaced, not a burst (a late one shortens the gap to the next)";
  }
  EXPECT_EQ(journal_lines("adopts"), 2) << "there is nothing to adopt after that";
}

TEST_F(SpeakerTest, resigns_for_ipv6_from_the_link_local_address) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  order("open 2 " + std::to_string(near_index()));
  ASSERT_TRUE(eventually([&] { return journal_lines("opened 2:") == 1; }));
  add_marked("2001:db8::100");
  order("own 3 " + std::to_string(near_index()) + " fe80::1 7");
  for (int death = 1; death <= 3; ++death) {
    ::kill(speaker_pid(), SIGKILL);
    ASSERT_TRUE(speakers_ready(death + 1));
  }
  EXPECT_FALSE(has_marked());
  const auto adverts = heard();
  ASSERT_EQ(adverts.size(), 3U);
  for (const auto& advert : adverts) EXPECT_EQ(advert.priority, 0);
}

TEST_F(SpeakerTest, resigns_to_every_peer_too) {
  ASSERT_EQ(std::system("ip neighbour replace 10.99.0.2 lladdr 02:99:00:00:00:02 dev near0"), 0);
  start_agent();
  become_master();
  order(own(kMaster) + " 10.99.0.2");
  for (int death = 1; death <= 3; ++death) {
    (void)heard();
    ::kill(speaker_pid(), SIGKILL);
    ASSERT_TRUE(speakers_ready(death + 1));
  }
  ASSERT_TRUE(agent().logs("speaker.given_up", 1));
  const auto adverts = heard();
  ASSERT_EQ(adverts.size(), 6U);
  for (std::size_t i = 0; i < adverts.size(); ++i) {
    EXPECT_EQ(adverts[i].priority, 0);
    EXPECT_EQ(adverts[i].destination, i % 2 == 0 ? vrrp_group(Family::kIpv4) : IpAddress::v4(10, 99, 0, 2));
    EXPECT_TRUE(adverts[i].verifies) << i;
  }
}

TEST_F(SpeakerTest, never_resigns_in_the_name_of_a_backup) {
  start_agent();
  become_master();
  order(own(kBackup));
  for (int death = 1; death <= 3; ++death) {
    ::kill(speaker_pid(), SIGKILL);
    ASSERT_TRUE(speakers_ready(death + 1));
  }
  EXPECT_TRUE(agent().logs("speaker.given_up", 1));
  EXPECT_FALSE(has_marked());
  EXPECT_TRUE(heard().empty());
}

TEST_F(SpeakerTest, that_cannot_come_up_again_loses_its_addresses_before_the_second_try) {
  start_agent();
  become_master();
  tell_speakers("die_at_start");
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(eventually([&] { return agent().logged("supervisor.addresses_removed") == 1; }));
  EXPECT_FALSE(has_marked());
  EXPECT_EQ(heard().size(), 3U);
  forgive_speakers("die_at_start");
  EXPECT_TRUE(speakers_ready(2)) << "it goes on trying";
}

TEST_F(SpeakerTest, is_tried_with_growing_pauses) {
  tell_speakers("die_at_start");
  start_agent();
  ASSERT_TRUE(eventually([&] { return journal_lines("start") >= 5; }));
  const int before = journal_lines("start");
  std::this_thread::sleep_for(milliseconds{400});
  EXPECT_LE(journal_lines("start") - before, 3);
}

TEST_F(SpeakerTest, that_hangs_is_killed_before_anything_is_done_in_its_name) {
  start_agent();
  become_master();
  const auto hung = speaker_pid();
  ::kill(hung, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return agent().logged("supervisor.resigned") == 1; }));
  EXPECT_FALSE(alive(hung));
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_FALSE(has_marked());
  EXPECT_EQ(heard().size(), 3U);
  EXPECT_NE(agent().log().find("\"reason\":\"Hung\""), std::string::npos);
  const auto log = agent().log();
  EXPECT_LT(log.find("child.exited"), log.find("supervisor.resigned"));
}

TEST_F(SpeakerTest, whose_loop_stops_while_the_process_lives_hangs_too) {
  start_agent();
  become_master();
  order("silent");
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_TRUE(agent().logs("speaker.killed", 1));
}

TEST_F(SpeakerTest, that_never_says_hello_is_killed) {
  tell_speakers("mute");
  start_agent();
  EXPECT_TRUE(eventually([&] { return agent().logged("speaker.killed") == 1; }, seconds{30}));
}

TEST_F(SpeakerTest, of_another_version_is_not_let_run) {
  tell_speakers("wrong_version");
  start_agent();
  ASSERT_TRUE(eventually([&] { return agent().logged("speaker.killed") >= 1; }));
  EXPECT_NE(agent().log().find("speaks version 99"), std::string::npos);
  EXPECT_EQ(agent().logged("speaker.ready"), 0);
  forgive_speakers("wrong_version");
  EXPECT_TRUE(eventually([&] { return agent().logged("speaker.ready") == 1; }));
}

TEST_F(SpeakerTest, that_talks_nonsense_is_replaced) {
  start_agent();
  become_master();
  order("garbage");
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_TRUE(agent().logs("speaker.killed", 1));
  EXPECT_FALSE(has_marked());
}

TEST_F(SpeakerTest, that_hangs_up_but_lives_on_is_replaced) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  const auto pid = speaker_pid();
  order("unlink");
  ASSERT_TRUE(speakers_ready(2));
  EXPECT_FALSE(alive(pid));
}

TEST_F(SpeakerTest, does_not_outlive_its_supervisor) {
  start_agent();
  become_master();
  const auto pid = speaker_pid();
  agent().signal(SIGKILL);
  ASSERT_TRUE(agent().wait());
  EXPECT_TRUE(eventually([&] { return !alive(pid); }));
  EXPECT_TRUE(has_marked()) << "fence None: nobody is left to remove it";
}

TEST_F(SpeakerTest, is_replaced_while_nobody_reads_the_log) {
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const sys::UniqueFd out{pipe[0]};
  sys::UniqueFd in{pipe[1]};
  ASSERT_EQ(::fcntl(in.get(), F_SETFL, O_NONBLOCK), 0);
  while (::write(in.get(), "x", 1) == 1) {
  }
  ASSERT_EQ(::fcntl(in.get(), F_SETFL, 0), 0);
  Agent::Plan plan;
  plan.stdout_fd = in.get();
  start_agent(plan);
  become_master();
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(speakers_ready(2));
  agent().signal(SIGTERM);
  EXPECT_EQ(agent().wait(), 0);
}

}  // namespace
}  // namespace vipra::supervisor
