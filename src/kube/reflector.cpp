#include "kube/reflector.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <random>
#include <tuple>
#include <utility>

#include "runtime/clock.hpp"

namespace vipra::kube {
namespace {

Failure failure_of(const Answer& answer) {
  auto kind = Failure::Kind::kConnection;
  if (answer.error == ErrorKind::kStatus) kind = Failure::Kind::kStatus;
  if (answer.error == ErrorKind::kTooLarge) kind = Failure::Kind::kTooLarge;
  return {kind, answer.status, answer.retry_after, answer.server + ": " + answer.message};
}

}  // namespace

ReflectorOptions only_object(Resource resource, std::string_view name) {
  ReflectorOptions out;
  out.resource = std::move(resource);
  out.field_selector = "metadata.name=" + std::string{name};
  return out;
}

// Kept alive by its timer's handler; stop() cancels everything and forgets the callbacks.
class Reflector::Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(boost::asio::io_context& loop, Client& client, ReflectorOptions options)
      : client_{client}, options_{std::move(options)}, reflection_{options_.reflection}, timer_{loop} {}

  void start(OnDelta on_delta, OnHealth on_health) {
    on_delta_ = std::move(on_delta);
    on_health_ = std::move(on_health);
    running_ = true;
    act(reflection_.start(chance()));
  }
  void stop() {
    running_ = false;
    on_delta_ = nullptr;
    on_health_ = nullptr;
    drop_call();
    timer_.cancel();
  }
  [[nodiscard]] const Reflection& reflection() const noexcept { return reflection_; }

 private:
  double chance() { return std::uniform_real_distribution<double>{0, 1}(random_); }

  template <class Task>
  void after(Duration delay, Task task) {
    timer_.expires_after(delay);
    timer_.async_wait([self = shared_from_this(), number = ++armed_,
                       task = std::move(task)](const boost::system::error_code& error) {
      // A handler may wait for its turn already when the timer is armed anew.
      if (!error && self->running_ && number == self->armed_) task();
    });
  }
  void disarm() {
    ++armed_;
    timer_.cancel();
  }
  void drop_call() {
    if (call_ != 0) client_.cancel(std::exchange(call_, 0));
  }

  void act(const Next& next) {
    drop_call();
    disarm();
    if (!running_) return;
    if (next.after <= Duration::zero()) return perform(next);
    after(next.after, [this, next] { perform(next); });
  }

  void perform(const Next& next) {
    if (next.what == Next::What::kListPage) return list(next);
    watch(next);
  }

  void list(const Next& next) {
    ListOptions how;
    how.limit = next.limit;
    how.continue_token = next.continue_token;
    how.label_selector = options_.label_selector;
    how.field_selector = options_.field_selector;
    call_ = client_.list(options_.resource, how, [this, self = shared_from_this()](const Answer& answer) {
      call_ = 0;
      listed(answer);
    });
  }

  void listed(const Answer& answer) {
    if (!answer.ok()) return went_on(reflection_.list_failed(failure_of(answer), chance()), {});
    auto page = parse_page(answer.body, options_.reduce);
    if (!page) {
      const Failure failure{Failure::Kind::kGarbage, 0, {}, answer.server + ": " + page.error().what};
      return went_on(reflection_.list_failed(failure, chance()), {});
    }
    Delta delta;
    const auto next = reflection_.listed(std::move(*page), chance(), delta);
    went_on(next, delta);
  }

  void watch(const Next& next) {
    WatchOptions how;
    how.resource_version = next.resource_version;
    how.initial_events = next.initial_events;
    how.label_selector = options_.label_selector;
    how.field_selector = options_.field_selector;
    how.timeout = next.timeout;
    auto self = shared_from_this();
    call_ = client_.watch(options_.resource, how,
                          {[self] { self->opened(); }, [self](std::string_view line) { self->take(line); },
                           [self](const Answer& answer) { self->ended(answer); }});
  }

  void opened() {
    reflection_.watch_opened(now());
    watch_over_initial_events();
    report({});
  }

  void watch_over_initial_events() {
    if (!reflection_.reading_initial_events()) return disarm();
    after(options_.initial_limit, [this] {
      const Failure silence{Failure::Kind::kConnection, 0, {}, "initial events without an end"};
      went_on(reflection_.watch_ended(silence, now(), chance()), {});
    });
  }

  void take(std::string_view line) {
    auto event = parse_watch_line(line, options_.reduce);
    if (!event) {
      const Failure garbage{Failure::Kind::kGarbage, 0, {}, client_.server() + ": " + event.error().what};
      return went_on(reflection_.watch_ended(garbage, now(), chance()), {});
    }
    Delta delta;
    const bool initial = reflection_.reading_initial_events();
    const auto next = reflection_.event(std::move(*event), chance(), delta);
    if (next) return went_on(*next, delta);
    if (initial) watch_over_initial_events();
    report(delta);
  }

  void ended(const Answer& answer) {
    call_ = 0;
    auto failure = answer.ok() ? std::nullopt : std::optional{failure_of(answer)};
    went_on(reflection_.watch_ended(failure, now(), chance()), {});
  }

  void went_on(const Next& next, const Delta& delta) {
    act(next);
    report(delta);
  }

  // The callbacks may call stop(), which forgets them.
  void report(const Delta& delta) {
    const auto keep = shared_from_this();
    const auto& state = reflection_.state();
    const auto shown = std::tuple{state.readable, state.reason, state.message};
    const bool known = state.readable || state.reason != Reason::kNone;
    if (known && shown_ != shown) {
      shown_ = shown;
      if (const auto on_health = on_health_) on_health({state.readable, state.reason, state.message});
    }
    if (delta.empty()) return;
    if (const auto on_delta = on_delta_) on_delta(delta);
  }

  static TimePoint now() { return runtime::now().mono; }

  Client& client_;
  const ReflectorOptions options_;
  Reflection reflection_;
  boost::asio::steady_timer timer_;
  std::mt19937_64 random_{std::random_device{}()};
  OnDelta on_delta_;
  OnHealth on_health_;
  bool running_ = false;
  std::uint64_t armed_ = 0;
  CallId call_ = 0;
  std::optional<std::tuple<bool, Reason, std::string>> shown_;
};

Reflector::Reflector(boost::asio::io_context& loop, Client& client, ReflectorOptions options)
    : loop_{std::make_shared<Loop>(loop, client, std::move(options))} {}
Reflector::~Reflector() {
  loop_->stop();
}
void Reflector::start(OnDelta on_delta, OnHealth on_health) {
  loop_->start(std::move(on_delta), std::move(on_health));
}
void Reflector::stop() {
  loop_->stop();
}
const std::map<std::string, ObjectPtr, std::less<>>& Reflector::objects() const noexcept {
  return loop_->reflection().objects();
}
bool Reflector::synced() const noexcept {
  return loop_->reflection().state().synced;
}
std::uint64_t Reflector::relists() const noexcept {
  return loop_->reflection().relists();
}

}  // namespace vipra::kube
