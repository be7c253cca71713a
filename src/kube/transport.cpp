#include "kube/transport.hpp"

#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <openssl/err.h>
#include <pplx/pplxtasks.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <system_error>

#include "kube/tls.hpp"

namespace vipra::kube {
namespace {

namespace http = web::http;
using Buffer = concurrency::streams::details::streambuf_state_manager<std::uint8_t>;

boost::asio::io_service& pool() {
  return crossplat::threadpool::shared_instance().service();
}

std::optional<Duration> retry_after_of(const http::http_headers& headers) {
  const auto found = headers.find("Retry-After");
  if (found == headers.end()) return std::nullopt;
  std::int64_t seconds = 0;  // API servers send no dates
  const auto& text = found->second;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (parsed.ec != std::errc{} || seconds < 0) return std::nullopt;
  return Duration{std::chrono::seconds{std::min<std::int64_t>(seconds, 3600)}};
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string openssl_text(int code) {
  std::string out(120, '\0');
  ERR_error_string_n(static_cast<unsigned long>(code), out.data(), out.size());
  out.resize(std::min(out.find('\0'), out.size()));
  return out;
}

// cpprest tells what it was doing by its sentences alone.
TransportEnd end_of(const http::http_exception& error) {
  const std::string what = error.what();
  const auto code = error.error_code();
  if (code == std::errc::timed_out) return {ErrorKind::kTimeout, "no answer in time"};
  if (contains(what, "SSL handshake")) return {ErrorKind::kTls, "TLS: " + openssl_text(code.value())};
  const bool connecting = contains(what, "connect to any") || contains(what, "resolv");
  return {connecting ? ErrorKind::kUnreachable : ErrorKind::kBroken, what};
}

// Holds back what comes before the status is known, then hands it on; while the receiver wants nothing more,
// the task of the last write stays unfinished, and cpprest reads no further.
class Sink final : public Buffer {
 public:
  explicit Sink(std::shared_ptr<Receiver> receiver)
      : Buffer{std::ios_base::out}, receiver_{std::move(receiver)} {}

  void open(int status, std::optional<Duration> retry_after) {
    receiver_->on_status(status, retry_after);
    std::string held;
    {
      const std::lock_guard lock{mutex_};
      open_ = true;
      held = std::move(held_);
    }
    if (!held.empty()) (void)hand_on(held, /*waiting=*/true);
  }

  void resume() {
    std::optional<pplx::task_completion_event<std::size_t>> waiting;
    std::size_t count = 0;
    {
      const std::lock_guard lock{mutex_};
      resumed_ = true;
      std::swap(waiting, waiting_);
      count = waiting_count_;
    }
    if (waiting) waiting->set(count);
  }
  // Whatever comes from now on is thrown away.
  void shut() {
    {
      const std::lock_guard lock{mutex_};
      shut_ = true;
    }
    resume();
  }

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return pos_type(off_type(-1)); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return pos_type(off_type(-1)); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return pos_type(off_type(-1));
  }
  bool acquire(std::uint8_t*&, std::size_t&) override { return false; }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    return _putn(&byte, 1).then([byte](std::size_t) { return static_cast<int_type>(byte); });
  }
  pplx::task<std::size_t> _putn(const std::uint8_t* bytes, std::size_t count) override {
    const std::string_view text{reinterpret_cast<const char*>(bytes), count};
    {
      const std::lock_guard lock{mutex_};
      if (shut_) return pplx::task_from_result(count);
      if (!open_) {
        held_ = text;
        waiting_.emplace();
        waiting_count_ = count;
        return pplx::task<std::size_t>{*waiting_};
      }
    }
    return hand_on(text, /*waiting=*/false);
  }
  pplx::task<int_type> _bumpc() override { return nothing(); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return nothing(); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return nothing(); }
  pplx::task<int_type> _ungetc() override { return nothing(); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

 private:
  static pplx::task<int_type> nothing() { return pplx::task_from_result<int_type>(traits::eof()); }

  // `waiting`: an unfinished task for this already exists.
  pplx::task<std::size_t> hand_on(std::string_view text, bool waiting) {
    const auto done = pplx::task_from_result(text.size());
    {
      const std::lock_guard lock{mutex_};
      resumed_ = false;
    }
    const bool more = receiver_->on_bytes(text);
    if (more && waiting) resume();
    if (more || waiting) return done;
    const std::lock_guard lock{mutex_};
    if (resumed_ || shut_) return done;
    waiting_.emplace();
    waiting_count_ = text.size();
    return pplx::task<std::size_t>{*waiting_};
  }

  const std::shared_ptr<Receiver> receiver_;
  std::mutex mutex_;
  bool open_ = false;
  bool shut_ = false;
  bool resumed_ = false;
  std::string held_;
  std::optional<pplx::task_completion_event<std::size_t>> waiting_;
  std::size_t waiting_count_ = 0;
};

class Request final : public Running, public std::enable_shared_from_this<Request> {
 public:
  explicit Request(std::shared_ptr<Receiver> receiver)
      : receiver_{std::move(receiver)}, sink_{std::make_shared<Sink>(receiver_)} {}

  // Socket and timer are touched by one thread: cpprest has crashed otherwise.
  void cancel() override {
    given_up_ = true;
    pool().post([self = shared_from_this()] {
      self->cancelled_.cancel();
      self->sink_->shut();
    });
  }
  void resume() override { sink_->resume(); }

  // The one place where a request of cpprest is made. Its chain ends in a continuation that takes the task
  // and reads its result: an exception that nobody reads would kill the process.
  void run(http::client::http_client& client, const http::http_request& request) {
    try {
      // A new connection takes this thread some milliseconds.
      if (given_up_) throw http::http_exception("cancelled");
      client.request(request, cancelled_.get_token())
          .then([self = shared_from_this()](http::http_response response) {
            self->sink_->open(response.status_code(), retry_after_of(response.headers()));
            return response.content_ready();
          })
          .then([self = shared_from_this()](const pplx::task<http::http_response>& ended) {
            self->finish([&] { (void)ended.get(); });
          });
    } catch (...) {
      finish([error = std::current_exception()] { std::rethrow_exception(error); });
    }
  }

  [[nodiscard]] concurrency::streams::ostream stream() const {
    return concurrency::streams::streambuf<std::uint8_t>{sink_}.create_ostream();
  }

  template <class Get>
  void finish(Get get) {
    TransportEnd end;
    try {
      get();
    } catch (const http::http_exception& error) {
      end = end_of(error);
    } catch (const std::exception& error) {
      end = {ErrorKind::kBroken, error.what()};
    } catch (...) {
      end = {ErrorKind::kBroken, "an unknown error"};
    }
    receiver_->on_end(std::move(end));
  }

 private:
  const std::shared_ptr<Receiver> receiver_;
  const std::shared_ptr<Sink> sink_;
  pplx::cancellation_token_source cancelled_;
  std::atomic<bool> given_up_{false};
};

web::uri base_uri(const Server& server) {
  // By parts: in one text an IPv6 address needs brackets, which then go to the resolver.
  web::uri_builder out;
  out.set_scheme("https");
  out.set_host(server.host);
  out.set_port(server.port);
  out.set_path(server.path);
  return out.to_uri();
}

http::http_request make_request(const Exchange& exchange, const Access& access) {
  http::http_request out{exchange.method};
  web::uri_builder uri;
  uri.set_path(exchange.path);
  for (const auto& [key, value] : exchange.query)
    uri.append_query(key + "=" + percent_encoded(value), /*do_encode=*/false);
  out.set_request_uri(uri.to_uri());
  auto& headers = out.headers();
  headers.add("Accept", "application/json");
  headers.add("User-Agent", "vipra");
  if (!access.server_name.empty()) headers.add("Host", access.server_name);
  if (!exchange.token.empty()) headers.add("Authorization", "Bearer " + exchange.token);
  if (!exchange.content_type.empty()) out.set_body(exchange.body, exchange.content_type);
  return out;
}

}  // namespace

struct Transport::Connections {
  std::shared_ptr<const Access> access;
  Server server;
  Duration idle;
  std::unique_ptr<http::client::http_client> client;  // on the pool's thread
  std::string tls_trouble;                            // of the connection made last

  http::client::http_client& get() {
    if (client) return *client;
    http::client::http_client_config config;
    config.set_timeout(std::chrono::duration_cast<std::chrono::milliseconds>(idle));
    config.set_max_redirects(0);  // else the token follows
    config.set_ssl_context_callback([this](boost::asio::ssl::context& context) {
      const auto done = set_up_tls(context.native_handle(), *access);
      tls_trouble = done ? std::string{} : done.error().what;
    });
    client = std::make_unique<http::client::http_client>(base_uri(server), config);
    return *client;
  }
};

Transport::Transport(std::shared_ptr<const Access> access, Server server, Duration idle)
    : connections_{std::make_shared<Connections>(
          Connections{std::move(access), std::move(server), idle, nullptr, {}})} {}

Transport::~Transport() {
  pool().post([connections = std::move(connections_)] {});
}

namespace {

// Says why TLS failed where our own files are the reason.
class Explaining final : public Receiver {
 public:
  Explaining(std::shared_ptr<Receiver> inner, std::function<std::string()> trouble)
      : inner_{std::move(inner)}, trouble_{std::move(trouble)} {}
  void on_status(int status, std::optional<Duration> retry_after) override {
    inner_->on_status(status, retry_after);
  }
  bool on_bytes(std::string_view bytes) override { return inner_->on_bytes(bytes); }
  void on_end(TransportEnd end) override {
    if (end.error == ErrorKind::kTls)
      if (const auto why = trouble_(); !why.empty()) end.message = why;
    inner_->on_end(std::move(end));
  }

 private:
  std::shared_ptr<Receiver> inner_;
  std::function<std::string()> trouble_;
};

}  // namespace

std::shared_ptr<Running> Transport::send(Exchange exchange, std::shared_ptr<Receiver> receiver) {
  auto explaining = std::make_shared<Explaining>(
      std::move(receiver), [connections = connections_] { return connections->tls_trouble; });
  auto request = std::make_shared<Request>(std::move(explaining));
  pool().post([connections = connections_, request, exchange = std::move(exchange)] {
    try {
      auto message = make_request(exchange, *connections->access);
      message.set_response_stream(request->stream());
      request->run(connections->get(), message);
    } catch (...) {  // a header or a URI that cpprest does not like
      request->finish([error = std::current_exception()] { std::rethrow_exception(error); });
    }
  });
  return request;
}

Status start_pool() {
  static const Status outcome = []() -> Status {
    try {
      crossplat::threadpool::initialize_with_threads(1);
    } catch (const std::exception& error) {
      return fail(Errc::kConflict, std::string{"the transport's threads exist already: "} + error.what());
    }
    return {};
  }();
  return outcome;
}

Status start_transport() {
  // cpprest loads the system's authorities for each new connection, 40 ms and more, before ours take their
  // place.
  ::setenv("SSL_CERT_FILE", "/dev/null", /*overwrite=*/0);
  return start_pool();
}

}  // namespace vipra::kube
