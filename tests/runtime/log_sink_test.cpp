#include "runtime/log_sink.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "sys/unique_fd.hpp"

namespace vipra::runtime {
namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) std::abort();
    out.reset(fds[0]);
    in.reset(fds[1]);
  }
  // Everything written until `lines` lines are there, or nothing comes for 5 s.
  std::string read_lines(std::size_t lines) {
    std::string text;
    while (static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) < lines) {
      pollfd ready{out.get(), POLLIN, 0};
      if (::poll(&ready, 1, 5000) != 1) break;
      char buffer[65536];
      const auto size = ::read(out.get(), buffer, sizeof buffer);
      if (size <= 0) break;
      text.append(buffer, static_cast<std::size_t>(size));
    }
    return text;
  }
  // Leaves no room for a byte.
  void fill() {
    ASSERT_EQ(::fcntl(in.get(), F_SETFL, O_NONBLOCK), 0);
    while (::write(in.get(), "x", 1) == 1) {
    }
    ASSERT_EQ(::fcntl(in.get(), F_SETFL, 0), 0);
  }
  sys::UniqueFd out;
  sys::UniqueFd in;
};

TEST(LogSink, writes_lines_in_order_also_those_from_before_the_start) {
  Pipe pipe;
  LogSink sink{pipe.in.get()};
  sink.write_line("one\n");
  sink.start();
  sink.write_line("two\n");
  EXPECT_EQ(pipe.read_lines(2), "one\ntwo\n");
  EXPECT_EQ(sink.dropped(), 0U);
}

TEST(LogSink, writes_everything_before_it_goes) {
  Pipe pipe;
  {
    LogSink sink{pipe.in.get()};
    sink.start();
    for (int i = 0; i < 100; ++i) sink.write_line("line\n");
  }
  EXPECT_EQ(pipe.read_lines(100).size(), 500U);
}

TEST(LogSink, drops_and_counts_when_nobody_reads_and_never_waits) {
  Pipe pipe;
  pipe.fill();
  const std::string line = std::string(1023, 'x') + "\n";
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t dropped = 0;
  {
    LogSink sink{pipe.in.get(), 16 * 1024};
    sink.start();
    for (int i = 0; i < 1000; ++i) sink.write_line(line);
    dropped = sink.dropped();
    EXPECT_GE(dropped, 1000U - 32) << "two buffers of 16 lines at most";
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{150});
  }
  // 200 ms of patience at the end are all that a stuck reader costs.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{3});
  // The thread that was left behind ends with its pipe.
  ::signal(SIGPIPE, SIG_IGN);
  pipe.out.reset();
}

TEST(LogSink, goes_on_when_the_reader_does) {
  Pipe pipe;
  LogSink sink{pipe.in.get(), 8 * 1024};
  sink.start();
  const std::string line = std::string(1023, 'x') + "\n";
  for (int i = 0; i < 200; ++i) sink.write_line(line);
  ASSERT_GT(sink.dropped(), 0U);
  const auto kept = 200 - sink.dropped();
  EXPECT_EQ(pipe.read_lines(kept).size(), kept * line.size());
  sink.write_line("after\n");
  EXPECT_EQ(pipe.read_lines(1), "after\n");
}

TEST(LogSink, waits_for_a_target_that_is_non_blocking) {
  Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.in.get(), F_SETFL, O_NONBLOCK), 0);
  LogSink sink{pipe.in.get(), 512 * 1024};
  const std::string line = std::string(1023, 'x') + "\n";
  for (int i = 0; i < 400; ++i) sink.write_line(line);  // many times what the pipe holds
  sink.start();
  EXPECT_EQ(pipe.read_lines(400).size(), 400 * line.size());
  EXPECT_EQ(sink.dropped(), 0U);
}

TEST(LogSink, counts_what_a_closed_target_refuses) {
  Pipe pipe;
  pipe.out.reset();
  ::signal(SIGPIPE, SIG_IGN);
  LogSink sink{pipe.in.get()};
  sink.start();
  sink.write_line("nobody reads this\n");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  while (sink.dropped() == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(sink.dropped(), 1U);
}

TEST(LogSink, never_mixes_the_lines_of_two_writers_of_one_pipe) {
  Pipe pipe;
  LogSink first{pipe.in.get(), 4 << 20};
  LogSink second{pipe.in.get(), 4 << 20};
  const std::string a = std::string(699, 'a') + "\n";
  const std::string b = std::string(899, 'b') + "\n";
  constexpr std::size_t kLines = 2000;
  first.start();
  second.start();
  std::thread writer{[&] {
    for (std::size_t i = 0; i < kLines; ++i) second.write_line(b);
  }};
  for (std::size_t i = 0; i < kLines; ++i) first.write_line(a);
  const auto text = pipe.read_lines(2 * kLines);
  writer.join();
  ASSERT_EQ(text.size(), kLines * (a.size() + b.size()));
  for (std::size_t at = 0; at < text.size();) {
    const auto& expected = text[at] == 'a' ? a : b;
    ASSERT_EQ(text.compare(at, expected.size(), expected), 0) << "at byte " << at;
    at += expected.size();
  }
}

TEST(LogSink, takes_lines_from_many_threads) {
  Pipe pipe;
  LogSink sink{pipe.in.get(), 1 << 20};
  sink.start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&sink] {
      for (int i = 0; i < 500; ++i) sink.write_line("0123456789\n");
    });
  }
  const auto text = pipe.read_lines(2000);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(text.size(), 2000U * 11);
}

}  // namespace
}  // namespace vipra::runtime
