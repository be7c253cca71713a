// Real FIFOs, sockets and programs in a folder of the test's own.
#include "notify/notifier.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <climits>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sys/unique_fd.hpp"

namespace vipra::notify {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

struct Lines final : log::Sink {
  void write_line(std::string_view line) noexcept override { all += line; }
  std::string all;
};

Transition transition(std::uint64_t sequence = 1) {
  Transition out;
  out.unix_ns = 1'800'000'000'123'456'789;
  out.sequence = sequence;
  out.node = "node-a";
  out.router = "web/ipv4";
  out.virtual_ips = {"api", "web"};
  out.family = "IPv4";
  out.virtual_router_id = 51;
  out.interface = "eth0";
  out.from = State::kBackup;
  out.to = State::kMaster;
  out.reason = Reason::kMasterSilent;
  return out;
}

class NotifierTest : public testing::Test {
 protected:
  NotifierTest() {
    folder_ = testing::TempDir() + "vipra-notify-XXXXXX";
    if (::mkdtemp(folder_.data()) == nullptr) ADD_FAILURE() << "no folder for the test";
  }
  ~NotifierTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const char* name) const { return folder_ + "/" + name; }
  std::string script(const char* name, const std::string& text) const {
    const auto file = path(name);
    std::ofstream{file} << "#!/bin/sh\n" << text;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  std::string read(const std::string& file) const {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  std::uint64_t dropped(const Notifier& notifier) const { return notifier.counters().at(0).dropped; }
  std::uint64_t told(const Notifier& notifier) const { return notifier.counters().at(0).told; }
  template <class Condition>
  bool turned_until(Condition condition, std::chrono::seconds within = 20s) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      if (io_.stopped()) io_.restart();
      io_.run_one_for(10ms);
    }
    return true;
  }

  std::string folder_;
  boost::asio::io_context io_;
  Lines lines_;
  log::Logger log_{lines_, +[]() noexcept -> std::int64_t { return 0; }, "control"};
};

TEST(TransitionLine, IsOneBoundedLineOfJson) {
  const auto said = json::parse(to_line(transition()));
  EXPECT_EQ(said["event"], "router.transition");
  EXPECT_EQ(said["time"], "2027-01-15T08:00:00.123456Z");
  EXPECT_EQ(said["sequence"], 1);
  EXPECT_EQ(said["router"], "web/ipv4");
  EXPECT_EQ(said["from"], "Backup");
  EXPECT_EQ(said["to"], "Master");
  EXPECT_EQ(said["reason"], "MasterSilent");
  EXPECT_EQ(said["virtual_ips"], "api,web");
  EXPECT_EQ(said["vrid"], 51);

  auto huge = transition();
  huge.detail = std::string(100'000, '"') + "\n";
  huge.virtual_ips.assign(1000, std::string(60, 'x'));
  const auto line = to_line(huge);
  EXPECT_LE(line.size(), static_cast<std::size_t>(PIPE_BUF));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(json::parse(line)["to"], "Master");
}

TEST_F(NotifierTest, WithoutAnythingWantedItTellsNobody) {
  Notifier notifier{io_, {}, log_};
  EXPECT_FALSE(notifier.wanted());
  EXPECT_THAT(notifier.counters(), testing::IsEmpty());
}

TEST_F(NotifierTest, AFifoIsMadeAndKeepsLinesForAReaderThatComesLater) {
  Notifier notifier{io_, {.fifo = path("fifo"), .socket = {}, .hook = {}}, log_};
  struct stat there{};
  ASSERT_EQ(::stat(path("fifo").c_str(), &there), 0);
  EXPECT_TRUE(S_ISFIFO(there.st_mode));
  EXPECT_EQ(there.st_mode & 0007, 0u);
  notifier.tell(transition(1));
  notifier.tell(transition(2));
  const sys::UniqueFd reader{::open(path("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  ASSERT_TRUE(reader);
  char buffer[8192];
  const auto got = ::read(reader.get(), buffer, sizeof buffer);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string_view(buffer, static_cast<std::size_t>(got)),
            to_line(transition(1)) + to_line(transition(2)));
  EXPECT_EQ(told(notifier), 2u);
}

TEST_F(NotifierTest, AFullFifoIsNotWaitedForAndSaysSoOnce) {
  Notifier notifier{io_, {.fifo = path("fifo"), .socket = {}, .hook = {}}, log_};
  for (std::uint64_t i = 0; i < 2000; ++i) notifier.tell(transition(i));
  EXPECT_GT(told(notifier), 100u);
  EXPECT_GT(dropped(notifier), 100u);
  EXPECT_EQ(told(notifier) + dropped(notifier), 2000u);
  const auto first = lines_.all.find("notify.dropped");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(lines_.all.find("notify.dropped", first + 1), std::string::npos);
}

TEST_F(NotifierTest, AFifoThatWasReplacedIsFoundAgainAndAFileIsNotWritten) {
  Notifier notifier{io_, {.fifo = path("fifo"), .socket = {}, .hook = {}}, log_};
  notifier.tell(transition(1));
  std::filesystem::remove(path("fifo"));
  std::ofstream{path("fifo")} << "mine";
  notifier.tell(transition(2));
  EXPECT_EQ(dropped(notifier), 1u);
  EXPECT_EQ(read(path("fifo")), "mine");
  std::filesystem::remove(path("fifo"));
  notifier.tell(transition(3));
  EXPECT_EQ(told(notifier), 2u);
}

TEST_F(NotifierTest, ASocketGetsADatagramEachAndItsOwnerMayComeLater) {
  Notifier notifier{io_, {.fifo = {}, .socket = path("socket"), .hook = {}}, log_};
  notifier.tell(transition(1));
  EXPECT_EQ(dropped(notifier), 1u);
  const sys::UniqueFd owner{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path("socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(owner.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  notifier.tell(transition(2));
  char buffer[8192];
  const auto got = ::recv(owner.get(), buffer, sizeof buffer, 0);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string_view(buffer, static_cast<std::size_t>(got)), to_line(transition(2)));
  for (std::uint64_t i = 0; i < 5000; ++i) notifier.tell(transition(i));
  EXPECT_GT(dropped(notifier), 1u) << "an owner that does not read is not waited for";
}

TEST_F(NotifierTest, AHookRunsForEachInOrderWithTheLineAndItsEnvironmentAlone) {
  const auto hook = script("hook", "cat >> " + path("out") + "; env | sort >> " + path("env") + "\n");
  ASSERT_EQ(::setenv("VIPRA_TEST_SECRET", "x", 1), 0);
  Notifier notifier{io_, {.fifo = {}, .socket = {}, .hook = hook}, log_};
  for (std::uint64_t i = 1; i <= 3; ++i) notifier.tell(transition(i));
  const auto all = to_line(transition(1)) + to_line(transition(2)) + to_line(transition(3));
  ASSERT_TRUE(turned_until([&] { return read(path("out")) == all; })) << read(path("out"));
  ASSERT_TRUE(turned_until([&] {
    const auto text = read(path("env"));
    return std::count(text.begin(), text.end(), '\n') >= 30;
  }));
  const auto environment = read(path("env"));
  EXPECT_THAT(environment, HasSubstr("VIPRA_TO=Master\n"));
  EXPECT_THAT(environment, HasSubstr("VIPRA_VIRTUAL_IPS=api,web\n"));
  EXPECT_THAT(environment, testing::Not(HasSubstr("SECRET")));
  EXPECT_EQ(told(notifier), 3u);
}

TEST_F(NotifierTest, AHookThatHangsIsKilledWithWhatItStartedAndTheNextOneRuns) {
  const auto hook = script("hook", "if [ \"$(cat | grep -c '\"sequence\":1,')\" = 1 ]; then echo $$ > " +
                                       path("first") + "; sleep 1000 & echo $! > " + path("child") +
                                       "; wait; fi\necho done > " + path("second") + "\n");
  Notifier notifier{io_, {.fifo = {}, .socket = {}, .hook = hook, .hook_limit = 300ms}, log_};
  const auto began = std::chrono::steady_clock::now();
  notifier.tell(transition(1));
  notifier.tell(transition(2));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 200ms) << "nobody waits";
  ASSERT_TRUE(turned_until([&] { return read(path("second")) == "done\n"; }));
  EXPECT_THAT(lines_.all, HasSubstr("notify.hook_killed"));
  const auto child = std::stoi(read(path("child")));
  // A killed process is gone when whoever inherited it has reaped it.
  EXPECT_TRUE(turned_until([&] {
    const auto status = read("/proc/" + std::to_string(child) + "/stat");
    return status.empty() || status.find(") Z") != std::string::npos;
  }));
}

TEST_F(NotifierTest, AHookThatFailsOrIsNotThereIsSaid) {
  {
    Notifier notifier{io_, {.fifo = {}, .socket = {}, .hook = script("hook", "exit 3\n")}, log_};
    notifier.tell(transition());
    ASSERT_TRUE(turned_until([&] { return lines_.all.find("notify.hook_failed") != std::string::npos; }));
    EXPECT_THAT(lines_.all, HasSubstr("\"exit_status\":3"));
  }
  Notifier notifier{io_, {.fifo = {}, .socket = {}, .hook = path("nothing")}, log_};
  notifier.tell(transition());
  EXPECT_EQ(dropped(notifier), 1u);
  EXPECT_THAT(lines_.all, HasSubstr("No such file"));
}

TEST_F(NotifierTest, StoppedItEndsAHookThatRunsAndLeavesTheLoopNothingToDo) {
  Notifier notifier{io_, {.fifo = {}, .socket = {}, .hook = script("hook", "sleep 1000\n")}, log_};
  notifier.tell(transition());
  notifier.stop();
  notifier.tell(transition());
  if (io_.stopped()) io_.restart();
  io_.run_for(5s);
  EXPECT_TRUE(io_.stopped()) << "out of work";
  EXPECT_EQ(told(notifier), 1u);
}

}  // namespace
}  // namespace vipra::notify
