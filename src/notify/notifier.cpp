#include "notify/notifier.hpp"

#include "notify/sink.hpp"

namespace vipra::notify {

Notifier::Notifier(boost::asio::io_context& io, const Options& options, const log::Logger& log) {
  if (!options.fifo.empty()) sinks_.push_back(make_fifo(options.fifo, log));
  if (!options.socket.empty()) sinks_.push_back(make_datagram(options.socket, log));
  if (!options.hook.empty()) sinks_.push_back(make_hook(io, options.hook, options.hook_limit, log));
}

Notifier::~Notifier() = default;

void Notifier::tell(const Transition& transition) {
  const auto line = to_line(transition);
  for (const auto& sink : sinks_) sink->tell(transition, line);
}

void Notifier::stop() {
  for (const auto& sink : sinks_) sink->stop();
}

std::vector<SinkCounters> Notifier::counters() const {
  std::vector<SinkCounters> out;
  for (const auto& sink : sinks_) out.push_back(sink->counters());
  return out;
}

}  // namespace vipra::notify
