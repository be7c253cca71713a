// The speaker's end of its conversation with the supervisor: the only door through which anything but packets
// comes in. Messages out are kept back while the socket is full (snapshots are marked dirty again; requests
// are queued).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "channel/framing.hpp"
#include "channel/protocol.hpp"
#include "sys/seqpacket.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::agent {

class Link {
 public:
  Link(sys::UniqueFd fd, const log::Logger& log) : socket_{std::move(fd)}, log_{log} {}

  [[nodiscard]] int fd() const noexcept { return socket_.fd(); }

  // Small and important: queued while the socket is full.
  void request(const channel::v1::FromSpeaker& message);
  // False while the socket is full: the caller keeps what it wanted to say.
  [[nodiscard]] bool try_publish(const channel::v1::AgentMessage& message);
  // The socket has room again.
  void flush();
  [[nodiscard]] bool wants_write() const noexcept { return blocked_ || !queue_.empty(); }

  // Calls `handler` for each message that is there; false when the supervisor is gone.
  using Handler = std::function<void(const channel::v1::ToSpeaker&, std::vector<sys::UniqueFd>)>;
  [[nodiscard]] bool receive(const Handler& handler);

 private:
  sys::SeqPacket socket_;
  const log::Logger& log_;
  channel::Encoder encoder_;
  channel::v1::ToSpeaker incoming_;
  channel::v1::FromSpeaker outgoing_;
  std::deque<channel::v1::FromSpeaker> queue_;
  bool blocked_ = false;
};

}  // namespace vipra::agent
