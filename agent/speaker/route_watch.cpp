#include "agent/speaker/route_watch.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "runtime/clock.hpp"

namespace vipra::agent {

void RouteWatch::want(const std::vector<IpPrefix>& destinations, TimePoint now) {
  if (destinations == wanted_) return;
  wanted_ = destinations;
  if (wanted_.empty()) return close();
  if (!events_) {
    if (const auto status = open(); !status) {
      log_.error("routes.watch_failed", {{"error", status.error().what}});
      close();
      read_at_ = now + kRetry;
      return;
    }
  } else if (const auto status = events_->set_wanted(wanted_); !status) {
    log_.error("routes.watch_failed", {{"error", status.error().what}});
  }
  request(now);
}

Status RouteWatch::open() {
  if (!reader_) {
    auto reader = net::KernelWriter::make(2);
    if (!reader) return tl::unexpected{reader.error()};
    if (auto status = (*reader)->start(net::KernelWriter::Urgency::kNone); !status) return status;
    auto watched = loop_.watch((*reader)->fd(), EPOLLIN, [this](std::uint32_t) {
      reader_->drain([this](net::KernelResult&& result) { on_result(std::move(result)); });
    });
    if (!watched) return watched;
    reader_ = std::move(*reader);
  }
  auto events = net::RouteEvents::make(wanted_);
  if (!events) return tl::unexpected{events.error()};
  events_ = std::move(*events);
  return loop_.watch(events_->fd(), EPOLLIN, [this](std::uint32_t) { read_events(); });
}

void RouteWatch::close() {
  // The thread stays: to end it would be to wait for it.
  if (events_) loop_.unwatch(events_->fd());
  events_.reset();
  view_ = {};
  read_at_.reset();
}

void RouteWatch::on_interfaces_changed(TimePoint now) {
  if (events_) request(now);
}

void RouteWatch::read_events() {
  const auto touched = events_->read();
  if (!touched) log_.error("routes.events_failed", {{"error", touched.error().what}});
  if (!touched || *touched) request(runtime::now().mono);
}

void RouteWatch::request(TimePoint now) {
  view_.current = false;
  if (asked_) {
    wanted_again_ = true;
    return;
  }
  if (last_read_ && now < *last_read_ + kSpacing) {
    read_at_ = *last_read_ + kSpacing;
    return;
  }
  read_at_.reset();
  auto asked = std::make_shared<const std::vector<IpPrefix>>(wanted_);
  if (!reader_->post(net::DumpRoutes{0, asked})) {
    read_at_ = now + kRetry;
    return;
  }
  asked_ = std::move(asked);
  last_read_ = now;
}

void RouteWatch::on_deadline(TimePoint now) {
  if (!read_at_ || now < *read_at_) return;
  read_at_.reset();
  if (!events_) {
    auto again = std::exchange(wanted_, {});
    return want(again, now);
  }
  request(now);
}

void RouteWatch::on_result(net::KernelResult&& result) {
  const auto asked = std::exchange(asked_, nullptr);
  const bool again = std::exchange(wanted_again_, false);
  if (!events_) return;  // nobody wants to know any more
  const auto now = runtime::now().mono;
  if (result.outcome == net::CommandOutcome::kFailed || !result.routes) {
    log_.error("routes.read_failed", {{"error", result.error.what}});
    view_.current = false;
    read_at_ = now + kRetry;
    return;
  }
  if (!asked) return;
  view_.asked = *asked;
  view_.routes = std::move(*result.routes);
  view_.current = !again;
  if (again) request(now);
  on_change_();
}

}  // namespace vipra::agent
