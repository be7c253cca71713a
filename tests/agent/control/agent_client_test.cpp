#include "agent/control/agent_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/agent/control/fake_agent.hpp"
#include "tests/agent/control/lines.hpp"
#include "tests/source/temporary_folder.hpp"

namespace vipra::control {
namespace {

using namespace std::chrono_literals;
using test::FakeAgent;
using testing::ElementsAre;

plan::DesiredStatePtr desired(std::uint64_t generation) {
  auto state = std::make_shared<plan::DesiredState>();
  state->generation = generation;
  state->node = "node-a";
  plan::VirtualRouter router;
  router.id = "web/ipv4";
  router.seniority.name = "web";
  router.addresses = {{*IpAddress::parse("10.99.0.100"), "web"}};
  state->routers = {router};
  return state;
}

plan::Contribution part(const std::string& source, int delta = -50) {
  plan::Contribution out;
  out.consumer = "web/ipv4";
  out.source = source;
  out.delta = delta;
  out.reason = Reason::kCheckFailed;
  return out;
}

class AgentClientTest : public testing::Test {
 protected:
  static AgentClient::Options options(const std::string& path) {
    AgentClient::Options out;
    out.socket_path = path;
    out.build = "test";
    out.retry_initial = 10ms;
    out.retry_maximum = 50ms;
    out.retry_other_version = 400ms;
    out.hello_timeout = 150ms;
    return out;
  }
  bool until(const std::function<bool()>& condition, std::chrono::milliseconds limit = 5s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      io.restart();
      io.run_one_for(2ms);
      if (agent) agent->poll();
      if (condition()) return true;
    }
    return false;
  }

  test::TemporaryFolder folder;
  const std::string path = (folder / "agent.sock").string();
  boost::asio::io_context io;
  test::Lines lines;
  log::Logger log{lines, +[]() noexcept -> std::int64_t { return 0; }, "test", log::Level::kDebug};
  std::optional<FakeAgent> agent;
  std::size_t connected = 0;
  std::size_t disconnected = 0;
  std::vector<channel::v1::AgentMessage> heard;
  AgentClient client{io,
                     options(path),
                     log,
                     {[this] { ++connected; }, [this] { ++disconnected; },
                      [this](const auto& message) { heard.push_back(message); }}};
};

TEST_F(AgentClientTest, SaysHelloThenAsksThenTellsContributionsBeforeTheDesiredState) {
  agent.emplace(path);
  client.set_desired(desired(1));
  client.set_contributions({part("check/a")});
  client.start();
  ASSERT_TRUE(until([&] { return agent->order.size() >= 4; }));
  EXPECT_THAT(agent->order, ElementsAre("hello", "resync", "set", "desired"));
  EXPECT_EQ(agent->last().generation, 1u);
  EXPECT_EQ(agent->sets.back(), std::vector{part("check/a")});
  EXPECT_EQ(connected, 1u);
}

TEST_F(AgentClientTest, SaysNothingOfContributionsBeforeItHasAny) {
  agent.emplace(path);
  client.set_desired(desired(1));
  client.start();
  ASSERT_TRUE(until([&] { return !agent->desired.empty(); }));
  EXPECT_TRUE(agent->sets.empty());
}

TEST_F(AgentClientTest, LaterChangesTravelAsDeltas) {
  agent.emplace(path);
  client.set_contributions({part("check/a"), part("check/b")});
  client.start();
  ASSERT_TRUE(until([&] { return agent->sets.size() == 1; }));
  client.set_contributions({part("check/b", -10), part("check/c")});
  ASSERT_TRUE(until([&] { return agent->deltas.size() == 1; }));
  EXPECT_THAT(agent->deltas[0].upserts, ElementsAre(part("check/b", -10), part("check/c")));
  ASSERT_EQ(agent->deltas[0].removals.size(), 1u);
  EXPECT_EQ(agent->deltas[0].removals[0].source, "check/a");
  client.set_contributions({part("check/b", -10), part("check/c")});
  EXPECT_FALSE(until([&] { return agent->deltas.size() > 1 || agent->sets.size() > 1; }, 100ms));
}

TEST_F(AgentClientTest, ManyChangesTravelAsASet) {
  agent.emplace(path);
  client.set_contributions({});
  client.start();
  ASSERT_TRUE(until([&] { return agent->sets.size() == 1; }));
  std::vector<plan::Contribution> many;
  for (int i = 100; i < 300; ++i) many.push_back(part("check/" + std::to_string(i)));
  client.set_contributions(many);
  ASSERT_TRUE(until([&] { return agent->sets.size() == 2; }));
  EXPECT_EQ(agent->sets.back(), many);
  EXPECT_TRUE(agent->deltas.empty());
}

TEST_F(AgentClientTest, WaitsForAnAgentThatIsNotThereAndSaysSoOnce) {
  client.set_desired(desired(1));
  client.start();
  EXPECT_FALSE(until([&] { return connected > 0; }, 300ms));
  EXPECT_EQ(lines.count("agent.unreachable"), 1u) << lines.text();
  agent.emplace(path);
  ASSERT_TRUE(until([&] { return !agent->desired.empty(); }));
}

TEST_F(AgentClientTest, SaysEverythingAnewAfterAReconnect) {
  agent.emplace(path);
  client.set_desired(desired(3));
  client.set_contributions({part("check/a")});
  client.start();
  ASSERT_TRUE(until([&] { return !agent->desired.empty(); }));
  agent->vanish();
  ASSERT_TRUE(until([&] { return disconnected == 1; }));
  client.set_desired(desired(4));
  agent->listen();
  ASSERT_TRUE(until([&] { return agent->order.size() >= 4 && agent->accepted == 2; }));
  EXPECT_THAT(agent->order, ElementsAre("hello", "resync", "set", "desired"));
  EXPECT_EQ(agent->last().generation, 4u);
  EXPECT_EQ(client.connects(), 2u);
}

TEST_F(AgentClientTest, AnAgentOfAnotherVersionIsToldNothingAndTriedSlowly) {
  agent.emplace(path);
  agent->version = channel::kVersion + 1;
  client.set_desired(desired(1));
  client.start();
  ASSERT_TRUE(until([&] { return agent->closed_by_control; }));
  EXPECT_EQ(agent->hellos, 1u) << "both sides say who they are";
  EXPECT_FALSE(until([&] { return agent->accepted > 1; }, 250ms));
  EXPECT_TRUE(agent->desired.empty());
  EXPECT_EQ(agent->resyncs, 0u);
  EXPECT_TRUE(lines.says("version 2"));
  EXPECT_EQ(connected, 0u);
  agent->version = channel::kVersion;  // somebody upgraded it
  ASSERT_TRUE(until([&] { return !agent->desired.empty(); }));
}

TEST_F(AgentClientTest, AnAgentThatDoesNotSayHelloIsLeft) {
  agent.emplace(path);
  agent->says_hello = false;
  client.start();
  ASSERT_TRUE(until([&] { return agent->accepted >= 2; }));
  EXPECT_EQ(connected, 0u);
}

TEST_F(AgentClientTest, AMalformedMessageEndsTheConnectionAndANewOneBegins) {
  agent.emplace(path);
  client.start();
  ASSERT_TRUE(until([&] { return connected == 1; }));
  agent->send_raw("\xff\xff\xff\xff not a message");
  ASSERT_TRUE(until([&] { return connected == 2; }));
  EXPECT_EQ(disconnected, 1u);
}

TEST_F(AgentClientTest, AnAgentThatDoesNotReadCostsNothingAndGetsTheNewestInTheEnd) {
  agent.emplace(path);
  client.start();
  ASSERT_TRUE(until([&] { return agent->resyncs == 1; }));
  agent->reading = false;
  for (std::uint64_t generation = 1; generation <= 2000; ++generation)
    client.set_desired(desired(generation));
  until([] { return false; }, 50ms);
  agent->reading = true;
  ASSERT_TRUE(until([&] { return !agent->desired.empty() && agent->last().generation == 2000; }));
  EXPECT_LT(agent->desired.size(), 1000u) << "what was overtaken was sent all the same";
}

TEST_F(AgentClientTest, PassesOnWhatTheAgentTells) {
  agent.emplace(path);
  client.start();
  ASSERT_TRUE(until([&] { return connected == 1; }));
  agent->tell({test::router_snapshot("web/ipv4")}, 7);
  ASSERT_TRUE(until([&] { return heard.size() == 1; }));
  EXPECT_EQ(heard[0].snapshots().speaker().applied_generation(), 7u);
}

TEST_F(AgentClientTest, StopEndsEverything) {
  agent.emplace(path);
  client.start();
  ASSERT_TRUE(until([&] { return connected == 1; }));
  client.stop();
  io.restart();
  const auto began = std::chrono::steady_clock::now();
  io.run_for(5s);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2s) << "something is still waiting";
  EXPECT_EQ(disconnected, 0u);
}

}  // namespace
}  // namespace vipra::control
