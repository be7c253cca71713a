#include "agent/control/agent_client.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <random>
#include <utility>

#include "agent/control/after.hpp"
#include "agent/control/contribution_changes.hpp"
#include "base/backoff.hpp"
#include "channel/convert.hpp"
#include "channel/framing.hpp"
#include "channel/protocol.hpp"
#include "runtime/clock.hpp"
#include "sys/seqpacket.hpp"

namespace vipra::control {

namespace wire = channel::v1;
using boost::system::error_code;
using sys::Received;
using sys::SendOutcome;

namespace {

constexpr int kMessagesInOneTurn = 32;
// More changes than this travel as a full set: a delta must fit one datagram.
constexpr std::size_t kMaxDelta = 64;
// A connection this old forgets the pauses. One that ends sooner may be the work of a second control, and two
// of them must not drive each other out as fast as they can.
constexpr Duration kProven = std::chrono::seconds{5};
constexpr Duration kConfirmPeriod = std::chrono::seconds{2};  // as channel.proto says

}  // namespace

// Held by its pending operations. `round_` tells the handlers of an earlier connection from those of this
// one.
class AgentClient::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::io_context& io, Options options, const log::Logger& log, Events events)
      : options_{std::move(options)},
        log_{log},
        events_{std::move(events)},
        descriptor_{io},
        timer_{io},
        confirm_timer_{io},
        backoff_{options_.retry_initial, options_.retry_maximum} {}

  void start() { connect(); }
  void stop() {
    stopped_ = true;
    close();
    timer_.cancel();
    confirm_timer_.cancel();
  }
  void set_desired(plan::DesiredStatePtr desired) {
    desired_ = std::move(desired);
    desired_due_ = true;
    pump();
  }
  void set_contributions(std::vector<plan::Contribution> contributions) {
    contributions_ = std::move(contributions);
    pump();
  }
  [[nodiscard]] bool greeted() const noexcept { return greeted_; }
  [[nodiscard]] std::uint64_t connects() const noexcept { return connects_; }

 private:
  void connect();
  void lost(const std::string& why, std::optional<Duration> wait = std::nullopt);
  void retry_after(Duration wait);
  void close();
  void wait_readable();
  void wait_writable();
  void on_readable();
  // False when the connection is gone.
  [[nodiscard]] bool handle(const Received& received);
  [[nodiscard]] bool greet(const wire::Hello& hello);
  void pump();
  void confirm_later();
  [[nodiscard]] bool say_contributions(const std::vector<plan::Contribution>& wanted);
  [[nodiscard]] bool say_desired();
  // True when it is said; otherwise the rest has to wait, or the connection is gone.
  [[nodiscard]] bool say(const wire::ControlMessage& message, int fd = -1);

  Options options_;
  const log::Logger& log_;
  Events events_;
  boost::asio::posix::stream_descriptor descriptor_;  // the socket's number; socket_ owns it
  boost::asio::steady_timer timer_;                   // the next try, or the end of the wait for Hello
  boost::asio::steady_timer confirm_timer_;
  Backoff backoff_;
  std::minstd_rand random_{std::random_device{}()};
  std::unique_ptr<sys::SeqPacket> socket_;
  channel::Encoder encoder_;
  wire::AgentMessage incoming_;
  plan::DesiredStatePtr desired_;
  std::optional<std::vector<plan::Contribution>> contributions_;
  std::optional<std::vector<plan::Contribution>> said_;  // the agent's contributions as we left them
  std::string last_trouble_;
  std::uint64_t round_ = 0;
  std::uint64_t connects_ = 0;
  TimePoint greeted_at_{};
  bool hello_due_ = false;
  bool resync_due_ = false;
  bool desired_due_ = false;
  bool greeted_ = false;
  bool waiting_writable_ = false;
  bool stopped_ = false;
};

void AgentClient::Connection::connect() {
  auto socket = sys::SeqPacket::connect(options_.socket_path);
  if (!socket) return lost(socket.error().what);
  const auto peer = socket->peer();
  if (!peer || (peer->uid != 0 && peer->uid != ::getuid())) {
    return lost("the process at " + options_.socket_path + " is not the agent: it does not run as root");
  }
  socket_ = std::make_unique<sys::SeqPacket>(std::move(*socket));
  descriptor_.assign(socket_->fd());
  ++round_;
  hello_due_ = resync_due_ = true;
  desired_due_ = desired_ != nullptr;
  said_.reset();
  timer_.expires_after(options_.hello_timeout);
  timer_.async_wait([self = shared_from_this(), round = round_](const error_code& error) {
    if (!error && !self->stopped_ && self->round_ == round && !self->greeted_)
      self->lost("the agent did not say Hello");
  });
  wait_readable();
  pump();
}

void AgentClient::Connection::lost(const std::string& why, std::optional<Duration> wait) {
  const bool was_greeted = greeted_;
  close();
  if (stopped_) return;
  if (was_greeted && runtime::now().mono - greeted_at_ >= kProven) backoff_.reset();
  const auto pause = wait ? *wait : backoff_.next(std::uniform_real_distribution{}(random_));
  // An agent that is away for long is said once, not every two seconds.
  if (was_greeted) {
    log_.warning("agent.disconnected", {{"detail", why}});
  } else if (why != last_trouble_) {
    log_.warning("agent.unreachable",
                 {{"detail", why}, {"consequence", "the agent goes on as it was; trying again"}});
  }
  last_trouble_ = why;
  retry_after(pause);
  if (was_greeted && events_.disconnected) events_.disconnected();
}

void AgentClient::Connection::retry_after(Duration wait) {
  timer_.expires_after(wait);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && !self->stopped_ && !self->socket_) self->connect();
  });
}

void AgentClient::Connection::close() {
  ++round_;
  greeted_ = waiting_writable_ = false;
  if (descriptor_.is_open()) descriptor_.release();
  socket_.reset();
}

void AgentClient::Connection::wait_readable() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this(), round = round_](const error_code& error) {
                           if (!error && !self->stopped_ && self->round_ == round) self->on_readable();
                         });
}

void AgentClient::Connection::wait_writable() {
  if (std::exchange(waiting_writable_, true)) return;
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                         [self = shared_from_this(), round = round_](const error_code& error) {
                           if (error || self->stopped_ || self->round_ != round) return;
                           self->waiting_writable_ = false;
                           self->pump();
                         });
}

void AgentClient::Connection::on_readable() {
  for (int i = 0; i < kMessagesInOneTurn; ++i) {
    const auto received = socket_->receive();
    if (received.kind == Received::Kind::kNothing) break;
    const auto round = round_;
    if (!handle(received) || round_ != round || stopped_) return;
  }
  wait_readable();
}

bool AgentClient::Connection::handle(const Received& received) {
  if (received.kind == Received::Kind::kClosed) {
    lost("the agent closed the connection");
    return false;
  }
  if (received.kind == Received::Kind::kTruncated || !channel::decode(received.bytes, incoming_)) {
    lost("the agent sent a malformed message");
    return false;
  }
  if (!greeted_) {
    if (incoming_.has_hello()) return greet(incoming_.hello());
    lost("the agent's first message was no Hello");
    return false;
  }
  if (events_.message) events_.message(incoming_);
  return true;
}

bool AgentClient::Connection::greet(const wire::Hello& hello) {
  if (const auto checked = channel::check_hello(hello, wire::ROLE_SUPERVISOR); !checked) {
    lost("the agent speaks otherwise: " + checked.error().what, options_.retry_other_version);
    return false;
  }
  timer_.cancel();
  greeted_ = true;
  greeted_at_ = runtime::now().mono;
  ++connects_;
  last_trouble_.clear();
  log_.info("agent.connected", {{"build", hello.build()}, {"connects", connects_}});
  if (events_.connected) events_.connected();
  pump();
  confirm_later();
  return socket_ != nullptr;
}

// Says what is due, in order, as far as the socket takes it. Nothing but Hello before the agent has said its
// own.
void AgentClient::Connection::pump() {
  if (!socket_ || waiting_writable_) return;
  if (hello_due_) {
    wire::ControlMessage message;
    *message.mutable_hello() = channel::make_hello(wire::ROLE_CONTROL, options_.build, options_.epoch);
    if (!say(message)) return;
    hello_due_ = false;
  }
  if (!greeted_) return;
  if (resync_due_) {
    wire::ControlMessage message;
    message.mutable_resync();
    if (!say(message)) return;
    resync_due_ = false;
  }
  if (contributions_ && said_ != contributions_ && !say_contributions(*contributions_)) return;
  if (desired_due_ && !say_desired()) return;
}

// The agent marks verdicts that nobody confirms: it cannot see from outside whether this process still works.
void AgentClient::Connection::confirm_later() {
  after(confirm_timer_, kConfirmPeriod, [self = shared_from_this(), round = round_] {
    if (self->stopped_ || self->round_ != round) return;
    if (self->said_ && !self->said_->empty() && !self->waiting_writable_) {
      wire::ControlMessage message;
      message.mutable_contribution_delta();
      if (!self->say(message) && self->round_ != round) return;
    }
    self->confirm_later();
  });
}

bool AgentClient::Connection::say_contributions(const std::vector<plan::Contribution>& wanted) {
  wire::ControlMessage message;
  if (said_) {
    const auto changes = contribution_changes(*said_, wanted);
    if (changes.upserts.size() + changes.removals.size() <= kMaxDelta) {
      auto& delta = *message.mutable_contribution_delta();
      for (const auto& upsert : changes.upserts) *delta.add_upserts() = channel::to_proto(upsert);
      for (const auto& key : changes.removals) {
        auto& removal = *delta.add_removals();
        removal.set_consumer(key.consumer);
        removal.set_source(key.source);
      }
      if (!say(message)) return false;
      said_ = wanted;
      return true;
    }
  }
  const auto file = channel::make_contribution_set_file(wanted);
  if (!file) {
    log_.error("contributions.not_sent", {{"error", file.error().what}});
    said_ = wanted;  // not again until they change
    return true;
  }
  *message.mutable_contribution_set() = file->ref;
  if (!say(message, file->fd.get())) return false;
  said_ = wanted;
  return true;
}

bool AgentClient::Connection::say_desired() {
  const auto file = channel::make_desired_state_file(*desired_);
  if (!file) {
    log_.error("desired_state.not_sent",
               {{"generation", desired_->generation}, {"error", file.error().what}});
    desired_due_ = false;
    return true;
  }
  wire::ControlMessage message;
  *message.mutable_desired_state() = file->ref;
  if (!say(message, file->fd.get())) return false;
  desired_due_ = false;
  return true;
}

bool AgentClient::Connection::say(const wire::ControlMessage& message, int fd) {
  const auto fds = fd >= 0 ? std::span<const int>{&fd, 1} : std::span<const int>{};
  const auto outcome = channel::send(*socket_, encoder_, message, fds);
  if (!outcome) {
    lost("a message to the agent could not be made: " + outcome.error().what);
    return false;
  }
  if (*outcome == SendOutcome::kWouldBlock) {
    wait_writable();
  } else if (*outcome == SendOutcome::kClosed) {
    lost("the agent closed the connection");
  }
  return *outcome == SendOutcome::kSent;
}

AgentClient::AgentClient(boost::asio::io_context& io, Options options, const log::Logger& log, Events events)
    : connection_{std::make_shared<Connection>(io, std::move(options), log, std::move(events))} {}
AgentClient::~AgentClient() {
  stop();
}
void AgentClient::start() {
  connection_->start();
}
void AgentClient::stop() {
  connection_->stop();
}
void AgentClient::set_desired(plan::DesiredStatePtr desired) {
  connection_->set_desired(std::move(desired));
}
void AgentClient::set_contributions(std::vector<plan::Contribution> contributions) {
  connection_->set_contributions(std::move(contributions));
}
bool AgentClient::connected() const noexcept {
  return connection_->greeted();
}
std::uint64_t AgentClient::connects() const noexcept {
  return connection_->connects();
}

}  // namespace vipra::control
