// The agent's end of control's socket, as scripted by a test: greets, keeps what control says, tells what it
// is given. On the test's own thread: poll() does what is to be done and never waits.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "channel/convert.hpp"
#include "channel/framing.hpp"
#include "channel/protocol.hpp"
#include "sys/seqpacket.hpp"

namespace vipra::test {

namespace wire = channel::v1;

class FakeAgent {
 public:
  explicit FakeAgent(std::string path) : path_{std::move(path)} { listen(); }

  void listen() { listener_ = std::move(*sys::listen_seqpacket(path_, 0660, ::getgid())); }
  void vanish() {
    socket_.reset();
    listener_.reset();
    ::unlink(path_.c_str());
  }
  void disconnect() { socket_.reset(); }

  void poll() {
    if (listener_) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) greet(sys::UniqueFd{fd});
    }
    while (socket_ && reading) {
      auto received = socket_->receive();
      if (received.kind == sys::Received::Kind::kNothing) return;
      if (received.kind != sys::Received::Kind::kMessage) {
        closed_by_control = true;
        socket_.reset();
        return;
      }
      wire::ControlMessage message;
      if (channel::decode(received.bytes, message)) take(message, received.fds);
    }
  }

  void send(const wire::AgentMessage& message) {
    if (socket_) (void)channel::send(*socket_, encoder_, message);
  }
  void send_raw(const std::string& bytes) {
    if (socket_) (void)socket_->send({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  // A whole resync that names these routers.
  void tell(const std::vector<wire::RouterSnapshot>& routers, std::uint64_t applied) {
    wire::AgentMessage message;
    auto& batch = *message.mutable_snapshots();
    for (const auto& router : routers) *batch.add_routers() = router;
    batch.set_resync_first(true);
    batch.set_resync_last(true);
    batch.mutable_speaker()->set_applied_generation(applied);
    send(message);
  }

  [[nodiscard]] bool connected() const { return socket_.has_value(); }
  [[nodiscard]] const plan::DesiredState& last() const { return desired.back(); }

  // How it behaves.
  bool reading = true;
  bool says_hello = true;
  std::uint32_t version = channel::kVersion;
  std::optional<std::vector<wire::RouterSnapshot>> answer_resync_with;  // at once, as a live speaker would
  std::uint64_t answer_applied = 0;

  // What it heard.
  std::size_t accepted = 0;
  std::size_t hellos = 0;
  std::size_t resyncs = 0;
  bool closed_by_control = false;
  std::vector<std::string> order;  // of the current connection: "hello", "resync", "set", "delta", "desired"
  std::vector<plan::DesiredState> desired;
  std::vector<std::vector<plan::Contribution>> sets;
  std::vector<channel::ContributionChanges> deltas;

 private:
  void greet(sys::UniqueFd fd) {
    ++accepted;
    order.clear();
    socket_.emplace(std::move(fd));
    if (!says_hello) return;
    wire::AgentMessage message;
    *message.mutable_hello() = channel::make_hello(wire::ROLE_SUPERVISOR, "test", 1);
    message.mutable_hello()->set_version(version);
    send(message);
  }
  void take(const wire::ControlMessage& message, const std::vector<sys::UniqueFd>& fds) {
    if (message.has_hello()) {
      ++hellos;
      order.emplace_back("hello");
    } else if (message.has_resync()) {
      ++resyncs;
      order.emplace_back("resync");
      if (answer_resync_with) tell(*answer_resync_with, answer_applied);
    } else if (message.has_desired_state() && fds.size() == 1) {
      order.emplace_back("desired");
      keep(channel::read_desired_state_file(fds[0].get(), message.desired_state()), desired);
    } else if (message.has_contribution_set() && fds.size() == 1) {
      order.emplace_back("set");
      keep(channel::read_contribution_set_file(fds[0].get(), message.contribution_set()), sets);
    } else if (message.has_contribution_delta()) {
      order.emplace_back("delta");
      keep(channel::from_proto(message.contribution_delta()), deltas);
    }
  }

  // What the real agent would refuse, no test may overlook.
  template <class T>
  static void keep(Result<T> read, std::vector<T>& all) {
    if (read) {
      all.push_back(std::move(*read));
    } else {
      ADD_FAILURE() << read.error().what;
    }
  }

  std::string path_;
  sys::UniqueFd listener_;
  std::optional<sys::SeqPacket> socket_;
  channel::Encoder encoder_;
};

inline wire::RouterSnapshot router_snapshot(const std::string& id, std::int64_t since_unix_ns = 1) {
  wire::RouterSnapshot out;
  out.set_router(id);
  out.set_family(id.ends_with("ipv6") ? 6 : 4);
  out.set_vrid(51);
  out.set_state(reason::v1::STATE_BACKUP);
  out.set_reason(reason::v1::REASON_LOWER_PRIORITY);
  out.set_since_unix_ns(since_unix_ns);
  out.set_base_priority(100);
  out.set_effective_priority(100);
  return out;
}

}  // namespace vipra::test
