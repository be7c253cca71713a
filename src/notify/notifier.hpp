// Tells whoever wants to know of every transition of a virtual router: as JSON lines in a FIFO, as datagrams
// to a Unix socket, by a program that is run. Nobody is waited for: what a reader does not take in time is
// dropped and counted, and a program that hangs is killed. No part of an election.
//
// Threading: everything on the thread of the io_context.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/time.hpp"
#include "notify/transition.hpp"

namespace boost::asio {
class io_context;
}

namespace vipra::notify {

class Sink;

struct SinkCounters {
  std::string_view sink;  // "fifo", "socket", "hook"
  std::uint64_t told = 0;
  std::uint64_t dropped = 0;
};

struct Options {
  // Empty: not wanted. A FIFO that is not there is made (mode 0640); lines wait in it for a reader that is
  // away, as many as it holds.
  std::string fifo;
  std::string socket;  // whose owner may come and go
  // An executable, by its absolute path; run once for each transition, one after the other, without
  // arguments, with the line as its standard input.
  std::string hook;
  Duration hook_limit = std::chrono::seconds{30};
};

class Notifier {
 public:
  // `log` must outlive it.
  Notifier(boost::asio::io_context& io, const Options& options, const log::Logger& log);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  [[nodiscard]] bool wanted() const noexcept { return !sinks_.empty(); }
  void tell(const Transition& transition);
  // Ends a hook that runs; the loop then runs out of work.
  void stop();
  [[nodiscard]] std::vector<SinkCounters> counters() const;

 private:
  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace vipra::notify
