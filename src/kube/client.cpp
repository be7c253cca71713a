#include "kube/client.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>

#include "base/check.hpp"
#include "kube/receivers.hpp"
#include "kube/token.hpp"
#include "kube/transport.hpp"
#include "runtime/clock.hpp"

namespace vipra::kube {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr Duration kMaxDeadline = 8s;
// cpprest's own limits. Ours end first: its time-out on a reused connection would send the request again.
constexpr Duration kRequestIdle = 10s;
constexpr Duration kWatchIdle = 90s;
constexpr Duration kWatchGrace = 30s;  // beyond timeoutSeconds
constexpr std::size_t kLinesAtOnce = 64;

constexpr const char* kJson = "application/json";
constexpr const char* kApply = "application/apply-patch+yaml";

TimePoint mono_now() {
  return runtime::now().mono;
}

bool is_server_fault(int status) {
  return status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kNone:
      return "none";
    case ErrorKind::kStatus:
      return "status";
    case ErrorKind::kUnreachable:
      return "unreachable";
    case ErrorKind::kTls:
      return "tls";
    case ErrorKind::kTimeout:
      return "timeout";
    case ErrorKind::kBroken:
      return "broken";
    case ErrorKind::kTooLarge:
      return "too large";
    case ErrorKind::kAccess:
      return "access";
  }
  return "unknown";
}

class Client::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(asio::io_context& loop, Access access)
      : loop_{loop},
        mailbox_{std::make_shared<Mailbox>(loop)},
        access_{std::make_shared<const Access>(std::move(access))},
        token_{access_->token} {
    requests_.resize(access_->servers.size());
    watches_.resize(access_->servers.size());
  }

  void close() {
    mailbox_->close();
    for (auto& [id, call] : calls_) {
      if (call.running) call.running->cancel();
    }
    calls_.clear();
    requests_.clear();
    watches_.clear();
  }

  CallId request(Exchange exchange, OnAnswer done, const CallOptions& options) {
    auto& call = add(std::move(exchange));
    call.done = std::move(done);
    call.max_body = options.max_body;
    arm(call, std::min(options.deadline, kMaxDeadline));
    begin(call);
    return call.id;
  }

  CallId watch(Exchange exchange, const WatchOptions& options, WatchHandlers handlers) {
    auto& call = add(std::move(exchange));
    call.watch = options;
    call.handlers = std::move(handlers);
    call.heard = call.began = mono_now();
    arm(call, options.open_limit);
    begin(call);
    return call.id;
  }

  void cancel(CallId id) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    if (found->second.running) found->second.running->cancel();
    calls_.erase(found);
  }

  [[nodiscard]] std::string server() const {
    return access_->servers.empty() ? std::string{} : to_string(access_->servers[good_]);
  }
  [[nodiscard]] const Access& access() const noexcept { return *access_; }

 private:
  struct Call {
    Call(CallId i, asio::io_context& loop, Exchange what)
        : id{i}, exchange{std::move(what)}, timer{loop}, work{loop.get_executor()} {}

    CallId id;
    Exchange exchange;
    OnAnswer done;
    std::size_t max_body = 0;
    std::optional<WatchOptions> watch;
    WatchHandlers handlers;
    std::shared_ptr<LineReceiver> lines;
    bool opened = false;
    TimePoint began{};
    TimePoint heard{};
    std::size_t server = 0;
    std::size_t tried = 0;
    std::shared_ptr<Running> running;
    asio::steady_timer timer;
    asio::executor_work_guard<asio::io_context::executor_type> work;
  };

  Call& add(Exchange exchange) {
    const auto id = ++last_id_;
    return calls_.try_emplace(id, id, loop_, std::move(exchange)).first->second;
  }

  // Runs `task` with the call on the loop, if there still is one.
  template <class Task>
  auto for_call(CallId id, Task task) {
    return [weak = weak_from_this(), id, task = std::move(task)](auto&&... arguments) {
      const auto self = weak.lock();
      if (!self) return;
      const auto found = self->calls_.find(id);
      if (found != self->calls_.end())
        task(*self, found->second, std::forward<decltype(arguments)>(arguments)...);
    };
  }
  template <class Task>
  auto posted(CallId id, Task task) {
    return [mailbox = mailbox_, handler = for_call(id, std::move(task))] { mailbox->post(handler); };
  }

  void arm(Call& call, Duration within) {
    call.timer.expires_after(within);
    call.timer.async_wait(
        for_call(call.id, [](Core& self, Call& due, const boost::system::error_code& error) {
          // A timer that was armed anew while this waited for its turn.
          if (error || due.timer.expiry() > std::chrono::steady_clock::now()) return;
          if (due.watch) return self.watchdog(due);
          self.leave(due.server);
          self.finish(due, failed(ErrorKind::kTimeout, "no answer in time"));
        }));
  }

  void watchdog(Call& call) {
    const auto now = mono_now();
    const auto idle_until = call.heard + (call.opened ? call.watch->idle_limit : call.watch->open_limit);
    const auto until = std::min(idle_until, call.began + call.watch->timeout + kWatchGrace);
    if (now < until) return arm(call, until - now);
    leave(call.server);
    finish(call, failed(ErrorKind::kTimeout, "the watch has gone silent"));
  }

  void begin(Call& call) {
    if (access_->servers.empty()) return refuse(call.id, "no API server is configured");
    auto token = token_.get(mono_now());
    if (!token) return refuse(call.id, token.error().what);
    call.exchange.token = std::move(*token);
    call.server = good_;
    send(call);
  }

  void refuse(CallId id, const std::string& why) {
    asio::post(loop_, for_call(id, [why](Core& self, Call& call) {
                 self.finish(call, failed(ErrorKind::kAccess, why));
               }));
  }

  void send(Call& call) {
    auto& transport = (call.watch ? watches_ : requests_)[call.server];
    if (!transport) {
      transport = std::make_unique<Transport>(access_, access_->servers[call.server],
                                              call.watch ? kWatchIdle : kRequestIdle);
    }
    ++call.tried;
    call.running = transport->send(call.exchange, call.watch ? line_receiver(call) : body_receiver(call));
  }

  std::shared_ptr<Receiver> body_receiver(Call& call) {
    auto too_large = posted(call.id, [](Core& self, Call& ended) {
      self.finish(ended, failed(ErrorKind::kTooLarge, "the answer is too large"));
    });
    auto on_end = [mailbox = mailbox_, weak = weak_from_this(), id = call.id](Outcome outcome) {
      mailbox->post([weak, id, outcome = std::move(outcome)]() mutable {
        const auto self = weak.lock();
        if (!self) return;
        const auto found = self->calls_.find(id);
        if (found != self->calls_.end()) self->conclude(found->second, std::move(outcome));
      });
    };
    return std::make_shared<BodyReceiver>(call.max_body, std::move(too_large), std::move(on_end));
  }

  std::shared_ptr<Receiver> line_receiver(Call& call) {
    auto wake = posted(call.id, [](Core& self, Call& woken) { self.take_lines(woken); });
    call.lines = std::make_shared<LineReceiver>(call.watch->max_line, call.watch->max_queue, std::move(wake));
    return call.lines;
  }

  void take_lines(Call& call) {
    const auto id = call.id;
    const auto receiver = call.lines;
    auto taken = receiver->take(kLinesAtOnce);
    call.heard = mono_now();
    if (taken.status == 200 && !std::exchange(call.opened, true)) {
      good_ = call.server;
      arm(call, call.watch->idle_limit);
      // Each callback may cancel the watch.
      if (const auto on_open = call.handlers.on_open) on_open();
    }
    if (!calls_.contains(id)) return;
    if (const auto on_line = call.handlers.on_line) {
      for (const auto& line : taken.lines) {
        on_line(line);
        if (!calls_.contains(id)) return;
      }
    }
    if (taken.too_large) return finish(call, failed(ErrorKind::kTooLarge, "a line is too long"));
    if (taken.drained) call.running->resume();
    if (taken.more) return mailbox_->post(for_call(id, [](Core& self, Call& c) { self.take_lines(c); }));
    if (taken.ended) conclude(call, std::move(*taken.ended));
  }

  // One try has ended: another server, or the answer.
  void conclude(Call& call, Outcome outcome) {
    const auto kind = outcome.end.error;
    if (kind != ErrorKind::kNone || is_server_fault(outcome.status)) leave(call.server);
    const bool not_sent = kind == ErrorKind::kUnreachable || kind == ErrorKind::kTls;
    if (not_sent && call.tried < access_->servers.size()) {
      call.server = (call.server + 1) % access_->servers.size();
      return send(call);
    }
    if (kind != ErrorKind::kNone) return finish(call, failed(kind, outcome.end.message));
    if (!is_server_fault(outcome.status)) good_ = call.server;
    Answer answer;
    answer.status = outcome.status;
    answer.retry_after = outcome.retry_after;
    answer.body = std::move(outcome.body);
    answer.server = to_string(access_->servers[call.server]);
    if (answer.status < 200 || answer.status > 299) {
      answer.error = ErrorKind::kStatus;
      const auto why = status_message(answer.body);
      answer.message = "HTTP " + std::to_string(answer.status) + (why.empty() ? "" : ": " + why);
    }
    if (answer.status == 401) {
      token_.distrust();
      forget_connections();  // a client certificate is shown when a connection is made
    }
    finish(call, std::move(answer));
  }

  static Answer failed(ErrorKind kind, std::string why) {
    Answer out;
    out.error = kind;
    out.message = std::move(why);
    return out;
  }

  void finish(Call& call, Answer answer) {
    if (answer.server.empty() && !access_->servers.empty())
      answer.server = to_string(access_->servers[call.server]);
    auto done = call.watch ? std::move(call.handlers.on_end) : std::move(call.done);
    if (call.running) call.running->cancel();
    calls_.erase(call.id);
    if (done) done(std::move(answer));
  }

  // Whoever comes next asks the next one, unless that has been decided already.
  void leave(std::size_t server) {
    if (good_ == server && !access_->servers.empty()) good_ = (server + 1) % access_->servers.size();
  }

  void forget_connections() {
    for (auto* transports : {&requests_, &watches_}) {
      for (auto& transport : *transports) transport.reset();
    }
  }

  asio::io_context& loop_;
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<const Access> access_;
  Token token_;
  std::size_t good_ = 0;  // index of the server that is asked first
  std::vector<std::unique_ptr<Transport>> requests_;
  std::vector<std::unique_ptr<Transport>> watches_;
  std::map<CallId, Call> calls_;
  CallId last_id_ = 0;
};

Client::Client(asio::io_context& loop, Access access) {
  (void)start_pool();  // a pool that somebody else has made serves too
  core_ = std::make_shared<Core>(loop, std::move(access));
}
Client::~Client() {
  core_->close();
}

CallId Client::get(std::string path, OnAnswer done, CallOptions options) {
  return core_->request({"GET", std::move(path), {}, {}, {}, {}}, std::move(done), options);
}

CallId Client::list(const Resource& resource, const ListOptions& list, OnAnswer done, CallOptions options) {
  Exchange exchange{"GET", collection_path(resource), {}, {}, {}, {}};
  auto& query = exchange.query;
  if (list.limit > 0) query.emplace_back("limit", std::to_string(list.limit));
  if (!list.continue_token.empty()) query.emplace_back("continue", list.continue_token);
  if (!list.label_selector.empty()) query.emplace_back("labelSelector", list.label_selector);
  if (!list.field_selector.empty()) query.emplace_back("fieldSelector", list.field_selector);
  return core_->request(std::move(exchange), std::move(done), options);
}

CallId Client::create(const Resource& resource, std::string json, OnAnswer done, CallOptions options) {
  return core_->request({"POST", collection_path(resource), {}, {}, std::move(json), kJson}, std::move(done),
                        options);
}

CallId Client::review(const Resource& resource, std::string json, OnAnswer done, CallOptions options) {
  return create(resource, std::move(json), std::move(done), options);
}

CallId Client::replace(const Resource& resource, std::string_view name, std::string json, OnAnswer done,
                       CallOptions options) {
  return core_->request({"PUT", object_path(resource, name), {}, {}, std::move(json), kJson}, std::move(done),
                        options);
}

CallId Client::apply(const Resource& resource, std::string_view name, const ApplyOptions& apply,
                     std::string json, OnAnswer done, CallOptions options) {
  Exchange exchange{"PATCH", object_path(resource, name, apply.subresource), {}, {}, std::move(json), kApply};
  exchange.query.emplace_back("fieldManager", apply.field_manager);
  exchange.query.emplace_back("force", apply.force ? "true" : "false");
  return core_->request(std::move(exchange), std::move(done), options);
}

CallId Client::remove(const Resource& resource, std::string_view name, OnAnswer done, CallOptions options) {
  return core_->request({"DELETE", object_path(resource, name), {}, {}, {}, {}}, std::move(done), options);
}

CallId Client::watch(const Resource& resource, const WatchOptions& watch, WatchHandlers handlers) {
  Exchange exchange{"GET", collection_path(resource), {}, {}, {}, {}};
  auto& query = exchange.query;
  query.emplace_back("watch", "1");
  query.emplace_back("allowWatchBookmarks", "true");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(watch.timeout).count();
  query.emplace_back("timeoutSeconds", std::to_string(std::max<std::int64_t>(seconds, 1)));
  if (watch.initial_events) {
    query.emplace_back("sendInitialEvents", "true");
    query.emplace_back("resourceVersionMatch", "NotOlderThan");
  }
  if (!watch.resource_version.empty()) query.emplace_back("resourceVersion", watch.resource_version);
  if (!watch.label_selector.empty()) query.emplace_back("labelSelector", watch.label_selector);
  if (!watch.field_selector.empty()) query.emplace_back("fieldSelector", watch.field_selector);
  return core_->watch(std::move(exchange), watch, std::move(handlers));
}

void Client::cancel(CallId id) {
  core_->cancel(id);
}
std::string Client::server() const {
  return core_->server();
}
const Access& Client::access() const noexcept {
  return core_->access();
}

}  // namespace vipra::kube
