// One way by which transitions are told. Private to the module.
#pragma once

#include <memory>
#include <string>

#include "base/log.hpp"
#include "notify/notifier.hpp"
#include "notify/transition.hpp"

namespace boost::asio {
class io_context;
}

namespace vipra::notify {

class Sink {
 public:
  explicit Sink(std::string_view name) : name_{name} {}
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  // Never waits.
  virtual void tell(const Transition& transition, const std::string& line) = 0;
  virtual void stop() {}
  [[nodiscard]] SinkCounters counters() const { return {name_, told_, dropped_}; }

 protected:
  void told() noexcept { ++told_; }
  // Logs the first of a run of the same trouble.
  void dropped(const log::Logger& log, const std::string& path, const std::string& why) {
    ++dropped_;
    if (why == trouble_) return;
    trouble_ = why;
    log.warning("notify.dropped",
                {{"sink", name_},
                 {"path", path},
                 {"detail", why},
                 {"consequence", "nobody is waited for; vipra_notifications_total counts on"}});
  }
  void works() noexcept { trouble_.clear(); }

 private:
  std::string_view name_;
  std::string trouble_;
  std::uint64_t told_ = 0;
  std::uint64_t dropped_ = 0;
};

[[nodiscard]] std::unique_ptr<Sink> make_fifo(std::string path, const log::Logger& log);
[[nodiscard]] std::unique_ptr<Sink> make_datagram(std::string path, const log::Logger& log);
[[nodiscard]] std::unique_ptr<Sink> make_hook(boost::asio::io_context& io, std::string path, Duration limit,
                                              const log::Logger& log);

}  // namespace vipra::notify
