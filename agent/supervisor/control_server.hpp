// agent.sock: where control speaks to the agent. One control at a time, the newest that said a proper Hello;
// nobody but root and control's own user is heard.
//
// Nothing here waits for control. What does not fit its socket is dropped and counted, and when it reads
// again, it gets everything anew (`caught_up` asks the speaker for it).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "channel/framing.hpp"
#include "runtime/event_loop.hpp"
#include "sys/seqpacket.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::supervisor {

class ControlServer {
 public:
  struct Events {
    std::function<void()> connected;  // a new control, after its Hello: it wants to know all
    std::function<void()> caught_up;  // it reads again after messages to it were dropped
    std::function<void(const channel::v1::ControlMessage&, std::vector<sys::UniqueFd>)>
        message;  // never a Hello
  };

  ControlServer(runtime::EventLoop& loop, const log::Logger& log, uid_t control_uid, channel::v1::Hello own,
                Events events);
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ~ControlServer();

  // Mode 0660, group of control.
  [[nodiscard]] Status listen(const std::string& path);

  // To the current control; dropped and counted when there is no room. No control, no message.
  void send(const channel::v1::AgentMessage& message);
  // The same, of a message that the speaker serialised.
  void relay(std::span<const std::uint8_t> serialised);

  [[nodiscard]] bool connected() const noexcept { return current_ != nullptr; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  struct Connection {
    Connection(sys::UniqueFd fd, sys::PeerCredentials who) : socket{std::move(fd)}, peer{who} {}
    sys::SeqPacket socket;
    sys::PeerCredentials peer;
    bool full = false;
  };
  using ConnectionPtr = std::unique_ptr<Connection>;
  static constexpr int kMessagesInOneTurn = 32;

  void accept();
  [[nodiscard]] bool may_speak(const sys::PeerCredentials& peer);
  void on_ready(Connection& connection, std::uint32_t events);
  // False when the connection is gone.
  [[nodiscard]] bool handle(Connection& connection, sys::Received received);
  [[nodiscard]] bool greet(Connection& connection, const channel::v1::Hello& hello);
  void drop(Connection& connection, std::string_view why);
  void transmit(Connection& connection, std::span<const std::uint8_t> bytes);
  void set_full(Connection& connection, bool full);

  runtime::EventLoop& loop_;
  const log::Logger& log_;
  uid_t control_uid_;
  channel::v1::Hello own_;
  Events events_;
  sys::UniqueFd listener_;
  ConnectionPtr current_;
  ConnectionPtr candidate_;  // connected, and has not said Hello yet; a newer one takes its place
  channel::Encoder encoder_;
  channel::v1::ControlMessage incoming_;
  std::uint64_t dropped_ = 0;
  std::uint64_t refused_ = 0;
  std::optional<TimePoint> refusal_logged_;
};

}  // namespace vipra::supervisor
