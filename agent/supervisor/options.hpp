// The command line of vipra-agent. Parsed with getopt_long: the agent is small and static, and links no flag
// library.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"

namespace vipra::supervisor {

struct Options {
  std::string node;  // default: host name
  std::string run_dir = "/run/vipra";
  std::string state_dir = "/var/lib/vipra";
  std::string definitions = "/etc/vipra/definitions";
  std::vector<std::string> labels;  // "KEY=VALUE"; control judges them
  std::string labels_file;
  std::string listen = "[::]:9112";
  std::string notify_fifo;  // these three go to control as they are; empty: not wanted
  std::string notify_socket;
  std::string notify_hook;
  bool start_control = true;
  std::string control_binary;  // empty: vipra-control beside this program
  uid_t control_uid = 65532;   // its group has the same number
  bool realtime = true;
  bool lock_memory = true;
  int announce_burst = 300;  // on each interface, then this many a second
  int announce_rate = 500;
  log::Level log_level = log::Level::kInfo;

  [[nodiscard]] std::string agent_socket() const { return run_dir + "/agent.sock"; }
  [[nodiscard]] std::string vipctl_socket() const { return run_dir + "/vipctl.sock"; }
};

struct CommandLine {
  enum class Request { kRun, kHelp, kVersion } request = Request::kRun;
  Options options;
};

// Not thread-safe (getopt's state is global): once, at the start.
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, char* const* argv);
[[nodiscard]] std::string_view help_text() noexcept;
[[nodiscard]] std::string_view flag_value(log::Level level) noexcept;

}  // namespace vipra::supervisor
