#include "agent/supervisor/main.hpp"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>

#include "agent/supervisor/instance_lock.hpp"
#include "agent/supervisor/process_setup.hpp"
#include "agent/supervisor/sd_notify.hpp"
#include "agent/supervisor/supervisor.hpp"
#include "runtime/clock.hpp"
#include "runtime/event_loop.hpp"
#include "runtime/log_sink.hpp"

namespace vipra::supervisor {
namespace {

// SIGTERM and SIGINT become readable; SIGHUP and SIGPIPE mean nothing here.
Result<sys::UniqueFd> take_signals() {
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::sigaddset(&stop, SIGINT);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
  sys::UniqueFd fd{::signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC)};
  if (!fd) return fail_errno("cannot receive signals", errno);
  return fd;
}

struct Arranged {
  Status memory;
  Status oom_score;
  Status files;
};

Arranged arrange(const Options& options) {
  Arranged out;
  if (options.lock_memory) out.memory = lock_memory();
  out.oom_score = lower_oom_score();
  out.files = raise_file_limit();
  return out;
}

void report(const log::Logger& log, const Options& options, const Arranged& arranged) {
  log.info("supervisor.started", {{"version", VIPRA_VERSION},
                                  {"node", options.node},
                                  {"pid", ::getpid()},
                                  {"memory_locked", options.lock_memory && arranged.memory.has_value()}});
  for (const auto* status : {&arranged.memory, &arranged.oom_score, &arranged.files}) {
    if (!*status) log.info("supervisor.not_arranged", {{"detail", status->error().what}});
  }
  if (::geteuid() != 0) {
    log.warning("supervisor.not_root", {{"detail", "another agent will not take this one for an agent"}});
  }
}

Status serve(const Options& options, SpeakerKeeper::Command speaker, int signals, runtime::LogSink& sink,
             const log::Logger& log, const Notifier& notifier) {
  auto page = OwnedMemory::make();
  if (!page) return tl::unexpected{std::move(page).error()};
  auto loop = runtime::EventLoop::make();
  if (!loop) return tl::unexpected{std::move(loop).error()};
  Supervisor supervisor{options, std::move(speaker), std::move(*page), {*loop, sink, log, notifier}};
  auto watched = loop->watch(signals, EPOLLIN, [&](std::uint32_t) {
    signalfd_siginfo info{};
    if (::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) supervisor.stop();
  });
  if (!watched) return watched;
  if (auto status = supervisor.begin(); !status) return status;
  return supervisor.run();
}

}  // namespace

SpeakerKeeper::Command own_speaker(const Options& options) {
  return {"/proc/self/exe",
          {"vipra-agent", "speaker", "--node", options.node, "--realtime", options.realtime ? "auto" : "off",
           "--lock-memory", options.lock_memory ? "auto" : "off", "--announce-burst",
           std::to_string(options.announce_burst), "--announce-rate", std::to_string(options.announce_rate),
           "--log-level", std::string{flag_value(options.log_level)}}};
}

int supervise(const Options& options, SpeakerKeeper::Command speaker) {
  ::prctl(PR_SET_NAME, "vipra-agent", 0, 0, 0);
  const auto notifier = Notifier::take_from_environment();
  const auto signals = take_signals();
  const auto arranged = arrange(options);
  runtime::LogSink sink{STDOUT_FILENO};
  const log::Logger log{sink, runtime::unix_now_ns, "supervisor", options.log_level};
  sink.start();
  report(log, options, arranged);
  if (!signals) {
    log.error("supervisor.failed", {{"error", signals.error().what}});
    return 1;
  }
  const auto lock = InstanceLock::acquire(signals->get(), log, [&notifier](const std::string& holder) {
    notifier.notify("STATUS=waiting for another agent in this network namespace (" + holder + ")");
  });
  if (!lock) {
    log.error("supervisor.failed", {{"error", lock.error().what}});
    return 1;
  }
  if (!*lock) {
    log.info("supervisor.stopped", {{"detail", "while it waited for the lock"}});
    return 0;
  }
  const auto status = serve(options, std::move(speaker), signals->get(), sink, log, notifier);
  if (!status) {
    log.error("supervisor.failed", {{"error", status.error().what}});
    return 1;
  }
  log.info("supervisor.stopped", {});
  return 0;
}

int run_supervisor(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (!line) {
    std::fprintf(stderr, "vipra-agent: %s\nTry 'vipra-agent --help'.\n", line.error().what.c_str());
    return 2;
  }
  if (line->request == CommandLine::Request::kHelp) {
    const auto text = help_text();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  if (line->request == CommandLine::Request::kVersion) {
    std::puts("vipra-agent " VIPRA_VERSION);
    return 0;
  }
  return supervise(line->options, own_speaker(line->options));
}

}  // namespace vipra::supervisor
