// Which status is written when: only what changed, coalesced, jittered, at a bounded rate for each object,
// each with one write under way. Pure: time and chance are arguments. It belongs to a leader: make a new one
// when the Lease was won. Not thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/backoff.hpp"
#include "base/time.hpp"
#include "operator/status.hpp"

namespace vipra::cluster {

struct ScheduleOptions {
  Duration coalesce = std::chrono::milliseconds{100};  // from the first change to its write
  Duration jitter = std::chrono::milliseconds{100};    // and up to so much more
  // For each object: so many writes at once, then one in each `refill`.
  double burst = 5;
  Duration refill = std::chrono::seconds{2};
  Duration first_retry = std::chrono::milliseconds{200};
  Duration last_retry = std::chrono::seconds{2};  // so that all is right soon after an outage
  std::size_t max_in_flight = 16;
  // How long the cache may lag behind a write of ours before it is believed again.
  Duration cache_lag = std::chrono::seconds{5};
};

struct Write {
  std::string name;
  std::string uid;
  std::string resource_version;
  Status status;
};

class WriteSchedule {
 public:
  explicit WriteSchedule(ScheduleOptions options = {}) : options_{options} {}

  // The object as the cache shows it. Call for every change of it, before wanted().
  void observed(const std::string& uid, const std::string& name, const std::string& resource_version,
                const Status& status, TimePoint now);
  void gone(const std::string& uid);

  // What the reducer decided. Nothing happens if that is what the object has. unit_random is in [0, 1).
  void wanted(const std::string& uid, const Status& status, TimePoint now, double unit_random);

  // The writes to begin now; each must be answered by one of the four below.
  [[nodiscard]] std::vector<Write> due(TimePoint now);
  void written(const std::string& uid, const std::string& resource_version, TimePoint now);
  // 409: somebody else changed the object. Tried again after a while, with what the cache shows then.
  void conflicted(const std::string& uid, TimePoint now, double unit_random);
  // `retry_after`: as the server asked (429), or longer where trying soon is of no use (403, 404); else zero.
  void failed(const std::string& uid, Duration retry_after, TimePoint now, double unit_random);

  // Not even tried, for a reason of our own: no token is spent, and no failure counted.
  void postponed(const std::string& uid, Duration wait, TimePoint now);

  [[nodiscard]] std::optional<TimePoint> deadline() const;
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

 private:
  struct Entry {
    std::string name;
    std::string resource_version;
    Status server;                 // what the object has, as far as is known
    std::optional<Status> wanted;  // differs from it
    std::optional<Status> writing;
    TimePoint not_before{};
    double tokens = 0;
    TimePoint refilled{};
    TimePoint trust_cache{};  // not before that, but for the echo of our own write
    std::string echo;         // resourceVersion of our last write, until the cache has shown it
    // What the cache showed last, believed or not: it does not show it twice.
    std::string seen_version;
    Status seen;
    std::optional<Backoff> backoff;
  };
  static void settle(Entry& entry);
  static void believe(Entry& entry);
  [[nodiscard]] Entry* finish(const std::string& uid);
  void try_again(Entry& entry, Duration at_least, TimePoint now, double unit_random);
  void refill(Entry& entry, TimePoint now) const;
  [[nodiscard]] TimePoint ready_at(const Entry& entry) const;

  ScheduleOptions options_;
  std::map<std::string, Entry> entries_;
  std::size_t in_flight_ = 0;
};

}  // namespace vipra::cluster
