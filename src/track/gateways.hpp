// Asks neighbours whether they are there: one question at a time for each (interface, address), however many
// routers want to know. Pure; the frames are the port's.
//
// The first question goes to everybody, the next ones to whoever answered last, and to everybody again once
// that one stays silent: a gateway that moved to another machine is found again by the second question. With
// a single miss allowed, always to everybody.
#pragma once

#include <optional>
#include <vector>

#include "base/ip_address.hpp"
#include "base/mac_address.hpp"
#include "base/time.hpp"
#include "vrrp/neighbour_frame.hpp"

namespace vipra::track {

struct Probe {
  int index = 0;  // of the interface
  IpAddress target;
  std::optional<MacAddress> to;  // none: everybody
};

class ProbePort {
 public:
  virtual ~ProbePort() = default;
  // False: it could not go out (the interface is down), and nobody can be blamed for not answering.
  [[nodiscard]] virtual bool send(const Probe& probe) = 0;
};

class Gateways {
 public:
  struct Gateway {
    int index = 0;
    IpAddress ip;
    Duration interval{};  // the shortest asked for
    int misses = 1;       // the fewest asked for
    std::optional<MacAddress> mac;
    std::optional<TimePoint> next_at;  // none: at once
    TimePoint sent_at{};
    bool awaited = false;  // the answer to the last question
    bool ever_answered = false;
    int unanswered = 0;  // questions in a row
    bool wanted = false;

    // Whether somebody who would ask every `patience`, and miss so many answers, must call it unreachable.
    [[nodiscard]] bool is_silent(Duration patience, int allowed) const noexcept {
      return unanswered >= allowed && unanswered * interval >= patience * allowed;
    }
  };

  // What is to be asked, from scratch: what is known of those that were asked before stays.
  void begin();
  void want(int index, const IpAddress& ip, Duration interval, int misses);
  void end();
  // Somebody who would ask every `patience`, and miss so many answers, called it unreachable before this
  // began: it is, until it answers. Nothing once it was asked.
  void presume_silent(int index, const IpAddress& ip, Duration patience, int allowed);

  // An answer to a question: somebody's word that the address is there, meant for us. An announcement only
  // tells where. True: it had been silent.
  [[nodiscard]] bool on_claim(int index, const vrrp::NeighbourClaim& claim);
  // Asks what is due. True: somebody was asked, so that silence may have become longer.
  [[nodiscard]] bool step(TimePoint now, ProbePort& port);
  [[nodiscard]] std::optional<TimePoint> deadline(TimePoint now) const;

  [[nodiscard]] const Gateway* find(int index, const IpAddress& ip) const;
  [[nodiscard]] std::size_t size() const noexcept { return gateways_.size(); }

 private:
  [[nodiscard]] Gateway* find_mutable(int index, const IpAddress& ip);

  std::vector<Gateway> gateways_;  // sorted by interface and address
};

}  // namespace vipra::track
