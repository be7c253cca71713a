// The routes that somebody tracks, kept true: word of changes from one socket, the routes themselves from a
// thread of its own, because the table may be large. Neither exists before somebody tracks a route.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/ip_prefix.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/kernel_writer.hpp"
#include "net/route_events.hpp"
#include "ownership/routes.hpp"
#include "runtime/event_loop.hpp"

namespace vipra::agent {

// All calls on the loop's thread.
class RouteWatch {
 public:
  // `on_change` is called when view() is another.
  RouteWatch(runtime::EventLoop& loop, const log::Logger& log, std::function<void()> on_change)
      : loop_{loop}, log_{log}, on_change_{std::move(on_change)} {}
  RouteWatch(const RouteWatch&) = delete;
  RouteWatch& operator=(const RouteWatch&) = delete;
  ~RouteWatch() { close(); }

  // Which destinations, sorted; none: nothing is watched.
  void want(const std::vector<IpPrefix>& destinations, TimePoint now);
  // Links or addresses changed, which takes routes away without a word.
  void on_interfaces_changed(TimePoint now);

  [[nodiscard]] const ownership::RouteView& view() const noexcept { return view_; }
  [[nodiscard]] std::optional<TimePoint> deadline() const noexcept { return read_at_; }
  void on_deadline(TimePoint now);
  void close();

 private:
  // Between two readings of the table: routes may come and go by the thousand.
  static constexpr Duration kSpacing = std::chrono::milliseconds{100};
  static constexpr Duration kRetry = std::chrono::seconds{1};

  [[nodiscard]] Status open();
  void request(TimePoint now);
  void read_events();
  void on_result(net::KernelResult&& result);

  runtime::EventLoop& loop_;
  const log::Logger& log_;
  std::function<void()> on_change_;
  std::vector<IpPrefix> wanted_;
  std::unique_ptr<net::KernelWriter> reader_;
  std::optional<net::RouteEvents> events_;
  ownership::RouteView view_;
  std::shared_ptr<const std::vector<IpPrefix>> asked_;  // by the reading under way
  bool wanted_again_ = false;                           // something happened since it was asked for
  std::optional<TimePoint> last_read_;
  std::optional<TimePoint> read_at_;
};

}  // namespace vipra::agent
