// agent.sock: who may speak, what is kept, and that a control that does not read disturbs nobody.
#include <grp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/agent/supervisor/world.hpp"

namespace vipra::supervisor {
namespace {

bool is_status(const channel::v1::AgentMessage& message) {
  return message.has_supervisor();
}
bool is_speaker(const channel::v1::AgentMessage& message) {
  return message.has_hello() && message.hello().role() == channel::v1::ROLE_SPEAKER;
}

struct ControlTest : World {
  // Exit status of a process of this user, in the group of the socket: 0 if it was served a Hello.
  int try_as(uid_t uid) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const gid_t group = 65532;
      if (::setgroups(1, &group) != 0 || ::setresuid(uid, uid, uid) != 0) ::_exit(9);
      auto socket = sys::SeqPacket::connect(agent_socket());
      if (!socket) ::_exit(8);
      for (int i = 0; i < 5000; ++i) {
        const auto got = socket->receive();
        if (got.kind == sys::Received::Kind::kClosed) ::_exit(7);
        if (got.kind == sys::Received::Kind::kMessage) ::_exit(0);
        ::usleep(1000);
      }
      ::_exit(6);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
  }
};

TEST_F(ControlTest, the_socket_is_controls_and_roots_alone) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  struct stat info{};
  ASSERT_EQ(::stat(agent_socket().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0660U);
  EXPECT_EQ(info.st_gid, 65532U);
  ASSERT_EQ(::stat(run_dir().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 01770U);
  EXPECT_EQ(info.st_uid, 0U);
  EXPECT_EQ(info.st_gid, 65532U);
  EXPECT_EQ(try_as(65532), 0);
  EXPECT_EQ(try_as(0), 0);
  EXPECT_EQ(try_as(1234), 7) << "in the group, but another user";
  EXPECT_TRUE(agent().logs("control.refused", 1));
}

TEST_F(ControlTest, gets_a_hello_the_speakers_and_the_status) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  FakeControl control{agent_socket()};
  const auto hello = control.receive([](const auto& message) { return message.has_hello(); });
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->hello().role(), channel::v1::ROLE_SUPERVISOR);
  EXPECT_EQ(hello->hello().version(), 1U);
  const auto speaker = control.receive(is_speaker);
  ASSERT_TRUE(speaker);
  EXPECT_EQ(speaker->hello().epoch(), static_cast<std::uint64_t>(speaker_pid()));
  const auto status = control.receive(is_status);
  ASSERT_TRUE(status);
  ASSERT_EQ(status->supervisor().children_size(), 1);
  EXPECT_EQ(status->supervisor().children(0).name(), "speaker");
  EXPECT_EQ(status->supervisor().children(0).pid(), speaker_pid());
  EXPECT_EQ(status->supervisor().children(0).starts(), 1U);
}

TEST_F(ControlTest, hears_of_a_new_speaker_and_how_the_old_one_ended) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  FakeControl control{agent_socket()};
  ASSERT_TRUE(control.receive(is_status));
  ::kill(speaker_pid(), SIGKILL);
  EXPECT_TRUE(control.receive([](const auto& message) {
    return is_status(message) && message.supervisor().children(0).starts() == 2 &&
           message.supervisor().children(0).last_exit_reason() == reason::v1::REASON_KILLED_BY_SIGNAL &&
           message.supervisor().children(0).last_exit_code() == SIGKILL;
  }));
  EXPECT_TRUE(control.receive(is_speaker));
  EXPECT_TRUE(eventually([&] { return journal_lines("resync") == 1; }))
      << "control must learn all snapshots anew";
}

TEST_F(ControlTest, of_another_version_is_refused_and_the_agent_says_so) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  FakeControl old{agent_socket(), 0};
  EXPECT_TRUE(old.hung_up());
  EXPECT_TRUE(agent().logs("control.hello_refused", 1));
}

TEST_F(ControlTest, must_say_hello_first) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  auto socket = sys::SeqPacket::connect(agent_socket()).value();
  channel::Encoder encoder;
  channel::v1::ControlMessage message;
  message.mutable_resync();
  (void)channel::send(socket, encoder, message);
  EXPECT_TRUE(eventually([&] { return socket.receive().kind == sys::Received::Kind::kClosed; }));
  EXPECT_EQ(journal_lines("resync"), 0);
}

TEST_F(ControlTest, a_newer_one_takes_the_place_of_the_older) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  FakeControl older{agent_socket()};
  ASSERT_TRUE(older.receive(is_status));
  FakeControl newer{agent_socket()};
  ASSERT_TRUE(newer.receive(is_status));
  EXPECT_TRUE(older.hung_up());
  newer.send_desired(3);
  EXPECT_TRUE(eventually([&] { return journal_lines("desired 3\n") == 1; }));
}

TEST_F(ControlTest, a_stranger_without_a_hello_displaces_nobody) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  FakeControl control{agent_socket()};
  ASSERT_TRUE(control.receive(is_status));
  auto silent = sys::SeqPacket::connect(agent_socket()).value();
  ASSERT_TRUE(eventually([&] { return silent.receive().kind == sys::Received::Kind::kMessage; }));
  control.send_desired(4);
  EXPECT_TRUE(eventually([&] { return journal_lines("desired 4\n") == 1; }));
}

TEST_F(ControlTest, what_it_said_last_is_told_to_every_new_speaker_without_it) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  {
    FakeControl control{agent_socket()};
    control.send_desired(1);
    control.send_contributions({{"check/a", -10}, {"check/b", -20}});
    control.send_desired(2);
    control.send_delta("check/b", -25);
    control.send_delta("check/c", -30);
    ASSERT_TRUE(eventually([&] { return journal_lines("delta +1 -0") == 2; }));
  }
  ASSERT_TRUE(eventually([&] { return agent().logged("control.disconnected") == 1; }));
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(speakers_ready(2));
  const auto second = std::to_string(speaker_pid());
  EXPECT_TRUE(eventually([&] { return journal_lines(second + " desired 2\n") == 1; }));
  EXPECT_TRUE(eventually(
      [&] { return journal_lines(second + " contributions check/a=-10 check/b=-25 check/c=-30\n") == 1; }));
}

TEST_F(ControlTest, a_bad_desired_state_replaces_no_good_one) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  FakeControl control{agent_socket()};
  control.send_desired(1);
  channel::v1::ControlMessage message;
  message.mutable_desired_state()->set_generation(2);
  message.mutable_desired_state()->set_size(10);
  control.send(message);  // no descriptor
  const int unsealed = ::memfd_create("test", 0);
  ASSERT_EQ(::ftruncate(unsealed, 10), 0);
  control.send(message, {&unsealed, 1});
  ::close(unsealed);
  ASSERT_TRUE(eventually([&] { return agent().logged("desired_state.refused") == 2; }));
  control.send_desired(3);
  EXPECT_TRUE(eventually([&] { return journal_lines("desired 3\n") == 1; })) << "and the connection goes on";
  EXPECT_EQ(journal_lines("desired 2"), 0);
  EXPECT_TRUE(control.receive(
      [](const auto& got) { return is_status(got) && got.supervisor().desired_generation() == 3; }));
}

TEST_F(ControlTest, its_resync_reaches_the_speaker_and_snapshots_come_back_as_they_are) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  FakeControl control{agent_socket()};
  channel::v1::ControlMessage message;
  message.mutable_resync();
  control.send(message);
  EXPECT_TRUE(eventually([&] { return journal_lines("resync") == 1; }));
  order("say 1 some-router");
  EXPECT_TRUE(control.receive([](const auto& got) {
    return got.has_snapshots() && got.snapshots().removed_size() == 1 &&
           got.snapshots().removed(0) == "some-router";
  }));
}

TEST_F(ControlTest, that_does_not_read_costs_messages_and_gets_everything_anew_later) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  FakeControl control{agent_socket()};
  ASSERT_TRUE(control.receive(is_status));
  const std::string text(3000, 'x');
  for (int i = 0; i < 30 && agent().logged("control.does_not_read") == 0; ++i) order("say 40 " + text);
  ASSERT_TRUE(agent().logs("control.does_not_read", 1));
  EXPECT_EQ(journal_lines("not_sent"), 0) << "the speaker's own socket never filled";
  // Meanwhile the speaker is served.
  ::kill(speaker_pid(), SIGKILL);
  ASSERT_TRUE(speakers_ready(2));
  ASSERT_TRUE(eventually([&] { return journal_lines("resync") == 1; }));
  EXPECT_TRUE(control.receive(
      [](const auto& got) { return is_status(got) && got.supervisor().control_messages_dropped() > 0; }));
  EXPECT_TRUE(eventually([&] { return journal_lines("resync") == 2; }));
}

TEST_F(ControlTest, that_sends_garbage_is_cut_off_and_nobody_else) {
  start_agent();
  ASSERT_TRUE(speakers_ready(1));
  auto socket = sys::SeqPacket::connect(agent_socket()).value();
  const std::vector<std::uint8_t> garbage(1000, 0xff);
  (void)socket.send(garbage);
  EXPECT_TRUE(eventually([&] { return socket.receive().kind == sys::Received::Kind::kClosed; }));
  FakeControl control{agent_socket()};
  EXPECT_TRUE(control.receive(is_status));
}

TEST_F(ControlTest, the_run_folder_is_never_everybodys) {
  std::filesystem::create_directory(run_dir());
  std::filesystem::permissions(run_dir(), std::filesystem::perms{01777});
  start_agent();
  EXPECT_EQ(agent().wait(), 1);
  EXPECT_NE(agent().log().find("everybody's"), std::string::npos);
  struct stat info{};
  ASSERT_EQ(::stat(run_dir().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 01777U) << "left as it was";
}

}  // namespace
}  // namespace vipra::supervisor
