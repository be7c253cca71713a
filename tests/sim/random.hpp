// Chance with a seed. The generator and every distribution are written out here, because those of the
// standard library may differ from one version to the next, and a seed must mean the same history everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "base/time.hpp"

namespace vipra::sim {

// xoshiro256**, seeded by splitmix64.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15U;
      auto mixed = seed;
      mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
      word = mixed ^ (mixed >> 31);
    }
  }
  constexpr std::uint64_t next() {
    const auto result = rotate(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  // In [0, bound); bound is at least 1.
  constexpr std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  constexpr int between(int low, int high) {
    return low + static_cast<int>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  constexpr Duration between(Duration low, Duration high) {
    return high <= low ? low
                       : low + Duration{static_cast<Duration::rep>(
                                   below(static_cast<std::uint64_t>((high - low).count()) + 1))};
  }
  constexpr bool chance(int percent) { return below(100) < static_cast<std::uint64_t>(percent); }
  constexpr bool chance_per_million(std::uint32_t ppm) { return below(1'000'000) < ppm; }
  // The position of the part of `weights` that chance falls into.
  constexpr std::size_t weighted(std::initializer_list<int> weights) {
    int total = 0;
    for (const int weight : weights) total += weight;
    auto left = static_cast<int>(below(static_cast<std::uint64_t>(total)));
    std::size_t at = 0;
    for (const int weight : weights) {
      if (left < weight) return at;
      left -= weight;
      ++at;
    }
    return at - 1;
  }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t value, int by) {
    return value << by | value >> (64 - by);
  }
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace vipra::sim
