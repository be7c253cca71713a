#include "report/local_server.hpp"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

#include "report/local_client.hpp"
#include "report/unix_socket.hpp"
#include "tests/report/temporary_folder.hpp"
#include "vipra/report/v1/report.grpc.pb.h"

namespace vipra::report {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = 10s) {
  const auto deadline = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

std::shared_ptr<v1::NodeReport> numbered(std::uint64_t sequence, std::size_t padding = 0) {
  auto report = std::make_shared<v1::NodeReport>();
  report->set_node("node-a");
  report->set_sequence(sequence);
  if (padding > 0) report->set_source_detail(std::string(padding, 'x'));
  return report;
}

// A Unix socket with a name and nobody behind it, as a killed server leaves it.
void leave_stale_socket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
}

std::unique_ptr<v1::NodeReports::Stub> stub_for(const std::string& path) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return v1::NodeReports::NewStub(
      grpc::CreateCustomChannel(grpc_unix_target(path), grpc::InsecureChannelCredentials(), arguments));
}

struct LocalServerTest : testing::Test {
  TemporaryFolder folder;
  std::string path = folder.file("vipctl.sock");
  LocalServer server{{.socket_path = path}};

  std::size_t files() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{folder.path()}) ++count;
    return count;
  }
};

TEST_F(LocalServerTest, GetReturnsTheLatestReport) {
  ASSERT_TRUE(server.start());
  LocalClient client{path};
  const auto none = client.get(5s);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::kIo);
  EXPECT_NE(none.error().what.find("no report yet"), std::string::npos);

  server.publish(numbered(1));
  server.publish(numbered(2));
  const auto report = client.get(5s);
  ASSERT_TRUE(report) << report.error().what;
  EXPECT_EQ(report->sequence(), 2u);
  EXPECT_EQ(report->node(), "node-a");
}

TEST_F(LocalServerTest, TheSocketIsForItsOwnerAndGroupAndNothingElseIsLeftInTheFolder) {
  ASSERT_TRUE(server.start());
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 07777, 0660u);
  EXPECT_EQ(files(), 1u);
  server.stop();
  EXPECT_EQ(files(), 0u);
}

TEST_F(LocalServerTest, AnOddPathIsServedToo) {
  const std::string odd = folder.file("a b%20#?ä.sock");
  LocalServer other{{.socket_path = odd}};
  other.publish(numbered(7));
  ASSERT_TRUE(other.start());
  EXPECT_TRUE(std::filesystem::exists(odd));
  const auto report = LocalClient{odd}.get(5s);
  ASSERT_TRUE(report) << report.error().what;
  EXPECT_EQ(report->sequence(), 7u);
}

TEST_F(LocalServerTest, AStaleSocketIsReplaced) {
  leave_stale_socket(path);
  ASSERT_EQ(*probe_unix_socket(path), SocketState::kStale);
  server.publish(numbered(1));
  const auto started = server.start();
  ASSERT_TRUE(started) << started.error().what;
  EXPECT_TRUE(LocalClient{path}.get(5s));
}

TEST_F(LocalServerTest, ASecondServerIsRefusedAndTheFirstGoesOn) {
  ASSERT_TRUE(server.start());
  server.publish(numbered(1));
  LocalServer second{{.socket_path = path}};
  const auto refused = second.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_TRUE(LocalClient{path}.get(5s));
  EXPECT_EQ(files(), 1u);

  server.stop();
  const auto now = second.start();
  EXPECT_TRUE(now) << now.error().what;
}

TEST_F(LocalServerTest, WhatIsNoSocketIsNotTouched) {
  std::ofstream{path} << "precious";
  const auto refused = server.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  std::string content;
  std::ifstream{path} >> content;
  EXPECT_EQ(content, "precious");
}

TEST_F(LocalServerTest, PathsThatCannotWorkAreNamed) {
  LocalServer long_path{{.socket_path = folder.file(std::string(120, 'x'))}};
  EXPECT_EQ(long_path.start().error().code, Errc::kInvalid);
  LocalServer no_folder{{.socket_path = folder.file("missing/vipctl.sock")}};
  const auto failed = no_folder.start();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().sys_errno, ENOENT);
}

TEST_F(LocalServerTest, ASocketThatSomebodyElsePutThereIsNotRemovedByStop) {
  ASSERT_TRUE(server.start());
  std::filesystem::remove(path);
  leave_stale_socket(path);
  server.stop();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(LocalServerTest, MayBeStartedAgain) {
  server.publish(numbered(3));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(server.start());
    EXPECT_TRUE(LocalClient{path}.get(5s));
    server.stop();
    EXPECT_EQ(LocalClient{path}.get(5s).error().code, Errc::kNotFound);
  }
}

TEST_F(LocalServerTest, AWatcherSeesTheReportNowAndTheNewestLater) {
  ASSERT_TRUE(server.start());
  server.publish(numbered(1));
  std::vector<std::uint64_t> seen;
  LocalClient client{path};
  const auto ended = client.watch({}, [&](const v1::NodeReport& report) {
    seen.push_back(report.sequence());
    if (report.sequence() < 50) server.publish(numbered(report.sequence() + 1));
    return report.sequence() < 50;
  });
  EXPECT_TRUE(ended);
  ASSERT_EQ(seen.size(), 50u);
  EXPECT_EQ(seen.front(), 1u);
  EXPECT_EQ(seen.back(), 50u);
  EXPECT_TRUE(wait_until([&] { return server.counters().watchers == 0; }));
}

TEST_F(LocalServerTest, AWatcherThatCameFirstGetsTheFirstReport) {
  ASSERT_TRUE(server.start());
  std::uint64_t seen = 0;
  std::jthread watcher{[&] {
    (void)LocalClient{path}.watch({}, [&](const v1::NodeReport& report) {
      seen = report.sequence();
      return false;
    });
  }};
  ASSERT_TRUE(wait_until([&] { return server.counters().watchers == 1; }));
  server.publish(numbered(5));
  watcher.join();
  EXPECT_EQ(seen, 5u);
}

TEST_F(LocalServerTest, AWatcherStopsWhenItsReaderWantsTo) {
  ASSERT_TRUE(server.start());
  server.publish(numbered(1));
  std::stop_source stop;
  Status ended = fail(Errc::kIo, "not run");
  std::jthread watcher{
      [&] { ended = LocalClient{path}.watch(stop.get_token(), [](const v1::NodeReport&) { return true; }); }};
  ASSERT_TRUE(wait_until([&] { return server.counters().watchers == 1; }));
  stop.request_stop();
  watcher.join();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(wait_until([&] { return server.counters().watchers == 0; }));
}

// The reader stops reading while reports of 1 MB are published; when it reads again it has skipped nearly all
// of them and the last it gets is the newest.
TEST_F(LocalServerTest, ASlowReaderSkipsAndGetsTheNewest) {
  constexpr std::uint64_t kReports = 60;
  ASSERT_TRUE(server.start());
  server.publish(numbered(1, 1 << 20));
  const auto stub = stub_for(path);
  grpc::ClientContext context;
  const auto reader = stub->WatchNodeReport(&context, {});
  v1::NodeReport report;
  ASSERT_TRUE(reader->Read(&report));
  for (std::uint64_t i = 2; i <= kReports; ++i) {
    const auto before = Clock::now();
    server.publish(numbered(i, 1 << 20));
    EXPECT_LT(Clock::now() - before, 1s);
  }
  int got = 1;
  while (report.sequence() < kReports) {
    ASSERT_TRUE(reader->Read(&report));
    ++got;
  }
  EXPECT_LT(got, 20);
  context.TryCancel();
  (void)reader->Finish();
}

TEST_F(LocalServerTest, WatchersAreBounded) {
  LocalServer small{{.socket_path = folder.file("small.sock"), .max_watchers = 2}};
  ASSERT_TRUE(small.start());
  small.publish(numbered(1));
  const auto stub = stub_for(folder.file("small.sock"));
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::NodeReport>>> readers;
  v1::NodeReport report;
  for (int i = 0; i < 3; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub->WatchNodeReport(contexts.back().get(), {}));
    EXPECT_EQ(readers.back()->Read(&report), i < 2) << i;
  }
  EXPECT_EQ(readers[2]->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(small.counters().watchers_refused, 1u);

  contexts[0]->TryCancel();
  (void)readers[0]->Finish();
  ASSERT_TRUE(wait_until([&] { return small.counters().watchers == 1; }));
  grpc::ClientContext again;
  const auto reader = stub->WatchNodeReport(&again, {});
  EXPECT_TRUE(reader->Read(&report));
  again.TryCancel();
  (void)reader->Finish();
  contexts[1]->TryCancel();
  (void)readers[1]->Finish();
}

TEST_F(LocalServerTest, StopsInBoundedTimeWithOpenWatchersEvenOnesThatDoNotRead) {
  LocalServer bounded{{.socket_path = folder.file("b.sock"), .shutdown_timeout = 300ms}};
  ASSERT_TRUE(bounded.start());
  bounded.publish(numbered(1));
  Status ended;
  std::jthread idle{[&] {
    ended = LocalClient{folder.file("b.sock")}.watch({}, [](const v1::NodeReport&) { return true; });
  }};
  const auto stub = stub_for(folder.file("b.sock"));
  grpc::ClientContext context;
  const auto blocked = stub->WatchNodeReport(&context, {});
  ASSERT_TRUE(wait_until([&] { return bounded.counters().watchers == 2; }));
  for (std::uint64_t i = 2; i < 6; ++i) bounded.publish(numbered(i, 3 << 20));

  const auto before = Clock::now();
  bounded.stop();
  EXPECT_LT(Clock::now() - before, 5s);
  EXPECT_EQ(bounded.counters().watchers, 0u);
  idle.join();
  EXPECT_FALSE(ended);
  context.TryCancel();
  (void)blocked->Finish();
}

TEST_F(LocalServerTest, ReportsThatAreNoUtf8ArriveRepaired) {
  ASSERT_TRUE(server.start());
  auto report = numbered(1);
  report->add_problems()->set_origin("/etc/b\xff.yaml");
  server.publish(report);
  const auto got = LocalClient{path}.get(5s);
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->problems(0).origin(), "/etc/b\xef\xbf\xbd.yaml");
  EXPECT_EQ(report->problems(0).origin(), "/etc/b\xff.yaml");
}

TEST_F(LocalServerTest, BytesThatAreNoGrpcHurtNobody) {
  ASSERT_TRUE(server.start());
  server.publish(numbered(1));
  for (int round = 0; round < 5; ++round) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string garbage(4096, static_cast<char>(0x41 + round * 37));
    (void)!::send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL);
    ::close(fd);
  }
  EXPECT_TRUE(LocalClient{path}.get(5s));
}

TEST_F(LocalServerTest, TheClientSaysWhatIsWrongWithTheSocket) {
  EXPECT_EQ(LocalClient{path}.get(1s).error().code, Errc::kNotFound);
  leave_stale_socket(path);
  EXPECT_EQ(LocalClient{path}.get(1s).error().code, Errc::kConflict);
  std::filesystem::remove(path);
  std::ofstream{path} << "text";
  EXPECT_EQ(LocalClient{path}.get(1s).error().code, Errc::kConflict);
}

}  // namespace
}  // namespace vipra::report
