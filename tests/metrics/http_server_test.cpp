#include "metrics/http_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <mutex>
#include <thread>

namespace vipra::metrics {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class LineSink final : public log::Sink {
 public:
  void write_line(std::string_view line) noexcept override {
    const std::lock_guard lock{mutex_};
    text_ += line;
  }
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock{mutex_};
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// A blocking client with a deadline, so that a hanging server fails the test instead of hanging it.
class Client {
 public:
  Client(const char* address, std::uint16_t port) : socket_{io_} {
    error_code error;
    socket_.connect({asio::ip::make_address(address), port}, error);
    connected_ = !error;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  bool send(const std::string& text) {
    error_code error;
    asio::write(socket_, asio::buffer(text), error);
    return !error;
  }
  // Until the end of the stream, or of an answer with Content-Length.
  std::string receive(std::chrono::milliseconds limit = 5s) {
    std::string out;
    const auto end = std::chrono::steady_clock::now() + limit;
    bool open = true;
    while (open && !complete(out)) {
      std::array<char, 65536> chunk{};
      std::optional<std::size_t> got;
      socket_.async_read_some(asio::buffer(chunk), [&](const error_code& error, std::size_t size) {
        got = size;
        open = !error;
        closed_ = error && error != asio::error::operation_aborted;
      });
      io_.restart();
      io_.run_until(end);
      if (!got) {
        socket_.cancel();
        io_.restart();
        io_.run();
        return out;
      }
      out.append(chunk.data(), *got);
    }
    return out;
  }
  [[nodiscard]] bool closed() const { return closed_; }  // by the server, as far as receive() saw

 private:
  static bool complete(const std::string& answer) {
    const auto header = answer.find("\r\n\r\n");
    const auto length = answer.find("Content-Length: ");
    if (header == std::string::npos || length == std::string::npos) return false;
    return answer.size() >= header + 4 + std::stoul(answer.substr(length + 16));
  }
  asio::io_context io_;
  tcp::socket socket_;
  bool connected_ = false;
  bool closed_ = false;
};

class HttpServerTest : public testing::Test {
 protected:
  ~HttpServerTest() override {
    asio::post(io, [this] { server.reset(); });
    guard.reset();
    if (thread.joinable()) thread.join();
  }
  void start(HttpServer::Options options) {
    server = std::make_unique<HttpServer>(io, std::move(options), log);
    server->add_page("/livez", [] { return HttpAnswer{200, "ok\n"}; });
    server->add_page("/readyz", [] { return HttpAnswer{503, "the agent is not connected\n"}; });
    server->add_page("/metrics", [this] { return HttpAnswer{200, page, "text/plain; version=0.0.4"}; });
    asio::post(io, [this] {
      server->start();
      port = server->port();
    });
    thread = std::thread{[this] { io.run(); }};
    wait([this] { return port != 0; });
  }
  static HttpServer::Options any_port(const char* listen = "[::]:0") {
    HttpServer::Options options;
    options.listen = *parse_listen_address(listen);
    options.retry_initial = 20ms;
    return options;
  }
  bool wait(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (std::chrono::steady_clock::now() < end) {
      std::promise<bool> answer;  // the condition reads what belongs to the loop's thread
      asio::post(io, [&] { answer.set_value(condition()); });
      if (answer.get_future().get()) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  std::string get(const std::string& path, const char* address = "127.0.0.1") {
    Client client{address, port};
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.receive();
  }

  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> guard{asio::make_work_guard(io)};
  LineSink sink;
  log::Logger log{sink, +[]() noexcept -> std::int64_t { return 0; }, "test", log::Level::kDebug};
  std::string page = "metrics\n";
  std::unique_ptr<HttpServer> server;
  std::atomic<std::uint16_t> port{0};
  std::thread thread;
};

TEST_F(HttpServerTest, ServesBothFamiliesOnOneSocket) {
  start(any_port());
  EXPECT_THAT(get("/livez", "127.0.0.1"), EndsWith("\r\n\r\nok\n"));
  EXPECT_THAT(get("/livez", "::1"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServerTest, ServesIpv4AloneWhereAskedTo) {
  start(any_port("127.0.0.1:0"));
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(Client("::1", port).connected());
}

TEST_F(HttpServerTest, AnswersWithThePagesStatusTypeAndBody) {
  start(any_port());
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(get("/readyz"), EndsWith("the agent is not connected\n"));
  EXPECT_THAT(get("/metrics"), HasSubstr("Content-Type: text/plain; version=0.0.4\r\n"));
  EXPECT_THAT(get("/metrics?collect=all"), EndsWith("metrics\n"));
}

TEST_F(HttpServerTest, UnknownPathsAndOtherMethodsAreRefused) {
  start(any_port());
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(get("/metrics/../etc/passwd"), StartsWith("HTTP/1.1 404 "));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "BREW"}) {
    Client client{"127.0.0.1", port};
    client.send(std::string{method} + " /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    const auto answer = client.receive();
    EXPECT_THAT(answer, testing::AnyOf(StartsWith("HTTP/1.1 405 "), StartsWith("HTTP/1.1 400 "))) << method;
  }
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  start(any_port());
  Client client{"127.0.0.1", port};
  client.send("HEAD /metrics HTTP/1.0\r\n\r\n");
  const auto answer = client.receive();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, KeepsAConnectionAliveWhereTheClientWantsIt) {
  start(any_port());
  Client client{"::1", port};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(client.receive(), EndsWith("ok\n"));
  }
}

TEST_F(HttpServerTest, GarbageABodyAndALongHeaderAreRefusedAndTheServerGoesOn) {
  start(any_port());
  const std::string bad[] = {std::string("\0\xff\x80 garbage\r\n\r\n", 14), "GET\r\n\r\n",
                             "GET /livez HTTP/9.1\r\n\r\n",
                             "GET /livez HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
                             "GET /livez HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"};
  for (const auto& request : bad) {
    Client client{"127.0.0.1", port};
    client.send(request);
    const auto answer = client.receive();
    EXPECT_THAT(answer, testing::AnyOf(StartsWith("HTTP/1.1 4"), testing::IsEmpty()))
        << request.substr(0, 40);
    EXPECT_THAT(answer, testing::Not(HasSubstr("ok\n")));
  }
  EXPECT_THAT(get("/livez"), EndsWith("ok\n"));
}

TEST_F(HttpServerTest, AClientThatSendsSlowlyIsCutOffAndDisturbsNobody) {
  auto options = any_port();
  options.read_timeout = 300ms;
  start(options);
  Client slow{"127.0.0.1", port};
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(slow.send("GET /liv"));
  EXPECT_THAT(get("/livez"), EndsWith("ok\n"));
  slow.receive(4s);
  EXPECT_TRUE(slow.closed());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
}

TEST_F(HttpServerTest, WhenAllPlacesAreTakenTheOneThatWaitsLongestGoes) {
  auto options = any_port();
  options.max_connections = 4;
  start(options);
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 6; ++i) silent.push_back(std::make_unique<Client>("127.0.0.1", port));
  ASSERT_TRUE(wait([this] { return server->refused() == 2; }));
  EXPECT_THAT(get("/livez"), EndsWith("ok\n")) << "silent clients have locked others out";
  silent[0]->receive(2s);
  EXPECT_TRUE(silent[0]->closed());
}

TEST_F(HttpServerTest, AClientThatDoesNotReadItsAnswerIsCutOff) {
  auto options = any_port();
  options.write_timeout = 300ms;
  page = std::string(7'000'000, 'x');
  start(options);
  Client deaf{"127.0.0.1", port};
  ASSERT_TRUE(deaf.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(get("/livez"), EndsWith("ok\n"));
  std::this_thread::sleep_for(900ms);  // three times what the server allows
  EXPECT_LT(deaf.receive(2s).size(), page.size());
}

TEST_F(HttpServerTest, AnAddressInUseIsReportedAndTriedAgain) {
  asio::io_context other;
  tcp::acceptor holder{other, tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
  const auto taken = holder.local_endpoint().port();
  auto options = any_port("127.0.0.1:0");
  options.listen.port = taken;
  server = std::make_unique<HttpServer>(io, options, log);
  server->add_page("/livez", [] { return HttpAnswer{200, "ok\n"}; });
  asio::post(io, [this] { server->start(); });
  thread = std::thread{[this] { io.run(); }};
  ASSERT_TRUE(wait([this] { return sink.text().find("http.bind_failed") != std::string::npos; }));
  EXPECT_THAT(sink.text(), HasSubstr("--listen"));
  holder.close();
  ASSERT_TRUE(wait([this] { return server->port() != 0; }));
  port = taken;
  EXPECT_THAT(get("/livez"), EndsWith("ok\n"));
}

TEST(ListenAddress, IsAnAddressAndAPort) {
  const auto both = parse_listen_address("[::]:9112");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->host, "::");
  EXPECT_EQ(both->port, 9112);
  EXPECT_EQ(parse_listen_address("127.0.0.1:0")->host, "127.0.0.1");
  EXPECT_EQ(parse_listen_address(":80")->host, "::");
  for (const char* bad : {"", "9112", "[::]", "[::]:", "::1:80", "[127.0.0.1]:80", "localhost:80",
                          "[::]:70000", "[]:80", "1.2.3.4:8x", "1.2.3:80", "[::]:-1"}) {
    EXPECT_FALSE(parse_listen_address(bad)) << bad;
  }
}

}  // namespace
}  // namespace vipra::metrics
