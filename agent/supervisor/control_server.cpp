#include "agent/supervisor/control_server.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/reason.hpp"
#include "channel/protocol.hpp"
#include "runtime/clock.hpp"

namespace vipra::supervisor {

namespace wire = channel::v1;
using sys::Received;
using sys::SendOutcome;

ControlServer::ControlServer(runtime::EventLoop& loop, const log::Logger& log, uid_t control_uid,
                             wire::Hello own, Events events)
    : loop_{loop}, log_{log}, control_uid_{control_uid}, own_{std::move(own)}, events_{std::move(events)} {}

ControlServer::~ControlServer() {
  for (const auto* connection : {&current_, &candidate_}) {
    if (*connection) loop_.unwatch((*connection)->socket.fd());
  }
  if (listener_) loop_.unwatch(listener_.get());
}

Status ControlServer::listen(const std::string& path) {
  auto listener = sys::listen_seqpacket(path, 0660, static_cast<gid_t>(control_uid_));
  if (!listener) return tl::unexpected{std::move(listener).error()};
  listener_ = std::move(*listener);
  return loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

void ControlServer::accept() {
  sys::UniqueFd fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!fd) return;
  auto connection = std::make_unique<Connection>(std::move(fd), sys::PeerCredentials{});
  const auto peer = connection->socket.peer();
  if (!peer || !may_speak(*peer)) return;
  connection->peer = *peer;
  auto* const raw = connection.get();
  const auto watched =
      loop_.watch(raw->socket.fd(), EPOLLIN, [this, raw](std::uint32_t events) { on_ready(*raw, events); });
  if (!watched) {
    log_.error("supervisor.loop_failed", {{"error", watched.error().what}});
    return;
  }
  if (candidate_) drop(*candidate_, "another connection came before its Hello");
  candidate_ = std::move(connection);
  wire::AgentMessage hello;
  *hello.mutable_hello() = own_;
  if (const auto bytes = encoder_.encode(hello)) transmit(*raw, *bytes);
}

bool ControlServer::may_speak(const sys::PeerCredentials& peer) {
  if (peer.uid == 0 || peer.uid == control_uid_) return true;
  ++refused_;
  const auto now = runtime::now().mono;
  if (!refusal_logged_ || now - *refusal_logged_ >= std::chrono::seconds{1}) {
    refusal_logged_ = now;
    log_.warning("control.refused", {{"pid", peer.pid},
                                     {"uid", peer.uid},
                                     {"reason", to_string(Reason::kPeerNotAllowed)},
                                     {"refused_so_far", refused_}});
  }
  return false;
}

void ControlServer::on_ready(Connection& connection, std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && connection.full) {
    set_full(connection, false);
    log_.info("control.caught_up", {{"pid", connection.peer.pid}, {"messages_dropped", dropped_}});
    if (&connection == current_.get()) events_.caught_up();
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  for (int i = 0; i < kMessagesInOneTurn; ++i) {
    auto received = connection.socket.receive();
    if (received.kind == Received::Kind::kNothing || !handle(connection, std::move(received))) return;
  }
}

bool ControlServer::handle(Connection& connection, Received received) {
  if (received.kind == Received::Kind::kClosed) {
    drop(connection, "it closed the connection");
    return false;
  }
  if (received.kind == Received::Kind::kTruncated || !channel::decode(received.bytes, incoming_)) {
    drop(connection, "it sent a malformed message");
    return false;
  }
  if (incoming_.has_hello()) return greet(connection, incoming_.hello());
  if (&connection != current_.get()) {
    drop(connection, "its first message was no Hello");
    return false;
  }
  events_.message(incoming_, std::move(received.fds));
  return true;
}

bool ControlServer::greet(Connection& connection, const wire::Hello& hello) {
  const auto checked = channel::check_hello(hello, wire::ROLE_CONTROL);
  if (!checked) {
    log_.error("control.hello_refused", {{"pid", connection.peer.pid},
                                         {"reason", to_string(Reason::kVersionMismatch)},
                                         {"error", checked.error().what}});
    drop(connection, checked.error().what);
    return false;
  }
  if (&connection == current_.get()) return true;
  if (current_) drop(*current_, "a newer control replaces it");
  current_ = std::move(candidate_);
  log_.info("control.connected",
            {{"pid", current_->peer.pid}, {"uid", current_->peer.uid}, {"build", hello.build()}});
  events_.connected();
  return true;
}

void ControlServer::drop(Connection& connection, std::string_view why) {
  loop_.unwatch(connection.socket.fd());
  auto& owner = &connection == current_.get() ? current_ : candidate_;
  log_.info("control.disconnected", {{"pid", connection.peer.pid}, {"detail", why}});
  owner.reset();
}

void ControlServer::send(const wire::AgentMessage& message) {
  if (!current_) return;
  const auto bytes = encoder_.encode(message);
  if (bytes) transmit(*current_, *bytes);
}

void ControlServer::relay(std::span<const std::uint8_t> serialised) {
  if (current_) transmit(*current_, serialised);
}

void ControlServer::transmit(Connection& connection, std::span<const std::uint8_t> bytes) {
  // While it does not read nothing is tried: a resync will say it all.
  if (!connection.full) {
    const auto outcome = connection.socket.send(bytes);
    // A closed one is noticed, and taken away, when it is read.
    if (outcome != SendOutcome::kWouldBlock) return;
    log_.warning("control.does_not_read", {{"pid", connection.peer.pid}});
    set_full(connection, true);
  }
  ++dropped_;
}

void ControlServer::set_full(Connection& connection, bool full) {
  connection.full = full;
  const auto status = loop_.modify(connection.socket.fd(), EPOLLIN | (full ? EPOLLOUT : 0U));
  if (!status) log_.error("supervisor.loop_failed", {{"error", status.error().what}});
}

}  // namespace vipra::supervisor
