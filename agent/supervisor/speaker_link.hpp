// The supervisor's end of its conversation with one speaker. Never waits: what is large and replaceable
// (desired state, contributions) is marked as owed while the socket is full and sent anew, in its latest
// form, when there is room; answers about handles are queued.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/supervisor/handle_table.hpp"
#include "agent/supervisor/kept_state.hpp"
#include "base/log.hpp"
#include "channel/framing.hpp"
#include "runtime/event_loop.hpp"
#include "sys/seqpacket.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::supervisor {

class SpeakerLink {
 public:
  static constexpr std::string_view kClosed = "it closed the link";

  struct Events {
    std::function<void(const channel::v1::Hello&)> hello;  // a checked one
    std::function<void(std::span<const std::uint8_t> serialised)> agent_message;
    std::function<void()> released;
    std::function<void(std::string_view why)> broken;  // closed, or not to be trusted; called at most once
  };

  SpeakerLink(sys::UniqueFd fd, runtime::EventLoop& loop, HandleTable& handles, const KeptState& kept,
              const log::Logger& log, Events events);
  SpeakerLink(const SpeakerLink&) = delete;
  SpeakerLink& operator=(const SpeakerLink&) = delete;
  ~SpeakerLink();

  [[nodiscard]] Status watch();
  // What every speaker has, beside the sockets of its predecessor.
  struct Shared {
    int owned_page = -1;
    int hang_alarm = -1;
  };
  // Everything that a new speaker needs, in the order of the channel.
  void begin(const channel::v1::Hello& own, const Shared& shared);
  void send_desired();
  void send_contributions();
  void send_delta(const channel::v1::ContributionDelta& delta);
  void request_resync();
  // What a speaker that has ended said last.
  void receive_rest();
  void release();

 private:
  struct Waiting {
    std::vector<std::uint8_t> bytes;
    std::vector<sys::UniqueFd> fds;
  };
  static constexpr std::size_t kMostWaiting = 16 * 1024;
  static constexpr int kMessagesInOneTurn = 256;

  void on_ready(std::uint32_t events);
  void receive();
  [[nodiscard]] bool receive_one();
  void handle(std::vector<sys::UniqueFd> fds);
  void answer_open(const channel::v1::Handle& handle);
  void send(const channel::v1::ToSpeaker& message, std::span<const int> fds = {});
  // True if sent; false if there is no room (or no link any more).
  [[nodiscard]] bool try_send(const channel::v1::ToSpeaker& message, std::span<const int> fds);
  void queue(const channel::v1::ToSpeaker& message, std::span<const int> fds);
  void flush();
  void update_interest();
  void break_off(std::string_view why);

  sys::SeqPacket socket_;
  runtime::EventLoop& loop_;
  HandleTable& handles_;
  const KeptState& kept_;
  const log::Logger& log_;
  Events events_;
  channel::Encoder encoder_;
  channel::v1::FromSpeaker incoming_;
  std::deque<Waiting> waiting_;
  bool desired_owed_ = false;
  bool contributions_owed_ = false;
  bool full_ = false;
  bool wants_write_ = false;
  bool broken_ = false;
};

}  // namespace vipra::supervisor
