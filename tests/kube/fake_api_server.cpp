#include "tests/kube/fake_api_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <cstdio>
#include <set>

namespace vipra::test {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string{text.substr(i + 1, 2)}, nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void take_target(std::string_view target, FakeRequest& out) {
  const auto mark = target.find('?');
  out.path = target.substr(0, mark);
  if (mark == std::string_view::npos) return;
  auto query = target.substr(mark + 1);
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto pair = query.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    out.query[decoded(pair.substr(0, equals))] =
        decoded(equals < pair.size() ? pair.substr(equals + 1) : std::string_view{});
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

}  // namespace

bool FakeApiServer::Connection::answer(int status, std::string_view body, std::string_view more_headers) {
  return write("HTTP/1.1 " + std::to_string(status) +
               " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n" + std::string{more_headers} + "\r\n" + std::string{body});
}
bool FakeApiServer::Connection::begin_chunks(int status) {
  return write("HTTP/1.1 " + std::to_string(status) +
               " X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}
bool FakeApiServer::Connection::chunk(std::string_view bytes) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return write(std::string{size} + std::string{bytes} + "\r\n");
}
bool FakeApiServer::Connection::end_chunks() {
  return write("0\r\n\r\n");
}

struct FakeApiServer::Shared {
  asio::io_context io;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{io};
  Handler handler;

  std::mutex mutex;
  bool stopping = false;
  std::set<int> sockets;
  std::vector<std::thread> threads;
  std::vector<FakeRequest> requests;
  int connections = 0;
};

class FakeApiServer::Session final : public Connection {
 public:
  Session(Shared& shared, tcp::socket socket)
      : shared_{shared}, fd_{socket.native_handle()}, stream_{std::move(socket), shared.tls} {}
  ~Session() override {
    const std::lock_guard lock{shared_.mutex};
    shared_.sockets.erase(fd_);
  }

  void run() {
    error_code error;
    stream_.handshake(asio::ssl::stream_base::server, error);
    if (error) return;
    int number = 0;
    {
      const std::lock_guard lock{shared_.mutex};
      number = ++shared_.connections;
    }
    for (int i = 1; !closed_; ++i) {
      FakeRequest request;
      request.connection = number;
      request.number = i;
      if (!read(request)) return;
      {
        const std::lock_guard lock{shared_.mutex};
        shared_.requests.push_back(request);
      }
      shared_.handler(*this, request);
    }
  }

  bool write(std::string_view bytes) override {
    error_code error;
    if (!closed_) asio::write(stream_, asio::buffer(bytes.data(), bytes.size()), error);
    return !closed_ && !error;
  }
  void close() override {
    closed_ = true;
    error_code ignored;
    ::shutdown(fd_, SHUT_WR);
    stream_.lowest_layer().close(ignored);
  }
  void reset() override {
    closed_ = true;
    error_code ignored;
    stream_.lowest_layer().set_option(asio::socket_base::linger{true, 0}, ignored);
    stream_.lowest_layer().close(ignored);
  }
  bool wait_closed() override {
    char byte = 0;
    error_code error;
    while (!error) stream_.read_some(asio::buffer(&byte, 1), error);
    closed_ = true;
    return true;
  }

 private:
  bool read(FakeRequest& out) {
    const auto ends = [&] { return buffer_.find("\r\n\r\n"); };
    while (ends() == std::string::npos) {
      if (!read_more()) return false;
    }
    const auto head = buffer_.substr(0, ends() + 2);
    buffer_.erase(0, ends() + 4);
    auto line_end = head.find("\r\n");
    const auto line = head.substr(0, line_end);
    const auto space = line.find(' ');
    out.method = line.substr(0, space);
    take_target(line.substr(space + 1, line.rfind(' ') - space - 1), out);
    for (auto at = line_end + 2; at < head.size(); at = line_end + 2) {
      line_end = head.find("\r\n", at);
      const auto colon = head.find(':', at);
      auto name = head.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      const auto value = head.find_first_not_of(' ', colon + 1);
      out.headers[name] = head.substr(value, line_end - value);
    }
    const auto length =
        out.headers.contains("content-length") ? std::stoul(out.headers["content-length"]) : 0;
    while (buffer_.size() < length) {
      if (!read_more()) return false;
    }
    out.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return true;
  }
  bool read_more() {
    char bytes[16384];
    error_code error;
    const auto count = stream_.read_some(asio::buffer(bytes), error);
    buffer_.append(bytes, count);
    return !error;
  }

  Shared& shared_;
  const int fd_;
  asio::ssl::stream<tcp::socket> stream_;
  std::string buffer_;
  bool closed_ = false;
};

FakeApiServer::FakeApiServer(const Pem& certificate, Handler handler, const std::string& address,
                             std::uint16_t port, const std::string& client_authority)
    : shared_{std::make_shared<Shared>()} {
  shared_->handler = std::move(handler);
  auto& tls = shared_->tls;
  tls.use_certificate(asio::buffer(certificate.certificate), asio::ssl::context::pem);
  tls.use_private_key(asio::buffer(certificate.key), asio::ssl::context::pem);
  if (!client_authority.empty()) {
    tls.add_certificate_authority(asio::buffer(client_authority));
    tls.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  }
  const tcp::endpoint endpoint{asio::ip::make_address(address), port};
  shared_->acceptor.open(endpoint.protocol());
  shared_->acceptor.set_option(tcp::acceptor::reuse_address{true});
  shared_->acceptor.bind(endpoint);
  shared_->acceptor.listen();
  port_ = shared_->acceptor.local_endpoint().port();
  acceptor_ = std::thread{[this] { accept_loop(); }};
}

void FakeApiServer::accept_loop() {
  auto shared = shared_;
  while (true) {
    error_code error;
    auto socket = shared->acceptor.accept(error);
    const std::lock_guard lock{shared->mutex};
    if (error || shared->stopping) return;
    shared->sockets.insert(socket.native_handle());
    shared->threads.emplace_back(
        [shared, session = std::make_unique<Session>(*shared, std::move(socket))]() mutable {
          session->run();
          session.reset();
        });
  }
}

FakeApiServer::~FakeApiServer() {
  {
    const std::lock_guard lock{shared_->mutex};
    shared_->stopping = true;
    for (const int fd : shared_->sockets) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(shared_->acceptor.native_handle(), SHUT_RDWR);
  acceptor_.join();
  for (auto& thread : shared_->threads) thread.join();
}

std::vector<FakeRequest> FakeApiServer::requests() const {
  const std::lock_guard lock{shared_->mutex};
  return shared_->requests;
}
int FakeApiServer::connections() const {
  const std::lock_guard lock{shared_->mutex};
  return shared_->connections;
}

}  // namespace vipra::test
