// The next deadline of each router: a binary heap with positions, so that a change costs log n and nothing is
// ever allocated once the routers are known.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.hpp"
#include "base/time.hpp"

namespace vipra::agent {

class DeadlineQueue {
 public:
  using Key = std::uint32_t;

  // Makes room for keys below `count`.
  void reserve(std::size_t count) {
    if (position_.size() < count) position_.resize(count, kNowhere);
    heap_.reserve(count);
  }
  void set(Key key, std::optional<TimePoint> at) {
    VIPRA_CHECK(key < position_.size());
    auto where = position_[key];
    if (!at) {
      if (where != kNowhere) remove_at(where);
      return;
    }
    if (where == kNowhere) {
      where = static_cast<std::uint32_t>(heap_.size());
      heap_.push_back({*at, key});
      position_[key] = where;
    } else {
      if (heap_[where].at == *at) return;
      heap_[where].at = *at;
    }
    settle(where);
  }
  [[nodiscard]] std::optional<TimePoint> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().at;
  }
  // The key whose deadline is the earliest, if it is due.
  [[nodiscard]] std::optional<Key> due(TimePoint now) const {
    if (heap_.empty() || heap_.front().at > now) return std::nullopt;
    return heap_.front().key;
  }

 private:
  struct Item {
    TimePoint at;
    Key key;
  };
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  void place(std::uint32_t where, Item item) {
    heap_[where] = item;
    position_[item.key] = where;
  }
  void settle(std::uint32_t where) {
    const auto item = heap_[where];
    while (where > 0 && item.at < heap_[(where - 1) / 2].at) {
      place(where, heap_[(where - 1) / 2]);
      where = (where - 1) / 2;
    }
    for (;;) {
      auto child = 2 * where + 1;
      if (child >= heap_.size()) break;
      if (child + 1 < heap_.size() && heap_[child + 1].at < heap_[child].at) ++child;
      if (heap_[child].at >= item.at) break;
      place(where, heap_[child]);
      where = child;
    }
    place(where, item);
  }
  void remove_at(std::uint32_t where) {
    position_[heap_[where].key] = kNowhere;
    const auto last = heap_.back();
    heap_.pop_back();
    if (where == heap_.size()) return;
    place(where, last);
    settle(where);
  }

  std::vector<Item> heap_;
  std::vector<std::uint32_t> position_;
};

}  // namespace vipra::agent
