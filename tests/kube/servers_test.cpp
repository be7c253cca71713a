// More than one API server, and IPv6.
#include <gtest/gtest.h>

#include "tests/kube/kube_fixture.hpp"

namespace vipra::test {
namespace {

using kube::ErrorKind;
using Connection = FakeApiServer::Connection;

class ServersTest : public KubeTest {
 protected:
  static void ok(Connection& connection, const FakeRequest&) { connection.answer(200, "{}"); }
};

TEST_F(ServersTest, TheNextOneIsAskedWithinTheSameCallAndThenFirst) {
  access.servers = {{"127.0.0.1", dead_port(), {}}};
  auto& second = serve(ok);
  auto& api = connect();
  const auto answer = get();
  EXPECT_TRUE(answer.ok());
  EXPECT_EQ(answer.server, "127.0.0.1:" + std::to_string(second.port()));
  EXPECT_EQ(api.server(), answer.server);
  EXPECT_TRUE(get().ok());
  EXPECT_EQ(second.connections(), 1);
}

TEST_F(ServersTest, AllOfThemDownIsOneAnswer) {
  access.servers = {{"127.0.0.1", dead_port(), {}}, {"127.0.0.1", dead_port(), {}}};
  connect();
  EXPECT_EQ(get().error, ErrorKind::kUnreachable);
}

TEST_F(ServersTest, OneThatFallsSilentIsLeftForTheCallsAfter) {
  auto& first = serve([](Connection& connection, const FakeRequest&) { connection.wait_closed(); });
  auto& second = serve(ok);
  connect();
  kube::CallOptions options;
  options.deadline = 300ms;
  EXPECT_EQ(get("/", options).error, ErrorKind::kTimeout);
  EXPECT_TRUE(get("/").ok());
  EXPECT_EQ(first.requests().size(), 1u);
  EXPECT_EQ(second.requests().size(), 1u);
}

TEST_F(ServersTest, OneThatFailsWith503IsLeftForTheCallsAfter) {
  serve([](Connection& connection, const FakeRequest&) { connection.answer(503, "{}"); });
  serve(ok);
  connect();
  EXPECT_EQ(get().status, 503);
  EXPECT_TRUE(get().ok());
}

TEST_F(ServersTest, AnUntrustedOneIsPassedOver) {
  const Authority other{"other"};
  servers.push_back(std::make_unique<FakeApiServer>(other.issue("server", {"IP:127.0.0.1"}), ok));
  access.servers = {{"127.0.0.1", servers.back()->port(), {}}};
  serve(ok);
  connect();
  EXPECT_TRUE(get().ok());
  EXPECT_TRUE(servers[0]->requests().empty());
}

TEST_F(ServersTest, IPv6IsSpokenWithItsNameChecked) {
  auto& server = serve(ok, "::1");
  connect();
  const auto answer = get("/api/v1/nodes");
  EXPECT_TRUE(answer.ok()) << answer.message;
  EXPECT_EQ(answer.server, "[::1]:" + std::to_string(server.port()));
  EXPECT_EQ(server.requests().at(0).path, "/api/v1/nodes");
}

TEST_F(ServersTest, APathPrefixGoesBeforeEveryPath) {
  auto& server = serve(ok);
  access.servers[0].path = "/k8s/clusters/c-1";
  connect();
  EXPECT_TRUE(get("/api/v1/nodes").ok());
  EXPECT_EQ(server.requests().at(0).path, "/k8s/clusters/c-1/api/v1/nodes");
}

}  // namespace
}  // namespace vipra::test
