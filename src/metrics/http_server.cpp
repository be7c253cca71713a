#include "metrics/http_server.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "base/backoff.hpp"

namespace vipra::metrics {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// Answers that wait for slow readers may take this much memory altogether.
constexpr std::size_t kMaxPendingBytes = std::size_t{8} * 1024 * 1024;
constexpr std::chrono::milliseconds kAcceptPause{100};  // after "too many open files"

std::string shown(const ListenAddress& address) {
  const bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

const char* advice(const error_code& error) {
  if (error == asio::error::address_in_use) {
    return "another process listens there; stop it, or choose another address with --listen";
  }
  if (error == asio::error::access_denied)
    return "ports below 1024 need a privilege; choose a higher one with --listen";
  if (error == boost::system::errc::address_not_available) {
    return "this node does not have that address; choose one that it has with --listen";
  }
  return "choose another address with --listen";
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto wrong = [&] {
    return fail(Errc::kInvalid,
                "\"" + std::string{text} + "\" is not ADDRESS:PORT such as [::]:9112 or 127.0.0.1:9112");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  ListenAddress out;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (problem != std::errc{} || end != port.data() + port.size()) return wrong();
  const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  out.host = host.empty() && !brackets ? "::" : std::string{host};
  error_code error;
  const auto address = asio::ip::make_address(out.host, error);
  if (error || (address.is_v6() != brackets && !host.empty())) return wrong();
  return out;
}

class HttpServer::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(asio::io_context& io, Options options, const log::Logger& log)
      : options_{std::move(options)},
        log_{log},
        acceptor_{io},
        timer_{io},
        backoff_{options_.retry_initial, options_.retry_maximum} {}

  void add_page(std::string path, Page page) { pages_.insert_or_assign(std::move(path), std::move(page)); }
  void start() { bind(); }
  void stop();
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  class Session;
  using SessionPtr = std::shared_ptr<Session>;

  void bind();
  error_code open(const asio::ip::address& address);
  void retry_bind(const error_code& error);
  void accept();
  void admit(tcp::socket socket);
  void leave(const SessionPtr& session) { sessions_.remove(session); }
  [[nodiscard]] HttpAnswer answer(std::string_view target) const;

  Options options_;
  const log::Logger& log_;
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  Backoff backoff_;
  error_code last_bind_error_;
  std::map<std::string, Page, std::less<>> pages_;
  std::list<SessionPtr> sessions_;  // the one that has waited longest for its client first
  std::size_t pending_bytes_ = 0;
  std::uint16_t port_ = 0;
  std::uint64_t refused_ = 0;
  bool stopped_ = false;
};

// One connection: reads a request, writes the answer, again. Handlers hold it; close() brings them to their
// end.
class HttpServer::Listener::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<Listener> listener)
      : stream_{std::move(socket)},
        listener_{std::move(listener)},
        buffer_{listener_->options_.max_header_bytes + 512} {}

  void read() {
    reading_ = true;
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(static_cast<std::uint32_t>(listener_->options_.max_header_bytes));
    parser_->body_limit(0);
    stream_.expires_after(listener_->options_.read_timeout);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](const error_code& error, std::size_t) { self->on_read(error); });
  }
  void close() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
  }
  [[nodiscard]] bool reading() const noexcept { return reading_; }

 private:
  using Parser = http::request_parser<http::empty_body>;

  void on_read(const error_code& error) {
    reading_ = false;
    if (!error) {
      const auto& request = parser_->get();
      const bool known = request.method() == http::verb::get || request.method() == http::verb::head;
      const auto target = request.target();
      write(
          known ? listener_->answer({target.data(), target.size()}) : HttpAnswer{405, "only GET and HEAD\n"},
          request.keep_alive() && known, request.method() == http::verb::head);
    } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      write({431, "the header of the request is too long\n"}, false, false);
    } else if (error.category() == http::make_error_code(http::error::bad_version).category() &&
               error != http::error::end_of_stream && error != http::error::partial_message) {
      write({400, "not a request that this server reads\n"}, false, false);
    } else {
      finish();  // closed by the client, by the timeout or by close()
    }
  }

  void write(HttpAnswer answer, bool keep_alive, bool head) {
    if (listener_->pending_bytes_ + answer.body.size() > kMaxPendingBytes) {
      answer = {503, "too many slow readers\n"};
    }
    const auto size = answer.body.size();
    response_.emplace(static_cast<http::status>(answer.status), 11);
    response_->set(http::field::content_type, answer.content_type);
    response_->set(http::field::cache_control, "no-store");
    if (answer.status == 405) response_->set(http::field::allow, "GET, HEAD");
    response_->keep_alive(keep_alive);
    if (!head) response_->body() = std::move(answer.body);
    response_->content_length(size);
    counted_ = response_->body().size();
    listener_->pending_bytes_ += counted_;
    stream_.expires_after(listener_->options_.write_timeout);
    http::async_write(
        stream_, *response_, [self = shared_from_this(), keep_alive](const error_code& error, std::size_t) {
          self->listener_->pending_bytes_ -= std::exchange(self->counted_, 0);
          self->response_.reset();
          if (error || !keep_alive || self->listener_->stopped_) {
            self->finish();
          } else {
            self->listener_->leave(self);
            self->listener_->sessions_.push_back(self);  // it has been served: others have waited longer
            self->read();
          }
        });
  }

  void finish() {
    close();
    listener_->leave(shared_from_this());
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Listener> listener_;
  beast::flat_buffer buffer_;
  std::unique_ptr<Parser> parser_;  // one for each request
  std::optional<http::response<http::string_body>> response_;
  std::size_t counted_ = 0;
  bool reading_ = true;
};

void HttpServer::Listener::bind() {
  error_code error;
  auto address = asio::ip::make_address(options_.listen.host, error);
  if (!error) error = open(address);
  if (error == asio::error::address_family_not_supported && address.is_v6() && address.is_unspecified()) {
    error = open(asio::ip::address_v4::any());  // a kernel without IPv6
  }
  if (error) {
    retry_bind(error);
    return;
  }
  port_ = acceptor_.local_endpoint(error).port();
  backoff_.reset();
  last_bind_error_ = {};
  log_.info("http.listening", {{"address", shown({options_.listen.host, port_})}});
  accept();
}

error_code HttpServer::Listener::open(const asio::ip::address& address) {
  error_code error;
  const tcp::endpoint endpoint{address, options_.listen.port};
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error && address.is_v6()) acceptor_.set_option(asio::ip::v6_only{false}, error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(static_cast<int>(options_.max_connections), error);
  if (error) {
    error_code ignored;
    acceptor_.close(ignored);
  }
  return error;
}

void HttpServer::Listener::retry_bind(const error_code& error) {
  const auto wait = backoff_.next(0.5);
  if (error != last_bind_error_) {
    log_.error("http.bind_failed", {{"address", shown(options_.listen)},
                                    {"error", error.message()},
                                    {"advice", advice(error)},
                                    {"consequence", "no /metrics, /livez and /readyz until it succeeds"}});
  }
  last_bind_error_ = error;
  timer_.expires_after(wait);
  timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled && !self->stopped_) self->bind();
  });
}

void HttpServer::Listener::accept() {
  acceptor_.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    if (self->stopped_) return;
    if (!error) {
      self->admit(std::move(socket));
      self->accept();
      return;
    }
    self->timer_.expires_after(kAcceptPause);
    self->timer_.async_wait([self](const error_code& cancelled) {
      if (!cancelled && !self->stopped_) self->accept();
    });
  });
}

// When all places are taken, whoever has kept us waiting longest goes: silent clients can not lock others
// out.
void HttpServer::Listener::admit(tcp::socket socket) {
  if (sessions_.size() >= options_.max_connections) {
    ++refused_;
    const auto idle =
        std::find_if(sessions_.begin(), sessions_.end(), [](const auto& s) { return s->reading(); });
    if (idle == sessions_.end()) return;
    const auto evicted = std::move(*idle);
    sessions_.erase(idle);
    evicted->close();
  }
  error_code ignored;
  socket.set_option(tcp::no_delay{true}, ignored);
  sessions_.push_back(std::make_shared<Session>(std::move(socket), shared_from_this()));
  sessions_.back()->read();
}

HttpAnswer HttpServer::Listener::answer(std::string_view target) const {
  const auto page = pages_.find(target.substr(0, target.find('?')));
  if (page != pages_.end()) return page->second();
  HttpAnswer missing{404, "there is no such page; there are:\n"};
  for (const auto& [path, ignored] : pages_) missing.body += "  " + path + "\n";
  return missing;
}

void HttpServer::Listener::stop() {
  stopped_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel(ignored);
  for (const auto& session : std::exchange(sessions_, {})) session->close();
}

HttpServer::HttpServer(asio::io_context& io, Options options, const log::Logger& log)
    : listener_{std::make_shared<Listener>(io, std::move(options), log)} {}
HttpServer::~HttpServer() {
  stop();
}
void HttpServer::add_page(std::string path, Page page) {
  listener_->add_page(std::move(path), std::move(page));
}
void HttpServer::start() {
  listener_->start();
}
void HttpServer::stop() {
  listener_->stop();
}
std::uint16_t HttpServer::port() const noexcept {
  return listener_->port();
}
std::uint64_t HttpServer::refused() const noexcept {
  return listener_->refused();
}

}  // namespace vipra::metrics
