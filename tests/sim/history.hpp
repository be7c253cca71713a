// What happened, in two shapes: a hash of every action (I13: the same seed, the same hash), and lines for
// people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/clock.hpp"

namespace vipra::sim {

class History {
 public:
  explicit History(bool keeps_lines) : keeps_lines_{keeps_lines} {}

  template <class... Words>
  void hash(WorldTime at, Words... words) {
    mix(static_cast<std::uint64_t>(at.time_since_epoch().count()));
    (mix(static_cast<std::uint64_t>(words)), ...);
  }
  [[nodiscard]] std::uint64_t digest() const noexcept { return hash_; }

  [[nodiscard]] bool keeps_lines() const noexcept { return keeps_lines_; }
  // Lines of one `routine` (the advertisements of a master, say) in a row are printed as one.
  void line(WorldTime at, std::string text, bool routine = false) {
    if (!keeps_lines_) return;
    for (auto last = lines_.rbegin(); routine && last != lines_.rend() && last->routine; ++last) {
      if (last->text != text) continue;
      ++last->times;
      last->until = at;
      return;
    }
    lines_.push_back({at, at, std::move(text), routine, 1});
  }
  // The last `most` lines.
  [[nodiscard]] std::string text(std::size_t most) const;

 private:
  struct Line {
    WorldTime at;
    WorldTime until;
    std::string text;
    bool routine;
    int times;
  };
  // FNV-1a, eight bytes at once: it need not be more than sensitive.
  void mix(std::uint64_t word) noexcept {
    hash_ = (hash_ ^ word) * 0x100000001b3U;
    hash_ ^= hash_ >> 29;
  }
  bool keeps_lines_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
  std::vector<Line> lines_;
};

}  // namespace vipra::sim
