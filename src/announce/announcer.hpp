// What to announce on one interface, and when: gratuitous ARP and unsolicited neighbour advertisements of
// every virtual router that is master there. Advertisements are not in here: nothing makes them wait. Pure,
// for one thread. Allocates in add() and resize() only; a step costs one look at each router plus a constant
// for each announcement.
//
// A *round* announces every address of a router once. Rounds come from the schedule of the family and from
// evidence that somebody else claimed an address. One token bucket paces the interface: first rounds (after
// start()) go before all others, and within each of the two classes the routers take turns address by
// address, so that a router with 1,000 addresses holds up nobody.
//
// Evidence starts a round at once, at most one in each gap of the schedule; evidence within it is remembered
// until it is over. More rounds follow, a second later and (IPv4) five: a loser answers for the address for
// some milliseconds after it was contradicted, caches are slow, and ours must be the last word on the
// segment.
//
// A *defence* is one announcement of one address that a stranger claims: at once, then at most one in each
// kDefendInterval, however fast the stranger goes on. What comes within it is answered at its end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "announce/schedule.hpp"
#include "announce/token_bucket.hpp"
#include "base/ip_address.hpp"
#include "base/time.hpp"

namespace vipra::announce {

using RouterIndex = std::uint32_t;  // chosen by the caller; stable while the router exists

inline constexpr int kBurst = 300;
inline constexpr int kPerSecond = 500;

// Sends one announcement. Must not call back into the Announcer.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void announce(RouterIndex router, std::uint32_t address_index) = 0;
};

class Announcer {
 public:
  explicit Announcer(TokenBucket bucket = TokenBucket{kBurst, kPerSecond});

  // A router that is not announced yet. Adding one that is there already is a broken promise.
  void add(RouterIndex router, const Schedule& schedule, std::uint32_t address_count);
  // Other figures for a router (unknown: nothing happens). What is announced already counts as it was; what
  // is to come follows the new ones.
  void configure(RouterIndex router, const Schedule& schedule);
  void remove(RouterIndex router);  // unknown: nothing happens
  // The router's addresses changed: indices below `address_count` are taken as the same addresses as before.
  // If it is announcing, its schedule starts again with the new addresses first.
  void resize(RouterIndex router, std::uint32_t address_count, TimePoint now);

  // Promotion or adoption: the schedule starts (again) with a first round that is due now.
  void start(RouterIndex router, TimePoint now);
  // A losing advertisement or a foreign claim was heard; nothing happens unless the router is announcing.
  void evidence(RouterIndex router, TimePoint now);
  // A stranger claimed this address; nothing happens unless the router is announcing.
  void defend(RouterIndex router, std::uint32_t address_index, TimePoint now);
  // Nothing of this router is announced from here on.
  void stop(RouterIndex router);
  [[nodiscard]] bool announcing(RouterIndex router) const;

  // When step() has something to do next; nullopt when it never has. May be early after a stop(), never late.
  [[nodiscard]] std::optional<TimePoint> deadline() const noexcept;
  // Announces what is due, as far as the bucket allows, at most `most`; the rest comes by deadline().
  void step(TimePoint now, Sink& sink, std::size_t most = std::numeric_limits<std::size_t>::max());

 private:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = ~Slot{0};
  enum class Phase : std::uint8_t {
    kStopped,
    kIdle,
    kReady,
    kParked
  };  // kReady: in a queue; kParked: spacing
  enum class Class : std::uint8_t { kFirst, kLater };

  struct Router {
    RouterIndex id = 0;
    Schedule schedule;
    Phase phase = Phase::kStopped;
    Class round_class = Class::kFirst;
    bool first_pending = false;
    std::size_t repeats_done = 0;
    TimePoint started{};
    TimePoint round_at{};            // when the last round began,
    TimePoint scheduled_round_at{};  // and the last of the schedule
    TimePoint scheduled_at{};
    TimePoint evidence_at{};        // TimePoint::max(): none
    TimePoint evidence_round_at{};  // when the last round for evidence began,
    TimePoint answered_at{};        // and the last that was no follow-up
    bool evidence_is_new = false;
    std::size_t follow_ups_done = 0;
    TimePoint resume_at{};  // kParked
    // Announcements go round the addresses in a ring that outlives a stop, so the next one is the longest
    // ago.
    std::uint32_t cursor = 0;
    std::uint32_t left = 0;  // addresses to go in this round
    std::vector<TimePoint> sent_at;
    std::vector<TimePoint> defended_at;       // by address
    std::vector<TimePoint> defend_at;         // by address; TimePoint::max(): nobody claims it
    TimePoint defence_at = TimePoint::max();  // the earliest of them
    Slot before = kNone, after = kNone;       // neighbours in the queue
  };
  struct Queue {
    Slot head = kNone, tail = kNone;
  };

  [[nodiscard]] Router* find(RouterIndex router);
  [[nodiscard]] static TimePoint next_address_at(const Router& router) noexcept;
  [[nodiscard]] static TimePoint due_at(const Router& router) noexcept;
  [[nodiscard]] Queue& queue_of(const Router& router) noexcept;
  void append(Slot slot) noexcept;
  void unlink(Slot slot) noexcept;
  void begin_round(Router& router, TimePoint now) noexcept;
  void schedule_next(Router& router) noexcept;
  [[nodiscard]] static TimePoint defence_of(const Router& router, std::uint32_t address) noexcept;
  static void find_defence(Router& router) noexcept;
  [[nodiscard]] bool serve_defences(TimePoint now, Sink& sink, std::size_t& most);
  void halt(Slot slot) noexcept;
  void collect_due(TimePoint now) noexcept;
  // Nothing when the bucket is empty; else whether one was announced (it may have been too early for it).
  [[nodiscard]] std::optional<bool> announce_next(Queue& queue, TimePoint now, Sink& sink);
  void find_wake(TimePoint now) noexcept;

  TokenBucket bucket_;
  std::vector<Router> routers_;
  std::vector<Slot> free_;
  std::unordered_map<RouterIndex, Slot> slots_;
  std::array<Queue, 2> queues_;
  TimePoint wake_ = TimePoint::max();
};

}  // namespace vipra::announce
