#include "agent/supervisor/options.hpp"

#include <getopt.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <optional>

namespace vipra::supervisor {
namespace {

constexpr std::size_t kMaxNodeName = 253;

enum Flag : int {
  kNode = 1000,
  kRunDir,
  kStateDir,
  kDefinitions,
  kLabel,
  kLabelsFile,
  kListen,
  kNoControl,
  kControlBinary,
  kControlUid,
  kNotifyFifo,
  kNotifySocket,
  kNotifyHook,
  kRealtime,
  kLockMemory,
  kAnnounceBurst,
  kAnnounceRate,
  kLogLevel,
  kHelp,
  kVersion,
};

constexpr std::array<option, 21> kFlags{{
    {"node", required_argument, nullptr, kNode},
    {"run-dir", required_argument, nullptr, kRunDir},
    {"state-dir", required_argument, nullptr, kStateDir},
    {"definitions", required_argument, nullptr, kDefinitions},
    {"label", required_argument, nullptr, kLabel},
    {"labels-file", required_argument, nullptr, kLabelsFile},
    {"listen", required_argument, nullptr, kListen},
    {"no-control", no_argument, nullptr, kNoControl},
    {"control-binary", required_argument, nullptr, kControlBinary},
    {"control-uid", required_argument, nullptr, kControlUid},
    {"notify-fifo", required_argument, nullptr, kNotifyFifo},
    {"notify-socket", required_argument, nullptr, kNotifySocket},
    {"notify-hook", required_argument, nullptr, kNotifyHook},
    {"realtime", required_argument, nullptr, kRealtime},
    {"lock-memory", required_argument, nullptr, kLockMemory},
    {"announce-burst", required_argument, nullptr, kAnnounceBurst},
    {"announce-rate", required_argument, nullptr, kAnnounceRate},
    {"log-level", required_argument, nullptr, kLogLevel},
    {"help", no_argument, nullptr, kHelp},
    {"version", no_argument, nullptr, kVersion},
    {nullptr, 0, nullptr, 0},
}};

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

tl::unexpected<Error> bad_value(std::string_view flag, std::string_view value, std::string_view expected) {
  std::string what = "--";
  what.append(flag).append(" ").append(value).append(": expected ").append(expected);
  return fail(Errc::kInvalid, std::move(what));
}

Result<bool> auto_or_off(std::string_view flag, std::string_view value) {
  if (value == "auto") return true;
  if (value == "off") return false;
  return bad_value(flag, value, "auto or off");
}

Result<log::Level> level(std::string_view value) {
  for (const auto candidate :
       {log::Level::kDebug, log::Level::kInfo, log::Level::kWarning, log::Level::kError}) {
    if (value == flag_value(candidate)) return candidate;
  }
  return bad_value("log-level", value, "debug, info, warning or error");
}

Result<uid_t> unprivileged_uid(std::string_view value) {
  uid_t uid = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), uid);
  if (error != std::errc{} || end != value.data() + value.size() || uid == 0 ||
      uid == static_cast<uid_t>(-1)) {
    return bad_value("control-uid", value, "a user id other than 0");
  }
  return uid;
}

Result<int> announcements(std::string_view flag, std::string_view value) {
  constexpr int kMost = 100'000;
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < 1 || number > kMost)
    return bad_value(flag, value, "a number from 1 to 100000");
  return number;
}

template <class T>
Status assign(T& target, Result<T> value) {
  if (!value) return tl::unexpected{std::move(value).error()};
  target = std::move(*value);
  return {};
}

Status apply(int flag, const char* argument, Options& options) {
  switch (flag) {
    case kNode:
      options.node = argument;
      return {};
    case kRunDir:
      options.run_dir = argument;
      return {};
    case kStateDir:
      options.state_dir = argument;
      return {};
    case kDefinitions:
      options.definitions = argument;
      return {};
    case kLabel:
      options.labels.emplace_back(argument);
      return {};
    case kLabelsFile:
      options.labels_file = argument;
      return {};
    case kListen:
      options.listen = argument;
      return {};
    case kNotifyFifo:
      options.notify_fifo = argument;
      return {};
    case kNotifySocket:
      options.notify_socket = argument;
      return {};
    case kNotifyHook:
      options.notify_hook = argument;
      return {};
    case kNoControl:
      options.start_control = false;
      return {};
    case kControlBinary:
      options.control_binary = argument;
      return {};
    case kControlUid:
      return assign(options.control_uid, unprivileged_uid(argument));
    case kRealtime:
      return assign(options.realtime, auto_or_off("realtime", argument));
    case kLockMemory:
      return assign(options.lock_memory, auto_or_off("lock-memory", argument));
    case kAnnounceBurst:
      return assign(options.announce_burst, announcements("announce-burst", argument));
    case kAnnounceRate:
      return assign(options.announce_rate, announcements("announce-rate", argument));
    case kLogLevel:
      return assign(options.log_level, level(argument));
    default:
      return fail(Errc::kInvalid, "unknown option");
  }
}

Status check(const Options& options) {
  if (options.node.empty() || options.node.size() > kMaxNodeName) {
    return fail(Errc::kInvalid, "the host name is no node name: say --node NAME (1 to 253 characters)");
  }
  for (const auto* folder : {&options.run_dir, &options.state_dir, &options.definitions}) {
    if (folder->empty() || folder->front() != '/') {
      return fail(Errc::kInvalid, "folders must be absolute paths, this is none: " + *folder);
    }
  }
  return {};
}

}  // namespace

std::string_view flag_value(log::Level level) noexcept {
  switch (level) {
    case log::Level::kDebug:
      return "debug";
    case log::Level::kInfo:
      return "info";
    case log::Level::kWarning:
      return "warning";
    case log::Level::kError:
      return "error";
  }
  return "info";
}

Result<CommandLine> parse_command_line(int argc, char* const* argv) {
  CommandLine out;
  out.options.node = host_name();
  ::opterr = 0;
  ::optind = 0;  // glibc: begin anew
  for (int flag = 0; (flag = ::getopt_long(argc, argv, "+h", kFlags.data(), nullptr)) != -1;) {
    if (flag == kHelp || flag == 'h') {
      out.request = CommandLine::Request::kHelp;
      return out;
    }
    if (flag == kVersion) {
      out.request = CommandLine::Request::kVersion;
      return out;
    }
    if (flag == '?') {
      return fail(Errc::kInvalid,
                  std::string{"unknown option, or one without its value: "} + argv[::optind - 1]);
    }
    if (auto status = apply(flag, ::optarg, out.options); !status) {
      return tl::unexpected{std::move(status).error()};
    }
  }
  if (::optind < argc) return fail(Errc::kInvalid, std::string{"unexpected argument: "} + argv[::optind]);
  if (auto status = check(out.options); !status) return tl::unexpected{std::move(status).error()};
  return out;
}

std::string_view help_text() noexcept {
  return R"(vipra-agent keeps virtual IP addresses alive on this machine (VRRP, RFC 9568).

Usage: vipra-agent [options]

It runs three processes: this supervisor, the speaker (elections and packets;
it needs NET_ADMIN and NET_RAW) and vipra-control (definitions, checks, metrics;
no privilege at all). One agent runs in a network namespace; a second one waits
for the first to end.

What to run
  --definitions DIR       folder of VirtualIP definitions, *.yaml, *.yml or
                          *.json; edits are seen at once
                          (default /etc/vipra/definitions)
  --node NAME             name of this node (default: the host name)
  --label KEY=VALUE       label of this node, may be repeated; definitions
                          select nodes by labels
  --labels-file FILE      labels, one KEY=VALUE a line

Where things are
  --run-dir DIR           the sockets: agent.sock for control and vipctl.sock
                          for vipctl (default /run/vipra)
  --state-dir DIR         the last good definitions, for a start without the
                          folder (default /var/lib/vipra)
  --listen ADDR:PORT      /metrics, /livez and /readyz (default [::]:9112)

Who is told of transitions (control does it, and waits for nobody)
  --notify-fifo PATH      FIFO for a JSON line of each; made if it is not there
  --notify-socket PATH    the same as datagrams to this Unix socket
  --notify-hook PATH      program that is run for each, as the user of control,
                          with the line as its input (default: none)

Processes
  --no-control            do not start vipra-control: it runs elsewhere, as a
                          container of its own
  --control-binary PATH   (default: vipra-control beside this program)
  --control-uid UID       user and group of control (default 65532)
  --realtime auto|off     real-time scheduling of the speaker, where permitted
                          (default auto)
  --lock-memory auto|off  keep the agent in memory, where permitted
                          (default auto)

Announcements (gratuitous ARP, unsolicited neighbour advertisements)
  --announce-burst N      at most so many at once on an interface (default 300)
  --announce-rate N       and then so many a second (default 500); switches
                          drop what comes faster than they learn

  --log-level LEVEL       debug, info, warning or error (default info);
                          the log is JSON lines on stdout
  --version               print the version
  -h, --help              print this text

SIGTERM or SIGINT gives every address up in good order (a peer takes over
first), then exits with 0; a second one gives up at once. SIGHUP is ignored:
files are watched. SIGKILL of the whole agent leaves its addresses on the
machine; 'ip address' shows them.
)";
}

}  // namespace vipra::supervisor
