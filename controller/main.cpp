// vipra-controller: what the nodes report, as status, events and metrics of the cluster.
#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "controller/controller.hpp"
#include "controller/options.hpp"
#include "kube/client.hpp"
#include "runtime/clock.hpp"
#include "runtime/log_sink.hpp"

namespace {

using namespace vipra;

constexpr int kUsageError = 2;

int complain(const std::string& what) {
  (void)std::fprintf(stderr, "vipra-controller: %s\nTry vipra-controller --help.\n", what.c_str());
  return kUsageError;
}

int run(controller::Settings settings, const log::Logger& log) {
  boost::asio::io_context io{1};
  controller::Controller controller{io, std::move(settings), log};
  boost::asio::signal_set signals{io, SIGTERM, SIGINT};
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (!error) controller.stop();
  });
  controller.start();
  io.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto command_line = controller::parse_command_line(argc, argv);
  if (!command_line) return complain(command_line.error().what);
  if (command_line->flags.request == flags::Parsed::Request::kPrintAndExit) {
    (void)std::fputs(command_line->flags.text.c_str(), stdout);
    return 0;
  }
  auto settings = controller::understand(command_line->options);
  if (!settings) return complain(settings.error().what);
  if (const auto made = kube::start_transport(); !made) return complain(made.error().what);

  (void)std::signal(SIGPIPE, SIG_IGN);
  runtime::LogSink sink{STDOUT_FILENO};
  sink.start();
  const log::Logger log{sink, runtime::unix_now_ns, "controller", settings->options.log_level};
  try {
    return run(std::move(*settings), log);
  } catch (const std::exception& error) {
    log.error("controller.failed", {{"error", error.what()}});
    return 1;
  }
}
