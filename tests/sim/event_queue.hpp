// What is to happen next. Events of one moment happen in the order in which they were scheduled, so that a
// history depends on nothing but the seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "tests/sim/clock.hpp"

namespace vipra::sim {

enum class EventKind : std::uint8_t {
  kDelivery,     // a: packet, b: node
  kWake,         // a: node
  kKernel,       // a: node, b: its command's number
  kHost,         // a: node, b: what its supervisor does, or kPowersOn
  kFaultBegins,  // a: position in the plan
  kFaultEnds,    // a: position in the plan
  kFaultAct,     // a: position in the plan, b: step
  kLook,         // the observers look at the whole
};

inline constexpr std::uint32_t kPowersOn = ~std::uint32_t{0};

struct Event {
  WorldTime at{};
  std::uint64_t sequence = 0;
  EventKind kind{};
  std::uint32_t a = 0;
  std::uint32_t b = 0;
};

class EventQueue {
 public:
  void push(WorldTime at, EventKind kind, std::uint32_t a = 0, std::uint32_t b = 0) {
    heap_.push_back({at, next_sequence_++, kind, a, b});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  [[nodiscard]] std::optional<Event> pop() {
    if (heap_.empty()) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const auto event = heap_.back();
    heap_.pop_back();
    return event;
  }

 private:
  static bool later(const Event& a, const Event& b) {
    return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
  }
  std::vector<Event> heap_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace vipra::sim
