// Resigning in the name of a dead speaker (RFC 9568 section 6.4.3: priority 0): three rounds of
// advertisements, 1 ms apart, because one alone may be lost. The messages are the speaker's last ones with
// another priority.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "agent/supervisor/handle_table.hpp"
#include "agent/supervisor/owned_memory.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "net/vrrp_socket.hpp"
#include "vrrp/signer.hpp"

namespace vipra::supervisor {

class Resignation {
 public:
  static constexpr int kRounds = 3;
  static constexpr Duration kSpacing = std::chrono::milliseconds{1};

  // Copies what it needs. Voices whose socket is not in the table cannot be heard: they are logged.
  Resignation(const std::vector<OwnedVoice>& voices, const HandleTable& handles, vrrp::PacketSigner& signer,
              const log::Logger& log, TimePoint now);

  // Sends a round if one is due. False when all are out.
  [[nodiscard]] bool step(TimePoint now);
  [[nodiscard]] TimePoint deadline() const noexcept { return next_; }
  [[nodiscard]] std::size_t routers() const noexcept { return farewells_.size(); }
  // Advertisements that went out.
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

 private:
  struct Farewell {
    net::VrrpSocket* socket;
    OwnedVoice voice;  // its message resigns
  };
  void send(const Farewell& farewell);
  void send_round();

  vrrp::PacketSigner& signer_;
  const log::Logger& log_;
  std::vector<std::unique_ptr<net::VrrpSocket>> sockets_;
  std::vector<Farewell> farewells_;
  int rounds_left_ = kRounds;
  TimePoint next_;
  std::uint64_t sent_ = 0;
};

}  // namespace vipra::supervisor
