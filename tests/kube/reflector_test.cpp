// A reflector against a server that misbehaves. What it decides is tested in kube_core; here that it does it.
#include "kube/reflector.hpp"

#include <gtest/gtest.h>

#include "tests/kube/fake_resource.hpp"
#include "tests/kube/kube_fixture.hpp"

namespace vipra::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using Connection = FakeApiServer::Connection;

class ReflectorTest : public KubeTest {
 protected:
  // Lists a and b, then watches in silence, until a test changes one of the two.
  void serve_nodes() {
    serve([this](Connection& connection, const FakeRequest& request) {
      FakeApiServer::Handler handler;
      {
        const std::lock_guard lock{mutex};
        handler = request.query.contains("watch") ? on_watch : on_list;
      }
      ++(request.query.contains("watch") ? watches : lists);
      handler(connection, request);
    });
  }
  void set(FakeApiServer::Handler& which, FakeApiServer::Handler to) {
    const std::lock_guard lock{mutex};
    which = std::move(to);
  }
  static FakeApiServer::Handler answering(int status, const std::string& body,
                                          const std::string& headers = "") {
    return [=](Connection& connection, const FakeRequest&) { connection.answer(status, body, headers); };
  }
  static FakeApiServer::Handler saying(const std::string& lines) {
    return [=](Connection& connection, const FakeRequest&) {
      connection.begin_chunks();
      if (!lines.empty()) connection.chunk(lines);
      connection.wait_closed();
    };
  }

  void start(bool initial_events = false) {
    serve_nodes();
    connect();
    kube::ReflectorOptions options;
    options.resource = {"", "v1", "nodes", ""};
    options.reflection.initial_events = initial_events;
    reflector.emplace(loop, *client, options);
    reflector->start(
        [this](const kube::Delta& delta) {
          for (const auto& object : delta.first.value_or(std::vector<kube::ObjectPtr>{}))
            changes.push_back("first " + object->key);
          for (const auto& object : delta.upserted) changes.push_back("set " + object->key);
          for (const auto& key : delta.removed) changes.push_back("removed " + key);
        },
        [this](const source::Health& it) { health = it; });
    EXPECT_FALSE(health);
  }
  void start_well() {
    start();
    ASSERT_TRUE(eventually([&] { return watches > 0 && changes.size() == 2; }));
    EXPECT_THAT(changes, ElementsAre("first a", "first b"));
    changes.clear();
  }
  [[nodiscard]] bool unhealthy(Reason reason) {
    return eventually([&] { return health && !health->readable && health->reason == reason; });
  }
  [[nodiscard]] bool healthy() {
    return eventually([&] { return health && health->readable; });
  }
  ~ReflectorTest() override { reflector.reset(); }

  std::mutex mutex;
  FakeApiServer::Handler on_list = answering(200, list_of({item("a", 1), item("b", 2)}, 10));
  FakeApiServer::Handler on_watch = saying("");
  std::atomic<int> lists{0};
  std::atomic<int> watches{0};
  std::optional<kube::Reflector> reflector;
  std::vector<std::string> changes;
  std::optional<source::Health> health;
};

TEST_F(ReflectorTest, ListsThenFollows) {
  on_watch = saying(event("MODIFIED", item("a", 11, R"("x":1)")) + event("DELETED", item("b", 12)));
  start();
  ASSERT_TRUE(eventually([&] { return changes.size() == 4; }));
  EXPECT_THAT(changes, ElementsAre("first a", "first b", "set a", "removed b"));
  EXPECT_TRUE(healthy());
  EXPECT_FALSE(reflector->objects().at("a")->json["metadata"].contains("managedFields"));
  EXPECT_EQ(servers[0]->requests().at(1).query.at("resourceVersion"), "10");
}

TEST_F(ReflectorTest, InitialEventsTakeThePlaceOfTheList) {
  on_watch = saying(event("ADDED", item("a", 1)) + event("ADDED", item("b", 2)) + initial_end(10));
  start(true);
  ASSERT_TRUE(eventually([&] { return changes.size() == 2; }));
  EXPECT_EQ(lists, 0);
  EXPECT_TRUE(healthy());
}

TEST_F(ReflectorTest, AServerWithoutInitialEventsIsListed) {
  on_watch = [](Connection& connection, const FakeRequest& request) {
    if (request.query.contains("sendInitialEvents")) {
      connection.answer(422, status_body("sendInitialEvents is forbidden"));
    } else {
      connection.begin_chunks();
      connection.wait_closed();
    }
  };
  start(true);
  ASSERT_TRUE(eventually([&] { return changes.size() == 2; }));
  EXPECT_EQ(lists, 1);
  EXPECT_TRUE(healthy());
}

TEST_F(ReflectorTest, BothFormsOf410ListAgainAndYieldOnlyDifferences) {
  on_watch = [this](Connection& connection, const FakeRequest&) {
    if (watches == 1) return connection.answer(410, status_body("too old")), void();
    if (watches == 2) return connection.begin_chunks(), connection.chunk(gone_in_stream()), void();
    connection.begin_chunks();
    connection.wait_closed();
  };
  start();
  ASSERT_TRUE(eventually([&] { return watches == 3; }));
  EXPECT_EQ(lists, 3);
  EXPECT_THAT(changes, ElementsAre("first a", "first b"));
  EXPECT_TRUE(health->readable);
}

TEST_F(ReflectorTest, ACutWatchGoesOnFromItsLastEvent) {
  on_watch = [this](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    if (watches == 1) {
      connection.chunk(event("ADDED", item("c", 17)));
      connection.write("ff\r\n{\"type\":");
      return connection.close();
    }
    connection.wait_closed();
  };
  start();
  ASSERT_TRUE(eventually([&] { return watches == 2; }));
  EXPECT_THAT(changes, ElementsAre("first a", "first b", "set c"));
  EXPECT_EQ(servers[0]->requests().at(2).query.at("resourceVersion"), "17");
  EXPECT_EQ(lists, 1);
}

TEST_F(ReflectorTest, RefusalsAndNonsenseTakeNothingAwayAndAreNamed) {
  start_well();
  struct Case {
    FakeApiServer::Handler list;
    Reason reason;
  };
  const std::vector<Case> cases{
      {answering(403, status_body("no")), Reason::kApiForbidden},
      {answering(404, status_body("the server could not find the requested resource")), Reason::kApiNotFound},
      {answering(429, status_body("later"), "Retry-After: 1\r\n"), Reason::kApiThrottled},
      {answering(500, status_body("etcd")), Reason::kApiFailed},
      {answering(302, "", "Location: https://elsewhere/\r\n"), Reason::kApiFailed},
      {answering(200, "<html>welcome</html>"), Reason::kApiBadAnswer},
      {answering(200, R"({"kind":"NodeList","metadata":{},"items":[]})"), Reason::kApiBadAnswer},
      {answering(200, R"({"kind":"Status","metadata":{"resourceVersion":"1"},"items":[]})"),
       Reason::kApiBadAnswer},
  };
  for (const auto& [list, reason] : cases) {
    reflector.reset();
    servers.clear();
    access.servers.clear();
    changes.clear();
    health.reset();
    lists = watches = 0;
    set(on_list, answering(200, list_of({item("a", 1), item("b", 2)}, 10)));
    set(on_watch, saying(gone_in_stream()));
    start();
    ASSERT_TRUE(eventually([&] { return changes.size() == 2; }));
    set(on_list, list);
    EXPECT_TRUE(unhealthy(reason)) << to_string(reason) << ": " << (health ? health->message : "nothing");
    EXPECT_FALSE(health->message.empty());
    EXPECT_THAT(changes, ElementsAre("first a", "first b"));
    EXPECT_EQ(reflector->objects().size(), 2u);
    set(on_list, answering(200, list_of({item("a", 1), item("b", 2)}, 10)));
    set(on_watch, saying(""));
    EXPECT_TRUE(healthy());
    EXPECT_THAT(changes, ElementsAre("first a", "first b"));
  }
}

TEST_F(ReflectorTest, ACorruptOrEndlessLineTakesNothingAway) {
  const auto endless = [](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    while (connection.chunk(std::string(100'000, 'x'))) continue;
  };
  start_well();
  for (const auto& bad : {saying("{\"type\":\"ADDED\",\"obj\n"), saying(event("ADDED", "{}")),
                          FakeApiServer::Handler{endless}}) {
    set(on_watch, bad);
    servers[0].reset();  // ends the watch under way
    servers.clear();
    access.servers.clear();
    reflector.reset();
    changes.clear();
    health.reset();
    start();
    EXPECT_TRUE(unhealthy(Reason::kApiBadAnswer));
    EXPECT_THAT(changes, ElementsAre("first a", "first b"));
  }
}

TEST_F(ReflectorTest, AServerThatIsGoneIsNamedAndFoundAgain) {
  start_well();
  const auto port = servers[0]->port();
  servers.clear();
  EXPECT_TRUE(unhealthy(Reason::kApiUnreachable));
  EXPECT_EQ(reflector->objects().size(), 2u);
  access.servers.clear();
  set(on_list, answering(200, list_of({item("a", 1)}, 20)));
  serve(
      [this](Connection& connection, const FakeRequest& request) {
        request.query.contains("watch") ? saying(event("DELETED", item("b", 21)))(connection, request)
                                        : on_list(connection, request);
      },
      "127.0.0.1", port);
  EXPECT_TRUE(healthy());
  EXPECT_TRUE(eventually([&] { return !changes.empty(); }));
  EXPECT_THAT(changes, ElementsAre("removed b"));
}

TEST_F(ReflectorTest, PagesAreJoinedAndAnExpiredOneBeginsAgain) {
  on_list = [this](Connection& connection, const FakeRequest& request) {
    if (!request.query.contains("continue"))
      return connection.answer(200, list_of({item("a", 1)}, 10, "more")), void();
    if (lists == 2) return connection.answer(410, status_body("the continue parameter is too old")), void();
    connection.answer(200, list_of({item("b", 2)}, 10));
  };
  start();
  ASSERT_TRUE(eventually([&] { return changes.size() == 2; }));
  EXPECT_THAT(changes, ElementsAre("first a", "first b"));
  EXPECT_EQ(lists, 4);
}

TEST_F(ReflectorTest, NothingIsSaidAfterStop) {
  start_well();
  reflector->stop();
  health.reset();
  servers.clear();
  turn_for(300ms);
  EXPECT_FALSE(health);
  EXPECT_THAT(changes, IsEmpty());
}

TEST_F(ReflectorTest, ACallbackMayStopIt) {
  on_watch = answering(403, "{}");
  serve_nodes();
  connect();
  kube::ReflectorOptions options;
  options.resource = {"", "v1", "nodes", ""};
  reflector.emplace(loop, *client, options);
  int called = 0;
  reflector->start([&](const kube::Delta&) { ADD_FAILURE(); },
                   [&](const source::Health&) {
                     ++called;
                     reflector.reset();
                   });
  ASSERT_TRUE(eventually([&] { return called == 1; }));
  turn_for(200ms);
}

}  // namespace
}  // namespace vipra::test
