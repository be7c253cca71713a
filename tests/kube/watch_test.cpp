// One watch: its lines, its limits, its ends.
#include <gtest/gtest.h>

#include "tests/kube/kube_fixture.hpp"

namespace vipra::test {
namespace {

using kube::Answer;
using kube::ErrorKind;
using testing::ElementsAre;
using testing::IsEmpty;
using Connection = FakeApiServer::Connection;

class WatchTest : public KubeTest {
 protected:
  kube::CallId watch(kube::WatchOptions options = {}) {
    return client->watch({"", "v1", "nodes", ""}, options,
                         {[this] { ++opened; }, [this](std::string_view line) { lines.emplace_back(line); },
                          [this](Answer answer) { end = std::move(answer); }});
  }
  [[nodiscard]] bool ended() {
    return eventually([&] { return end.has_value(); });
  }

  int opened = 0;
  std::vector<std::string> lines;
  std::optional<Answer> end;
};

TEST_F(WatchTest, AsksForBookmarksAndForAsLongAsItShall) {
  auto& server = serve([](Connection& connection, const FakeRequest&) { connection.answer(200, ""); });
  connect();
  kube::WatchOptions options;
  options.timeout = 301s;
  options.resource_version = "77";
  watch(options);
  ASSERT_TRUE(ended());
  options = {};
  options.initial_events = true;
  end.reset();
  watch(options);
  ASSERT_TRUE(ended());
  const auto requests = server.requests();
  EXPECT_EQ(requests[0].query, (std::map<std::string, std::string>{{"watch", "1"},
                                                                   {"allowWatchBookmarks", "true"},
                                                                   {"timeoutSeconds", "301"},
                                                                   {"resourceVersion", "77"}}));
  EXPECT_EQ(requests[1].query.at("sendInitialEvents"), "true");
  EXPECT_EQ(requests[1].query.at("resourceVersionMatch"), "NotOlderThan");
}

TEST_F(WatchTest, DeliversEachLineWhenItIsThereHoweverItIsCut) {
  std::atomic<int> go{0};
  serve([&](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    const std::vector<std::string> pieces{"{\"a\":1}\n{\"b\"", ":2}\n", "\n{\"c\":3}\n{\"d\":4}\n"};
    for (int i = 0; i < 3; ++i) {
      while (go < i) std::this_thread::sleep_for(1ms);
      connection.chunk(pieces[static_cast<std::size_t>(i)]);
    }
    connection.end_chunks();
  });
  connect();
  watch();
  ASSERT_TRUE(eventually([&] { return lines.size() == 1; }));
  EXPECT_EQ(opened, 1);
  go = 1;
  ASSERT_TRUE(eventually([&] { return lines.size() == 2; }));
  go = 2;
  ASSERT_TRUE(ended());
  EXPECT_THAT(lines, ElementsAre("{\"a\":1}", "{\"b\":2}", "{\"c\":3}", "{\"d\":4}"));
  EXPECT_TRUE(end->ok());
}

TEST_F(WatchTest, OpensBeforeAnythingIsSaid) {
  serve([](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    connection.wait_closed();
  });
  connect();
  watch();
  EXPECT_TRUE(eventually([&] { return opened == 1; }));
  EXPECT_FALSE(end);
}

TEST_F(WatchTest, ARefusalIsNoLine) {
  serve([](Connection& connection, const FakeRequest&) {
    connection.answer(410,
                      R"({"kind":"Status","message":"too old"})"
                      "\n",
                      "Retry-After: 2\r\n");
  });
  connect();
  watch();
  ASSERT_TRUE(ended());
  EXPECT_EQ(end->error, ErrorKind::kStatus);
  EXPECT_EQ(end->status, 410);
  EXPECT_EQ(end->message, "HTTP 410: too old");
  EXPECT_EQ(end->retry_after, std::optional<Duration>{2s});
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_EQ(opened, 0);
}

TEST_F(WatchTest, ALineWithoutEndIsCutOff) {
  std::atomic<bool> cut_off{false};
  serve([&](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    connection.chunk("first\n");
    while (connection.chunk(std::string(100'000, 'x'))) continue;
    cut_off = true;
  });
  connect();
  watch();
  ASSERT_TRUE(ended());
  EXPECT_EQ(end->error, ErrorKind::kTooLarge);
  EXPECT_THAT(lines, ElementsAre("first"));
  EXPECT_TRUE(eventually([&] { return cut_off.load(); }));
}

TEST_F(WatchTest, ReadsNoFurtherThanItsQueueWhileTheLoopIsBusy) {
  constexpr int kChunks = 1000;
  std::atomic<int> written{0};
  serve([&](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    for (int i = 0; i < kChunks; ++i) {
      if (!connection.chunk(std::string(65'535, 'x') + "\n")) return;
      ++written;
    }
    connection.end_chunks();
  });
  connect();
  watch();
  ASSERT_TRUE(eventually([&] { return !lines.empty(); }));
  // The loop stands still from here. Until the server stands still too.
  int before = -1;
  while (before != written) {
    before = written;
    std::this_thread::sleep_for(300ms);
  }
  EXPECT_LT(written, kChunks / 2) << "64 KB each";
  ASSERT_TRUE(ended());
  EXPECT_TRUE(end->ok()) << end->message;
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(kChunks));
}

TEST_F(WatchTest, ManyLinesComeThroughInTheirOrder) {
  constexpr int kLines = 20'000;
  serve([](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    std::string some;
    for (int i = 0; i < kLines; ++i) {
      some += std::to_string(i) + "\n";
      if (some.size() > 5000) {
        connection.chunk(some);
        some.clear();
      }
    }
    connection.chunk(some);
    connection.end_chunks();
  });
  connect();
  watch();
  ASSERT_TRUE(ended());
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(kLines));
  for (int i = 0; i < kLines; ++i) ASSERT_EQ(lines[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(WatchTest, SilenceEndsItBeforeAndAfterTheStatus) {
  serve([](Connection& connection, const FakeRequest& request) {
    if (request.connection == 2) connection.begin_chunks();
    connection.wait_closed();
  });
  connect();
  kube::WatchOptions options;
  options.open_limit = options.idle_limit = 200ms;
  for (int i = 0; i < 2; ++i) {
    end.reset();
    watch(options);
    ASSERT_TRUE(ended());
    EXPECT_EQ(end->error, ErrorKind::kTimeout);
    EXPECT_EQ(opened, i);
  }
}

TEST_F(WatchTest, ALivelyWatchIsNotSilent) {
  serve([](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    for (int i = 0; i < 10; ++i) {
      connection.chunk("x\n");
      std::this_thread::sleep_for(100ms);
    }
    connection.end_chunks();
  });
  connect();
  kube::WatchOptions options;
  options.idle_limit = 500ms;
  watch(options);
  ASSERT_TRUE(ended());
  EXPECT_TRUE(end->ok());
  EXPECT_EQ(lines.size(), 10u);
}

TEST_F(WatchTest, ACutInTheMiddleOfAChunkIsBrokenAndItsWholeLinesCount) {
  std::atomic<bool> reset{false};
  serve([&](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    connection.chunk("whole\n");
    connection.write("ff\r\nhalf");
    if (reset) {
      connection.reset();
    } else {
      connection.close();
    }
  });
  connect();
  for (const bool with_reset : {false, true}) {
    reset = with_reset;
    lines.clear();
    end.reset();
    watch();
    ASSERT_TRUE(ended());
    EXPECT_EQ(end->error, ErrorKind::kBroken);
    if (!with_reset) {
      EXPECT_THAT(lines, ElementsAre("whole"));
    }
  }
}

TEST_F(WatchTest, ALinesHandlerMayCancelIt) {
  serve([](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    connection.chunk("1\n2\n3\n");
    connection.wait_closed();
  });
  connect();
  kube::CallId id = 0;
  id = client->watch({"", "v1", "nodes", ""}, {},
                     {nullptr,
                      [&](std::string_view line) {
                        lines.emplace_back(line);
                        client->cancel(id);
                      },
                      [&](Answer answer) { end = std::move(answer); }});
  ASSERT_TRUE(eventually([&] { return !lines.empty(); }));
  turn_for(200ms);
  EXPECT_THAT(lines, ElementsAre("1"));
  EXPECT_FALSE(end);
}

TEST_F(WatchTest, OneThatIsHeldBackCanBeCancelled) {
  std::atomic<bool> cut_off{false};
  serve([&](Connection& connection, const FakeRequest&) {
    connection.begin_chunks();
    while (connection.chunk(std::string(65'535, 'x') + "\n")) continue;
    cut_off = true;
  });
  connect();
  kube::WatchOptions options;
  options.max_queue = 100'000;
  watch(options);
  std::this_thread::sleep_for(300ms);  // the loop stands still, so it is held back
  EXPECT_FALSE(cut_off);
  client.reset();
  EXPECT_TRUE(eventually([&] { return cut_off.load(); }));
}

}  // namespace
}  // namespace vipra::test
