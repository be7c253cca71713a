// vipra-control: sources, checks, reports and metrics of a node, without any privilege.
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "agent/control/control.hpp"
#include "agent/control/options.hpp"
#include "agent/control/process.hpp"
#include "base/log.hpp"
#include "channel/framing.hpp"
#include "runtime/clock.hpp"
#include "runtime/log_sink.hpp"

namespace {

using namespace vipra;
using namespace std::chrono_literals;

constexpr int kUsageError = 2;

int complain(const std::string& what) {
  (void)std::fprintf(stderr, "vipra-control: %s\nTry vipra-control --help.\n", what.c_str());
  return kUsageError;
}

int run(control::Settings settings, runtime::LogSink& sink, const log::Logger& log) {
  boost::asio::io_context io{1};
  control::Control control{io, std::move(settings), log, [&sink] { return sink.dropped(); }};
  boost::asio::signal_set signals{io, SIGTERM, SIGINT};
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) control.stop();
  });
  control.start();
  io.run();
  // A disk that hangs must not keep the process: nothing is lost but the newest copy.
  if (!control.finish(500ms)) {
    log.warning("state.not_saved", {{"error", "the disk did not answer in time"}});
    ::_exit(0);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto command_line = control::parse_command_line(argc, argv);
  if (!command_line) return complain(command_line.error().what);
  if (command_line->flags.request == flags::Parsed::Request::kPrintAndExit) {
    (void)std::fputs(command_line->flags.text.c_str(), stdout);
    return 0;
  }
  auto settings = control::understand(command_line->options);
  if (!settings) return complain(settings.error().what);

  if (settings->cluster) {
    if (const auto made = kube::start_transport(); !made) return complain(made.error().what);
  }
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::signal(SIGHUP, SIG_IGN);  // files are watched
  channel::silence_protobuf_log();
  control::limit_malloc_arenas();
  control::raise_file_limit();
  runtime::LogSink sink{STDOUT_FILENO};
  sink.start();
  const log::Logger log{sink, runtime::unix_now_ns, "control", settings->options.log_level};
  try {
    return run(std::move(*settings), sink, log);
  } catch (const std::exception& error) {
    log.error("control.failed", {{"error", error.what()}});
    return 1;
  }
}
