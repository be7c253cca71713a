// One request and its answer, or what became of it.
#include <gtest/gtest.h>

#include <future>

#include "tests/kube/kube_fixture.hpp"

namespace vipra::test {
namespace {

using kube::Answer;
using kube::ErrorKind;
using Connection = FakeApiServer::Connection;

class CallTest : public KubeTest {
 protected:
  static void echo(Connection& connection, const FakeRequest&) { connection.answer(200, R"({"ok":true})"); }
  const kube::Resource leases{"coordination.k8s.io", "v1", "leases", "vipra"};
};

TEST_F(CallTest, GetsWithTheTokenOnOneKeptConnection) {
  auto& server = serve(echo);
  connect();
  for (int i = 0; i < 3; ++i) {
    const auto answer = get("/api/v1/nodes");
    EXPECT_TRUE(answer.ok()) << answer.message;
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, R"({"ok":true})");
  }
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].path, "/api/v1/nodes");
  EXPECT_EQ(requests[0].headers.at("authorization"), "Bearer first-token");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(CallTest, WritesSayWhatTheyAre) {
  auto& server = serve(echo);
  auto& api = connect();
  int answers = 0;
  const auto count = [&](const Answer& answer) { answers += answer.ok() ? 1 : 100; };
  api.create(leases, "{1}", count);
  ASSERT_TRUE(eventually([&] { return answers == 1; }));
  api.replace(leases, "x", "{2}", count);
  ASSERT_TRUE(eventually([&] { return answers == 2; }));
  api.apply(leases, "x", {"vipra controller", true, "status"}, "{3}", count);
  ASSERT_TRUE(eventually([&] { return answers == 3; }));
  api.remove(leases, "x", count);
  ASSERT_TRUE(eventually([&] { return answers == 4; }));
  api.list(leases, {7, "more/=", "a=b,c in (d)", "metadata.name=x"}, count);
  ASSERT_TRUE(eventually([&] { return answers == 5; }));
  const auto got = server.requests();
  const std::string path = "/apis/coordination.k8s.io/v1/namespaces/vipra/leases";
  EXPECT_EQ(got[0].method + got[0].path + got[0].body, "POST" + path + "{1}");
  EXPECT_EQ(got[1].method + got[1].path + got[1].body, "PUT" + path + "/x{2}");
  EXPECT_EQ(got[1].headers.at("content-type"), "application/json");
  EXPECT_EQ(got[2].method + got[2].path + got[2].body, "PATCH" + path + "/x/status{3}");
  EXPECT_EQ(got[2].headers.at("content-type"), "application/apply-patch+yaml");
  EXPECT_EQ(got[2].query.at("fieldManager"), "vipra controller");
  EXPECT_EQ(got[2].query.at("force"), "true");
  EXPECT_EQ(got[3].method + got[3].path, "DELETE" + path + "/x");
  EXPECT_EQ(got[4].query, (std::map<std::string, std::string>{{"limit", "7"},
                                                              {"continue", "more/="},
                                                              {"labelSelector", "a=b,c in (d)"},
                                                              {"fieldSelector", "metadata.name=x"}}));
}

TEST_F(CallTest, ARefusalBringsItsReasonAndWhenToComeAgain) {
  serve([](Connection& connection, const FakeRequest&) {
    connection.answer(429, R"({"kind":"Status","message":"too many"})", "Retry-After: 7\r\n");
  });
  connect();
  const auto answer = get();
  EXPECT_EQ(answer.error, ErrorKind::kStatus);
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.retry_after, std::optional<Duration>{7s});
  EXPECT_EQ(answer.message, "HTTP 429: too many");
  EXPECT_TRUE(answer.surely_not_done());
}

TEST_F(CallTest, RedirectsAreNotFollowedAndTheTokenStaysHere) {
  auto& other = serve(echo);
  const auto target = "https://127.0.0.1:" + std::to_string(other.port()) + "/";
  access.servers.clear();
  serve([target](Connection& connection, const FakeRequest&) {
    connection.answer(307, "", "Location: " + target + "\r\n");
  });
  connect();
  EXPECT_EQ(get().status, 307);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(CallTest, AnAnswerBeyondTheLimitIsCutOff) {
  std::promise<bool> cut_off;
  serve([&](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    bool writes = true;
    for (int i = 0; i < 4000 && writes; ++i) writes = connection.chunk(std::string(100'000, 'x'));
    cut_off.set_value(!writes);
    connection.close();
  });
  connect();
  kube::CallOptions options;
  options.max_body = 1'000'000;
  const auto answer = get("/", options);
  EXPECT_EQ(answer.error, ErrorKind::kTooLarge);
  EXPECT_EQ(answer.body, "");
  EXPECT_TRUE(cut_off.get_future().get());
}

TEST_F(CallTest, WhatBreaksInTheMiddleIsBroken) {
  std::atomic<int> way{0};
  serve([&](Connection& connection, const FakeRequest&) {
    switch (way++) {
      case 0:
        connection.begin_chunks();
        connection.write("ff\r\nonly this");
        connection.close();
        return;
      case 1:
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        connection.reset();
        return;
      case 2:
        connection.begin_chunks();
        connection.write("no number\r\n");
        connection.wait_closed();
        return;
      case 3:
        connection.close();
        return;
      default:
        connection.write("nonsense without end\r\n\r\n");
        connection.wait_closed();
    }
  });
  connect();
  for (int i = 0; i < 5; ++i) {
    const auto answer = get();
    EXPECT_EQ(answer.error, ErrorKind::kBroken) << i << ' ' << answer.message;
    EXPECT_FALSE(answer.surely_not_done());
  }
}

TEST_F(CallTest, TheDeadlineIsOverEverything) {
  serve([](Connection& connection, const FakeRequest& request) {
    if (request.path == "/dribble") {
      connection.begin_chunks();
      while (connection.chunk("x")) std::this_thread::sleep_for(10ms);
      return;
    }
    connection.wait_closed();
  });
  connect();
  for (const char* path : {"/silent", "/dribble"}) {
    kube::CallOptions options;
    options.deadline = 300ms;
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(get(path, options).error, ErrorKind::kTimeout);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 300ms);
  }
}

TEST_F(CallTest, AReusedConnectionThatFallsSilentIsNotAskedTwice) {
  auto& server = serve([](Connection& connection, const FakeRequest& request) {
    if (request.number == 1) {
      connection.answer(200, "{}");
    } else {
      connection.wait_closed();
    }
  });
  connect();
  EXPECT_TRUE(get("/first").ok());
  kube::CallOptions options;
  options.deadline = 500ms;
  EXPECT_EQ(get("/second", options).error, ErrorKind::kTimeout);
  turn_for(300ms);
  EXPECT_EQ(server.requests().size(), 2u);
}

// What cpprest does by itself, and why only writes that may come twice are offered.
TEST_F(CallTest, AReusedConnectionThatTheServerClosedIsAskedAgainOnAnotherOne) {
  auto& server = serve([](Connection& connection, const FakeRequest& request) {
    if (request.number == 2) return connection.close();
    connection.answer(200, request.body.empty() ? "{}" : request.body);
  });
  auto& api = connect();
  EXPECT_TRUE(get("/first").ok());
  std::optional<Answer> answer;
  api.replace(leases, "x", R"({"same":"body"})", [&](Answer it) { answer = std::move(it); });
  ASSERT_TRUE(eventually([&] { return answer.has_value(); }));
  EXPECT_TRUE(answer->ok()) << answer->message;
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[1].method, "PUT");
  EXPECT_EQ(requests[2].body, R"({"same":"body"})");
}

TEST_F(CallTest, NobodyIsCalledBackAfterCancelOrTheClientsEnd) {
  std::atomic<int> asked{0};
  serve([&](Connection& connection, const FakeRequest&) {
    ++asked;
    connection.wait_closed();
  });
  auto& api = connect();
  int called = 0;
  const auto count = [&](const Answer&) { ++called; };
  const auto id = api.get("/", count);
  ASSERT_TRUE(eventually([&] { return asked == 1; }));
  api.cancel(id);
  api.cancel(id);
  api.get("/", count);
  ASSERT_TRUE(eventually([&] { return asked == 2; }));
  client.reset();
  turn_for(200ms);
  EXPECT_EQ(called, 0);
}

TEST_F(CallTest, ACallbackMayDestroyTheClient) {
  serve(echo);
  connect();
  client->get("/", [&](const Answer&) { client.reset(); });
  client->get("/", [](const Answer&) {});
  ASSERT_TRUE(eventually([&] { return !client; }));
}

TEST_F(CallTest, CancellingAtAnyMomentDoesNoHarm) {
  serve(echo);
  auto& api = connect();
  int answered = 0;
  for (int i = 0; i < 300; ++i) {
    const auto id = api.get("/", [&](const Answer&) { ++answered; });
    turn_for(std::chrono::milliseconds{i % 7});
    if (i % 3 != 0) api.cancel(id);
  }
  EXPECT_TRUE(get().ok());
  EXPECT_GE(answered, 1);
}

TEST_F(CallTest, RefusedConnectionsAreAnswersAndNoCrash) {
  access.servers = {{"127.0.0.1", dead_port(), {}}};
  auto& api = connect();
  int refused = 0;
  for (int i = 0; i < 100; ++i)
    api.get("/", [&](const Answer& answer) { refused += answer.error == ErrorKind::kUnreachable ? 1 : 0; });
  EXPECT_TRUE(eventually([&] { return refused == 100; })) << refused;
}

TEST_F(CallTest, AskingManyThingsAtOnceTakesTwoThreads) {
  access.servers = {{"127.0.0.1", dead_port(), {}}};
  auto& api = connect();
  int answers = 0;
  for (int i = 0; i < 50; ++i) api.get("/", [&](const Answer&) { ++answers; });
  ASSERT_TRUE(eventually([&] { return answers == 50; }));
  const auto threads = std::distance(fs::directory_iterator{"/proc/self/task"}, fs::directory_iterator{});
  EXPECT_LE(threads, 3);  // this one, the pool's, the resolver's
}

TEST_F(CallTest, WithoutAServerOrATokenNothingIsSent) {
  auto& api = connect();
  EXPECT_EQ(get().error, ErrorKind::kAccess);
  EXPECT_EQ(api.server(), "");
  auto& server = serve(echo);
  access.token.file = folder / "absent";
  connect();
  EXPECT_EQ(get().error, ErrorKind::kAccess);
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace vipra::test
