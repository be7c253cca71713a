// Commands over the node's socket: answered at once, later, not at all.
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "report/local_client.hpp"
#include "report/local_server.hpp"
#include "tests/report/temporary_folder.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::report {
namespace {

using namespace std::chrono_literals;

class CommandsTest : public testing::Test {
 protected:
  void serve(OnCommand on_command) {
    LocalServer::Options options;
    options.socket_path = folder_.file("vipctl.sock");
    server_ = std::make_unique<LocalServer>(options, std::move(on_command));
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().what;
  }
  Result<v1::StandAsideReply> ask(const std::string& virtual_ip, std::chrono::milliseconds timeout = 10s) {
    v1::StandAsideRequest request;
    request.set_virtual_ip(virtual_ip);
    request.set_for_ns(5);
    return LocalClient{folder_.file("vipctl.sock")}.stand_aside(request, timeout);
  }

  TemporaryFolder folder_;
  std::unique_ptr<LocalServer> server_;
};

TEST_F(CommandsTest, AnAnswerFromAnotherThreadReachesWhoAsked) {
  std::jthread answering;
  serve([&](const v1::StandAsideRequest& request, CommandAnswerPtr answer) {
    EXPECT_EQ(request.virtual_ip(), "web");
    EXPECT_EQ(request.for_ns(), 5);
    answering = std::jthread{[answer = std::move(answer)] {
      v1::StandAsideReply reply;
      reply.set_until_unix_ns(7);
      answer->accept(reply);
      answer->refuse(CommandAnswer::Refusal::kNotNow, "too late to matter");
    }};
  });
  const auto reply = ask("web");
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->until_unix_ns(), 7);
}

TEST_F(CommandsTest, ARefusalCarriesItsSentence) {
  serve([](const v1::StandAsideRequest&, const CommandAnswerPtr& answer) {
    answer->refuse(CommandAnswer::Refusal::kNotNow, "this node does not own web\xff");
  });
  const auto reply = ask("web");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kInvalid);
  EXPECT_EQ(reply.error().what, "this node does not own web\xEF\xBF\xBD");
}

TEST_F(CommandsTest, ADroppedCommandIsAnsweredToo) {
  serve([](const v1::StandAsideRequest&, const CommandAnswerPtr&) {});
  const auto reply = ask("web");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kIo);
  EXPECT_NE(reply.error().what.find("the agent stops"), std::string::npos) << reply.error().what;
}

TEST_F(CommandsTest, OneThatIsNeverAnsweredEndsWithThePatienceOfWhoAsked) {
  std::mutex mutex;
  CommandAnswerPtr kept;
  serve([&](const v1::StandAsideRequest&, CommandAnswerPtr answer) {
    const std::lock_guard lock{mutex};
    kept = std::move(answer);
  });
  const auto reply = ask("web", 200ms);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Errc::kTimeout);
  const std::lock_guard lock{mutex};
  kept.reset();
}

}  // namespace
}  // namespace vipra::report
