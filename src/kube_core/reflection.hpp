// The pure half of a reflector: what is known of a resource, and what to ask the API server next, given what
// it answered. Time and chance are arguments.
//
// What it promises:
// - An object goes away only by a DELETED event, or by a complete and valid list (or initial events up to
// their
//   end) that no longer has it. Errors of any kind, garbage, an absent resource, silence take nothing away.
// - A relist yields only what differs from what was known.
// - Failures are followed by a wait with jitter: up to 2 s where no connection came about or it broke, up to
//   30 s where the server refused (401, 403, 404, 429, other 4xx) or sent nonsense, 5 s for 5xx; Retry-After
//   is a lower bound, up to one minute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/backoff.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"
#include "kube_core/watch_line.hpp"

namespace vipra::kube {

// Why a request or a watch came to nothing.
struct Failure {
  enum class Kind {
    kConnection,  // refused, unreachable, TLS, broken in the middle, timed out
    kStatus,      // an HTTP status that is not 2xx
    kTooLarge,    // an answer, or a line, beyond its limit
    kGarbage,     // an answer that makes no sense
  };
  Kind kind = Kind::kConnection;
  int status = 0;
  std::optional<Duration> retry_after;
  std::string message;
};

struct Delta {
  // Engaged once, when the resource has been read for the first time: everything, sorted by key.
  std::optional<std::vector<ObjectPtr>> first;
  std::vector<ObjectPtr> upserted;
  std::vector<std::string> removed;  // keys
  [[nodiscard]] bool empty() const { return !first && upserted.empty() && removed.empty(); }
};

struct Next {
  enum class What { kListPage, kWatch };
  What what = What::kListPage;
  Duration after{};              // wait that long first
  int limit = 0;                 // kListPage
  std::string continue_token;    // kListPage
  std::string resource_version;  // kWatch
  bool initial_events = false;   // kWatch: sendInitialEvents
  Duration timeout{};            // kWatch: timeoutSeconds
};

struct ReflectionOptions {
  int page_limit = 500;
  bool initial_events = true;  // until the server refuses them
  Duration watch_timeout_min = std::chrono::minutes{5};
  Duration watch_timeout_max = std::chrono::minutes{10};
  Duration short_watch = std::chrono::seconds{1};  // one that ends sooner, with nothing said, is no success
  std::size_t max_objects = 20'000;                // more: kTooLarge, and nothing changes
};

class Reflection {
 public:
  struct State {
    bool synced = false;    // the resource has been read at least once
    bool readable = false;  // and the last word of the server was a good one
    Reason reason = Reason::kNone;
    std::string message;
  };

  explicit Reflection(ReflectionOptions options = {});

  [[nodiscard]] Next start(double random);
  // After Next::kListPage.
  [[nodiscard]] Next listed(Page page, double random, Delta& delta);
  [[nodiscard]] Next list_failed(const Failure& failure, double random);
  // After Next::kWatch: the server has answered 200.
  void watch_opened(TimePoint now);
  // nullopt: go on reading; else close the watch and do that.
  [[nodiscard]] std::optional<Next> event(WatchEvent event, double random, Delta& delta);
  // nullopt: it ended as it should, at its timeoutSeconds.
  [[nodiscard]] Next watch_ended(const std::optional<Failure>& failure, TimePoint now, double random);

  [[nodiscard]] const State& state() const noexcept { return state_; }
  // The watch under way still sends what was there before it.
  [[nodiscard]] bool reading_initial_events() const noexcept { return initial_; }
  [[nodiscard]] const std::map<std::string, ObjectPtr, std::less<>>& objects() const noexcept {
    return known_;
  }
  // Complete readings begun, by list or initial events; the first one counts.
  [[nodiscard]] std::uint64_t relists() const noexcept { return relists_; }

 private:
  [[nodiscard]] Next read_all(Duration after, double random);
  [[nodiscard]] Next list(Duration after);
  [[nodiscard]] Next watch(Duration after, double random);
  [[nodiscard]] Next watch_refused(const Failure& failure, double random);
  [[nodiscard]] std::optional<Next> stream_error(const WatchEvent& event, double random);
  [[nodiscard]] Next give_up_on_size(double random);
  [[nodiscard]] Next unreadable(const Failure& failure, double random);
  [[nodiscard]] Duration wait_after(const Failure& failure, double random);
  void settle();
  void good();
  void bad(const Failure& failure);
  void take(ObjectPtr object, Delta& delta);
  void keep_only_seen(Delta& delta);
  void complete(Delta& delta);

  ReflectionOptions options_;
  State state_;
  std::map<std::string, ObjectPtr, std::less<>> known_;
  std::set<std::string, std::less<>> seen_;  // by the list, or the initial events, that are under way
  bool initial_ = false;                     // this watch began with initial events, whose end has not come
  bool initial_events_work_;
  int initial_failures_ = 0;
  int limit_;
  std::string resource_version_;
  std::optional<TimePoint> opened_;
  bool heard_ = false;         // this watch has said something
  bool doubtful_ = false;      // the last watch sent nonsense: an open one alone is no good news
  int watch_failures_ = 0;     // in a row, without a word in between
  std::uint64_t relists_ = 0;  // complete readings begun, the first one too
  Backoff quick_;              // connections
  Backoff busy_;               // 5xx: a server that starts or stops
  Backoff slow_;               // refusals and nonsense
};

}  // namespace vipra::kube
