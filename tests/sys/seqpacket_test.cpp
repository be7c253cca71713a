#include "sys/seqpacket.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "sys/memfd.hpp"

namespace vipra::sys {
namespace {

struct Pair {
  SeqPacket a;
  SeqPacket b;
};
Pair make_pair() {
  auto fds = SeqPacket::pair().value();
  return {SeqPacket{std::move(fds.first)}, SeqPacket{std::move(fds.second)}};
}
std::vector<std::uint8_t> message(std::size_t size, std::uint8_t fill = 7) {
  return std::vector(size, fill);
}

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/vipra-sys-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

TEST(SeqPacket, keeps_the_borders_of_messages) {
  auto [a, b] = make_pair();
  ASSERT_EQ(a.send(message(3, 1)), SendOutcome::kSent);
  ASSERT_EQ(a.send(message(5, 2)), SendOutcome::kSent);
  const auto first = b.receive();
  ASSERT_EQ(first.kind, Received::Kind::kMessage);
  EXPECT_EQ(first.bytes.size(), 3U);
  const auto second = b.receive();
  ASSERT_EQ(second.bytes.size(), 5U);
  EXPECT_EQ(second.bytes[4], 2);
  EXPECT_EQ(b.receive().kind, Received::Kind::kNothing);
}

TEST(SeqPacket, carries_its_largest_message) {
  auto [a, b] = make_pair();
  ASSERT_EQ(a.send(message(kMaxDatagram)), SendOutcome::kSent);
  EXPECT_EQ(b.receive().bytes.size(), kMaxDatagram);
}

TEST(SeqPacket, carries_descriptors_beside_a_message_in_order_and_close_on_exec) {
  auto [a, b] = make_pair();
  std::vector<UniqueFd> files;
  std::vector<int> numbers;
  for (std::uint8_t i = 0; i < kMaxFds; ++i) {
    files.push_back(make_sealed_memfd("test", std::vector<std::uint8_t>(i)).value());
    numbers.push_back(files.back().get());
  }
  ASSERT_EQ(a.send(message(1), numbers), SendOutcome::kSent);
  const auto got = b.receive();
  ASSERT_EQ(got.fds.size(), kMaxFds);
  for (std::size_t i = 0; i < kMaxFds; ++i) {
    struct stat info{};
    ASSERT_EQ(::fstat(got.fds[i].get(), &info), 0);
    EXPECT_EQ(info.st_size, static_cast<off_t>(i));
    EXPECT_NE(::fcntl(got.fds[i].get(), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST(SeqPacket, drops_a_message_with_too_many_descriptors_whole_and_leaks_none) {
  auto [a, b] = make_pair();
  const UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  const std::vector<int> numbers(kMaxFds + 1, file.get());
  const auto count_open = [] {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
  };
  const auto before = count_open();
  // Past our own limit, as a foreign peer might.
  std::uint8_t byte = 1;
  iovec part{&byte, 1};
  std::vector<char> control(CMSG_SPACE(numbers.size() * sizeof(int)));
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(numbers.size() * sizeof(int));
  std::memcpy(CMSG_DATA(rights), numbers.data(), numbers.size() * sizeof(int));
  ASSERT_EQ(::sendmsg(a.fd(), &header, 0), 1);
  const auto got = b.receive();
  EXPECT_EQ(got.kind, Received::Kind::kTruncated);
  EXPECT_TRUE(got.fds.empty());
  EXPECT_EQ(count_open(), before);
}

TEST(SeqPacket, drops_a_message_that_is_too_long_whole) {
  auto [a, b] = make_pair();
  const auto long_one = message(kMaxDatagram + 1);
  ASSERT_EQ(::send(a.fd(), long_one.data(), long_one.size(), 0), static_cast<ssize_t>(long_one.size()));
  EXPECT_EQ(b.receive().kind, Received::Kind::kTruncated);
  ASSERT_EQ(a.send(message(2)), SendOutcome::kSent);
  EXPECT_EQ(b.receive().bytes.size(), 2U) << "the next message is whole again";
}

TEST(SeqPacket, says_full_instead_of_waiting) {
  auto [a, b] = make_pair();
  auto outcome = SendOutcome::kSent;
  for (int i = 0; i < 100'000 && outcome == SendOutcome::kSent; ++i) outcome = a.send(message(1024));
  EXPECT_EQ(outcome, SendOutcome::kWouldBlock);
  while (b.receive().kind == Received::Kind::kMessage) {
  }
  EXPECT_EQ(a.send(message(1024)), SendOutcome::kSent);
}

TEST(SeqPacket, tells_that_the_peer_is_gone_both_ways) {
  auto [a, b] = make_pair();
  {
    const SeqPacket gone = std::move(b);
  }
  EXPECT_EQ(a.send(message(1)), SendOutcome::kClosed);
  EXPECT_EQ(a.receive().kind, Received::Kind::kClosed);
}

TEST(ListenSeqpacket, has_mode_and_group_and_tells_who_connects) {
  const Directory directory;
  const auto path = directory / "s";
  const auto listener = listen_seqpacket(path, 0660, 65532);
  ASSERT_TRUE(listener) << listener.error().what;
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0660U);
  EXPECT_EQ(info.st_gid, 65532U);
  const auto client = SeqPacket::connect(path);
  ASSERT_TRUE(client);
  const SeqPacket accepted{
      UniqueFd{::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)}};
  const auto peer = accepted.peer();
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_EQ(peer->uid, ::getuid());
}

TEST(ListenSeqpacket, replaces_what_a_dead_process_left) {
  const Directory directory;
  const auto path = directory / "s";
  {
    const auto dead = listen_seqpacket(path, 0600, 0);
  }
  EXPECT_TRUE(listen_seqpacket(path, 0600, 0));
  std::filesystem::remove(path);
  std::ofstream{path} << "a file";
  EXPECT_TRUE(listen_seqpacket(path, 0600, 0));
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_FALSE(listen_seqpacket(path, 0600, 0));
}

TEST(ListenSeqpacket, refuses_a_path_that_no_socket_address_holds) {
  EXPECT_FALSE(listen_seqpacket("/tmp/" + std::string(110, 'x'), 0600, 0));
  EXPECT_FALSE(SeqPacket::connect("/tmp/" + std::string(110, 'x')));
}

}  // namespace
}  // namespace vipra::sys
