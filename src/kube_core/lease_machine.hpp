// Who leads, by a Lease object of the API server: compare-and-swap by resourceVersion. Pure: time is an
// argument, and it is CLOCK_BOOTTIME, so that a suspended machine does not believe that it still leads.
//
// A leader's claim lasts `duration` from the *beginning* of its last successful write; others wait `duration`
// from when they *saw* the Lease change last. So nobody's clock is compared with another's, and two never
// lead at once as long as their clocks run at about the same speed. After a write whose outcome is unknown
// (time-out, cut) the Lease is read again before anything is concluded: a 409 may have been caused by our own
// first try.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace vipra::kube {

struct LeaseRecord {
  std::string holder;  // empty: released
  std::int64_t duration_seconds = 0;
  std::string acquire_time;  // MicroTime, for people
  std::string renew_time;    // MicroTime; ours are never twice the same, so that we know our own writes again
  std::int64_t transitions = 0;
  std::string resource_version;
  std::string metadata;  // JSON: labels, annotations and the like are written back as they were
};
// JSON to and fro. `name_space`, `name` of the object.
[[nodiscard]] Result<LeaseRecord> parse_lease(std::string_view body);
[[nodiscard]] std::string lease_body(const LeaseRecord& record, std::string_view name_space,
                                     std::string_view name);
[[nodiscard]] std::string micro_time(std::int64_t unix_ns);

struct LeaseTimes {
  Duration duration = std::chrono::seconds{15};
  Duration renew_every = std::chrono::seconds{3};
  Duration retry_every = std::chrono::seconds{2};
  // Of one request. Two of them (the transport may send a request twice) and `renew_every` must fit into
  // `duration`: checked by is_sane().
  Duration request_limit = std::chrono::seconds{3};
};
[[nodiscard]] bool is_sane(const LeaseTimes& times);

class LeaseMachine {
 public:
  struct Action {
    enum class What { kNone, kRead, kCreate, kReplace };
    What what = What::kNone;
    LeaseRecord record;  // to be written
  };
  // Of a write: 2xx, 409, 404 and any other refusal are for sure; time-outs, cuts and 5xx are not.
  enum class Outcome { kDone, kConflict, kMissing, kRefused, kUnknown };

  // `identity` must be of this very process (the pod's name and a random number), not only of the node.
  LeaseMachine(std::string identity, LeaseTimes times);

  // What to do now; kNone: ask again at deadline(), or after an outcome. Exactly one request is ever under
  // way.
  [[nodiscard]] Action next(BootTimePoint now, std::int64_t unix_ns, double random);
  [[nodiscard]] BootTimePoint deadline() const noexcept;

  // nullopt: there is no such Lease.
  void read(std::optional<LeaseRecord> record, BootTimePoint now);
  void read_failed(BootTimePoint now);
  // `written`: what the server answered to kDone.
  void wrote(Outcome outcome, std::optional<LeaseRecord> written, BootTimePoint now);

  // Gives the Lease up: from now on leading() is false; next() yields the one write that says so, if it was
  // ours.
  void release();
  [[nodiscard]] bool released() const noexcept;  // nothing more to do after release()

  [[nodiscard]] bool leading(BootTimePoint now) const noexcept;
  // How long the claim still lasts; zero if there is none.
  [[nodiscard]] Duration remaining(BootTimePoint now) const noexcept;
  // Whether a write that takes at most twice `limit` ends before the claim does.
  [[nodiscard]] bool may_write(BootTimePoint now, Duration limit) const noexcept {
    return remaining(now) > 2 * limit;
  }
  [[nodiscard]] const std::string& holder() const noexcept { return seen_.holder; }

 private:
  void observe(LeaseRecord record, BootTimePoint now);
  [[nodiscard]] Action write(Action::What what, BootTimePoint now, std::int64_t unix_ns);
  [[nodiscard]] Duration jittered(Duration wait) const;
  [[nodiscard]] bool takeable(BootTimePoint now) const noexcept;

  std::string identity_;
  LeaseTimes times_;
  LeaseRecord seen_;  // as the server had it last
  bool exists_ = false;
  bool known_ = false;       // seen_ and exists_ are worth something
  BootTimePoint seen_at_{};  // when it changed last
  std::optional<BootTimePoint> held_until_;
  std::map<std::string, BootTimePoint>
      attempts_;  // our writes that may have come through: renew_time -> begin
  BootTimePoint write_began_{};
  std::int64_t last_renew_us_ = 0;
  double random_ = 0;
  BootTimePoint due_{};
  bool busy_ = false;
  bool releasing_ = false;
  bool released_ = false;
};

}  // namespace vipra::kube
