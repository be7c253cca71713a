#include "kube/lease.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <random>
#include <utility>

#include "base/check.hpp"
#include "runtime/clock.hpp"

namespace vipra::kube {
namespace {

using namespace std::chrono_literals;
using Outcome = LeaseMachine::Outcome;
using What = LeaseMachine::Action::What;

// The timer's clock stands still while the machine is suspended; the Lease's does not.
constexpr Duration kLookAtLeast = 5s;
constexpr std::size_t kMaxLease = 256u << 10;

std::string unique(const std::string& identity, std::mt19937_64& random) {
  constexpr std::string_view kHex = "0123456789abcdef";
  auto out = identity.substr(0, 200) + "_";
  for (int i = 0; i < 16; ++i) out += kHex[random() % kHex.size()];
  return out;
}

Outcome outcome_of(const Answer& answer) {
  if (answer.ok()) return Outcome::kDone;
  if (answer.status == 409) return Outcome::kConflict;
  if (answer.status == 404) return Outcome::kMissing;
  return answer.surely_not_done() ? Outcome::kRefused : Outcome::kUnknown;
}

}  // namespace

LeaseClock system_lease_clock() {
  return {[] { return runtime::now().boot; }, [] { return runtime::unix_now_ns(); }};
}

class LeaseElection::Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(boost::asio::io_context& loop, Client& client, LeaseOptions options, const log::Logger& log,
       LeaseClock clock)
      : client_{client},
        log_{log},
        options_{std::move(options)},
        clock_{std::move(clock)},
        resource_{"coordination.k8s.io", "v1", "leases", options_.name_space},
        identity_{unique(options_.identity, random_)},
        machine_{identity_, options_.times},
        timer_{loop},
        stop_timer_{loop} {
    VIPRA_CHECK(is_sane(options_.times));
  }

  void start(Handlers handlers) {
    handlers_ = std::move(handlers);
    running_ = true;
    step();
  }

  void stop(std::function<void()> done) {
    if (!running_) {
      if (done) done();
      return;
    }
    on_stopped_ = std::move(done);
    machine_.release();
    stop_timer_.expires_after(2 * options_.times.request_limit);
    stop_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->end();
    });
    step();
  }

  void abandon() {
    running_ = false;
    handlers_ = {};
    on_stopped_ = nullptr;
    if (call_ != 0) client_.cancel(std::exchange(call_, 0));
    timer_.cancel();
    stop_timer_.cancel();
  }

  [[nodiscard]] bool leading() const { return machine_.leading(clock_.boot()); }
  [[nodiscard]] bool may_write(Duration limit) const { return machine_.may_write(clock_.boot(), limit); }
  [[nodiscard]] const std::string& identity() const noexcept { return identity_; }
  [[nodiscard]] const std::string& holder() const noexcept { return machine_.holder(); }

 private:
  void step() {
    const auto keep = shared_from_this();
    tell();
    if (!running_) return;
    const auto action =
        machine_.next(clock_.boot(), clock_.unix_ns(), std::uniform_real_distribution<double>{0, 1}(random_));
    perform(action);
    if (machine_.released()) return end();
    const auto wait = machine_.deadline() - clock_.boot();
    timer_.expires_after(std::clamp<Duration>(wait, Duration::zero(), kLookAtLeast));
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && self->running_) self->step();
    });
  }

  void tell() {
    const bool now = leading();
    if (now == told_) return;
    told_ = now;
    log_.info(now ? "lease.acquired" : "lease.lost",
              {{"lease", options_.name_space + "/" + options_.name}, {"holder", machine_.holder()}});
    if (const auto callback = now ? handlers_.on_leading : handlers_.on_lost) callback();
  }

  void perform(const LeaseMachine::Action& action) {
    CallOptions limits;
    limits.deadline = options_.times.request_limit;
    limits.max_body = kMaxLease;
    const auto wrote = [self = shared_from_this()](const Answer& answer) { self->wrote(answer); };
    switch (action.what) {
      case What::kNone:
        return;
      case What::kRead:
        call_ = client_.get(
            object_path(resource_, options_.name),
            [self = shared_from_this()](const Answer& answer) { self->read(answer); }, limits);
        return;
      case What::kCreate:
        call_ = client_.create(resource_, lease_body(action.record, options_.name_space, options_.name),
                               wrote, limits);
        return;
      case What::kReplace:
        call_ = client_.replace(resource_, options_.name,
                                lease_body(action.record, options_.name_space, options_.name), wrote, limits);
        return;
    }
  }

  void read(const Answer& answer) {
    call_ = 0;
    auto record =
        answer.ok() ? parse_lease(answer.body) : tl::unexpected{Error{Errc::kIo, 0, answer.message}};
    trouble(record || answer.status == 404 ? std::string{} : record.error().what);
    if (record) {
      machine_.read(std::move(*record), clock_.boot());
    } else if (answer.status == 404) {
      machine_.read(std::nullopt, clock_.boot());
    } else {
      machine_.read_failed(clock_.boot());
    }
    step();
  }

  void wrote(const Answer& answer) {
    call_ = 0;
    if (!answer.ok() && answer.status != 409) trouble(answer.message);
    std::optional<LeaseRecord> record;
    if (answer.ok()) {
      trouble({});
      if (auto parsed = parse_lease(answer.body)) record = std::move(*parsed);
    }
    machine_.wrote(outcome_of(answer), std::move(record), clock_.boot());
    step();
  }

  // Each trouble once.
  void trouble(const std::string& what) {
    if (what == trouble_) return;
    trouble_ = what;
    if (what.empty()) return;
    log_.warning("lease.trouble", {{"lease", options_.name_space + "/" + options_.name}, {"detail", what}});
  }

  void end() {
    if (!running_) return;
    const auto done = std::move(on_stopped_);
    abandon();
    if (done) done();
  }

  Client& client_;
  const log::Logger& log_;
  const LeaseOptions options_;
  const LeaseClock clock_;
  const Resource resource_;
  std::mt19937_64 random_{std::random_device{}()};
  const std::string identity_;
  LeaseMachine machine_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer stop_timer_;
  Handlers handlers_;
  std::function<void()> on_stopped_;
  std::string trouble_;
  CallId call_ = 0;
  bool running_ = false;
  bool told_ = false;
};

LeaseElection::LeaseElection(boost::asio::io_context& loop, Client& client, LeaseOptions options,
                             const log::Logger& log, LeaseClock clock)
    : loop_{std::make_shared<Loop>(loop, client, std::move(options), log, std::move(clock))} {}
LeaseElection::~LeaseElection() {
  loop_->abandon();
}
void LeaseElection::start(Handlers handlers) {
  loop_->start(std::move(handlers));
}
void LeaseElection::stop(std::function<void()> done) {
  loop_->stop(std::move(done));
}
bool LeaseElection::leading() const {
  return loop_->leading();
}
bool LeaseElection::may_write(Duration limit) const {
  return loop_->may_write(limit);
}
const std::string& LeaseElection::identity() const noexcept {
  return loop_->identity();
}
std::string LeaseElection::holder() const {
  return loop_->holder();
}

}  // namespace vipra::kube
