// Which advertisements of one family on one interface need nobody's attention: those in which a master says
// what it said last, heard by a backup. They change nothing but when that backup's patience ends, and that
// counts from when each reached its socket. So once nothing new was heard for a while, the kernel holds them
// back (net/repeat_filter.hpp), and they are read together: at every wake-up, before anything is judged, and
// after three intervals at the latest. Whatever is news (another priority, sender or interval, a
// resignation) wakes at once, and ends the holding back.
//
// Decides, and does nothing itself. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "net/repeat_filter.hpp"

namespace vipra::agent {

class RepeatPlan {
 public:
  static constexpr Duration kSettled = std::chrono::seconds{1};
  // After somebody repeated a master's words far more often than he says them: what is held back fills the
  // socket, and others' words are lost.
  static constexpr Duration kSettledAfterFlood = std::chrono::minutes{1};
  static constexpr std::size_t kFewPackets = 64;
  static constexpr int kIntervals = 3;
  // A part of what the kernel's stamps are trusted for, and of what the socket's buffer holds.
  static constexpr Duration kLongest = std::chrono::seconds{5};
  static constexpr Duration kShortest = std::chrono::milliseconds{10};

  // A backup took this from its master.
  void heard(std::uint8_t vrid, const net::RepeatedAdvertisement& said, TimePoint now) {
    if (said_[vrid] == said) return;
    said_[vrid] = said;
    changed_at_ = now;
  }
  // The router of this VRID is no backup, or something else was said.
  void forget(std::uint8_t vrid, TimePoint now) {
    if (!said_[vrid]) return;
    said_[vrid].reset();
    changed_at_ = now;
  }
  // What could not be held back before may be now.
  void try_again(TimePoint now) noexcept { changed_at_ = now; }

  enum class Step : std::uint8_t { kNothing, kHold, kRelease, kRead };
  [[nodiscard]] Step step(TimePoint now) const {
    if (holding_ && changed_at_) return Step::kRelease;
    const auto at = deadline();
    if (!at || *at > now) return Step::kNothing;
    return holding_ ? Step::kRead : Step::kHold;
  }
  [[nodiscard]] std::optional<TimePoint> deadline() const {
    if (holding_) return changed_at_ ? *changed_at_ : read_at_ + patience_;
    if (!changed_at_ || refused_) return std::nullopt;
    return std::max(*changed_at_ + kSettled, quiet_from_);
  }

  // What to hold back; empty where there is no backup.
  [[nodiscard]] std::vector<net::RepeatedAdvertisement> list() const {
    std::vector<net::RepeatedAdvertisement> out;
    for (const auto& one : said_) {
      if (one) out.push_back(*one);
    }
    return out;
  }
  void on_held(const std::vector<net::RepeatedAdvertisement>& list, TimePoint now) {
    changed_at_.reset();
    holding_ = !list.empty();
    read_at_ = now;
    patience_ = kLongest;
    for (const auto& one : list) patience_ = std::min(patience_, kIntervals * one.interval());
    patience_ = std::max(patience_, kShortest);
    held_ = list.size();
  }
  // `again` false: the kernel refuses, and would again.
  void on_released(TimePoint now, bool again) {
    holding_ = false;
    refused_ = !again;
    changed_at_ = now;
  }
  // So many were read, and none is left. True: more than these masters can have said; they are released.
  bool on_read(TimePoint now, std::size_t packets) noexcept {
    // Who is late for it finds more.
    const auto waited = std::max(now - read_at_, patience_);
    const auto expected = held_ * kIntervals * static_cast<std::size_t>(1 + waited / patience_);
    read_at_ = now;
    if (packets <= kFewPackets + 2 * expected) return false;
    quiet_from_ = now + kSettledAfterFlood;
    changed_at_ = now;
    return true;
  }
  [[nodiscard]] bool holding() const noexcept { return holding_; }

 private:
  std::array<std::optional<net::RepeatedAdvertisement>, 256> said_;
  std::optional<TimePoint> changed_at_;  // since it was last settled
  TimePoint read_at_{};
  Duration patience_ = kLongest;
  std::size_t held_ = 0;
  TimePoint quiet_from_{};
  bool holding_ = false;
  bool refused_ = false;
};

}  // namespace vipra::agent
