#include "checks/attempt.hpp"

#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>

#include "runtime/clock.hpp"

namespace vipra::checks {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// A result that comes this much later than the timeout came late because this process did not run.
constexpr Duration kStoodStill = std::chrono::milliseconds{100};

constexpr const char* kDefaultHost = "127.0.0.1";

std::string in_milliseconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + "ms";
}

bool is_own_shortage(const error_code& error) {
  return error == asio::error::no_descriptors || error == asio::error::no_memory ||
         error == asio::error::no_buffer_space || error.value() == ENFILE;
}

class AttemptProbe final : public Probe {
 public:
  explicit AttemptProbe(std::shared_ptr<Attempt> attempt) : attempt_{std::move(attempt)} {}
  ~AttemptProbe() override { attempt_->cancel(); }
  AttemptProbe(const AttemptProbe&) = delete;
  AttemptProbe& operator=(const AttemptProbe&) = delete;
  void start(Done done) override { attempt_->start(std::move(done)); }

 private:
  std::shared_ptr<Attempt> attempt_;
};

}  // namespace

Attempt::Attempt(asio::io_context& io, const std::string& host, std::uint16_t port, std::string target,
                 Duration timeout)
    : io_{io},
      socket_{io},
      timer_{io},
      host_{host.empty() ? kDefaultHost : host},
      port_{port},
      target_{std::move(target)},
      timeout_{timeout} {}

void Attempt::start(Probe::Done done) {
  done_ = std::move(done);
  started_ = runtime::now().mono;
  timer_.expires_after(timeout_);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (error || self->ended()) return;
    self->end(Outcome::kFailed, Reason::kCheckTimeout,
              "did not answer within " + in_milliseconds(self->timeout_));
  });
  asio::post(io_, [self = shared_from_this()] {
    if (!self->ended()) self->connect();
  });
}

void Attempt::connect() {
  error_code error;
  const auto address = asio::ip::make_address(host_, error);
  if (error) {
    end(Outcome::kFailed, Reason::kCheckUnreachable, "is not an address");
    return;
  }
  const tcp::endpoint endpoint{address, port_};
  socket_.open(endpoint.protocol(), error);
  if (error) {
    fail_connecting(error);
    return;
  }
  socket_.async_connect(endpoint, [self = shared_from_this()](const error_code& failed) {
    if (self->ended()) return;
    if (failed) {
      self->fail_connecting(failed);
      return;
    }
    error_code ignored;
    // A socket on the loopback may connect to itself when nobody listens on a port of the ephemeral range.
    if (self->socket_.local_endpoint(ignored) == self->socket_.remote_endpoint(ignored)) {
      self->fail_connecting(asio::error::connection_refused);
      return;
    }
    // Reset instead of a FIN: thousands of probes a minute leave no TIME_WAIT behind.
    self->socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
    self->on_connected();
  });
}

void Attempt::fail_connecting(const error_code& error) {
  if (is_own_shortage(error)) {
    end(Outcome::kDiscarded, Reason::kNone, "was not asked: " + error.message());
  } else if (error == asio::error::connection_refused || error == asio::error::connection_reset) {
    end(Outcome::kFailed, Reason::kCheckRefused, "refused the connection");
  } else if (error == asio::error::timed_out) {
    end(Outcome::kFailed, Reason::kCheckTimeout, "did not answer");
  } else {
    end(Outcome::kFailed, Reason::kCheckUnreachable, "is unreachable: " + error.message());
  }
}

void Attempt::end(Outcome outcome, Reason reason, const std::string& words) {
  if (ended()) return;
  ProbeResult result{outcome, reason, target_ + " " + words, runtime::now().mono - started_};
  if (outcome == Outcome::kFailed && result.duration > timeout_ + kStoodStill) {
    result.outcome = Outcome::kDiscarded;
    result.reason = Reason::kNone;
    result.detail = target_ + " was not judged: vipra-control stood still meanwhile";
  }
  const auto done = std::move(done_);
  cancel();
  done(std::move(result));
}

void Attempt::cancel() noexcept {
  done_ = nullptr;
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel(ignored);
}

std::unique_ptr<Probe> make_attempt_probe(std::shared_ptr<Attempt> attempt) {
  return std::make_unique<AttemptProbe>(std::move(attempt));
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const std::string& dialled = host.empty() ? kDefaultHost : host;
  const bool brackets = dialled.find(':') != std::string::npos;
  return (brackets ? "[" + dialled + "]" : dialled) + ":" + std::to_string(port);
}

}  // namespace vipra::checks
