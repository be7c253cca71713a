#include "agent/speaker/main.hpp"

#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/speaker/scheduling.hpp"
#include "agent/speaker/speaker.hpp"
#include "channel/framing.hpp"
#include "runtime/clock.hpp"

namespace vipra::agent {
namespace {

struct Options {
  int link_fd = -1;
  std::string node;
  bool realtime = true;
  bool lock_memory = true;
  AnnounceLimit announce_limit;
  log::Level level = log::Level::kInfo;
};

log::Level parse_level(std::string_view text) {
  for (const auto level : {log::Level::kDebug, log::Level::kInfo, log::Level::kWarning, log::Level::kError}) {
    if (text == log::to_string(level)) return level;
  }
  return log::Level::kInfo;
}

// The supervisor writes this command line; a mistake in it is ours.
Options parse(int argc, char** argv) {
  enum : int { kLinkFd = 1, kNode, kRealtime, kLockMemory, kAnnounceBurst, kAnnounceRate, kLogLevel };
  static constexpr option kOptions[] = {{"link-fd", required_argument, nullptr, kLinkFd},
                                        {"node", required_argument, nullptr, kNode},
                                        {"realtime", required_argument, nullptr, kRealtime},
                                        {"lock-memory", required_argument, nullptr, kLockMemory},
                                        {"announce-burst", required_argument, nullptr, kAnnounceBurst},
                                        {"announce-rate", required_argument, nullptr, kAnnounceRate},
                                        {"log-level", required_argument, nullptr, kLogLevel},
                                        {nullptr, 0, nullptr, 0}};
  Options options;
  optind = 1;
  for (int found = 0; (found = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    const std::string value = optarg != nullptr ? optarg : "";
    switch (found) {
      case kLinkFd:
        options.link_fd = std::atoi(value.c_str());
        break;
      case kNode:
        options.node = value;
        break;
      case kRealtime:
        options.realtime = value != "off";
        break;
      case kLockMemory:
        options.lock_memory = value != "off";
        break;
      case kAnnounceBurst:
        options.announce_limit.burst = std::max(1, std::atoi(value.c_str()));
        break;
      case kAnnounceRate:
        options.announce_limit.per_second = std::max(1, std::atoi(value.c_str()));
        break;
      case kLogLevel:
        options.level = parse_level(value);
        break;
      default:
        break;
    }
  }
  return options;
}

}  // namespace

int run_speaker(int argc, char** argv) {
  const auto options = parse(argc - 1, argv + 1);
  if (options.link_fd < 0) {
    std::fputs("vipra-agent speaker: started by the supervisor only; run vipra-agent\n", stderr);
    return 2;
  }
  // Terminal and stop signals are the supervisor's to act on: it releases, then waits.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_NAME, "vipra-speaker");
  channel::silence_protobuf_log();

  runtime::LogSink sink{STDOUT_FILENO};
  const log::Logger log{sink, &runtime::unix_now_ns, "speaker", options.level};
  sink.start();  // before the policy changes: writing a log is never urgent

  SpeakerSetup setup;
  setup.link = sys::UniqueFd{options.link_fd};
  setup.node = options.node;
  const auto scheduling = take_scheduling(options.realtime, options.lock_memory);
  setup.realtime = scheduling.realtime;
  setup.realtime_detail = scheduling.detail;
  setup.memory_locked = scheduling.memory_locked;
  setup.announce_limit = options.announce_limit;
  log.info("speaker.started", {{"node", options.node},
                               {"pid", ::getpid()},
                               {"realtime", scheduling.realtime},
                               {"memory_locked", scheduling.memory_locked},
                               {"detail", scheduling.detail}});
  auto loop = runtime::EventLoop::make();
  if (!loop) {
    log.error("speaker.failed", {{"error", loop.error().what}});
    return 1;
  }
  Speaker speaker{std::move(setup), std::move(*loop), sink, log};
  const auto status = speaker.run();
  if (!status) {
    log.error("speaker.failed", {{"error", status.error().what}});
    return 1;
  }
  return *status;
}

}  // namespace vipra::agent
