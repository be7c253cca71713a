// What the user asked for. The only file that knows CLI11 is command_line.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace vipra::cli {

// Part of the contract: docs/vipctl.md.
inline constexpr int kExitOk = 0;
inline constexpr int kExitNegative = 1;  // no such VirtualIP, an object is not valid, the agent refuses
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;  // the agent cannot be asked

enum class Output : std::uint8_t { kTable, kJson };
enum class Command : std::uint8_t { kGet, kExplain, kWatch, kSegments, kValidate, kSwitchover, kMaintenance };

struct CommandLine {
  Command command = Command::kGet;
  std::string socket;
  Output output = Output::kTable;
  bool headers = true;
  std::string virtual_ip;          // get (may be empty), explain, switchover
  bool end = false;                // switchover --cancel, maintenance off
  Duration hold{};                 // switchover, maintenance: how long; zero: until it is ended
  std::vector<std::string> paths;  // validate; "-" is standard input
};

// Help, version, or a mistake.
struct EarlyExit {
  int code = kExitOk;
  std::string text;  // to standard output if the code is kExitOk, else to standard error
};

// `arguments` without the program's name; `socket_from_environment` is VIPRA_SOCKET.
[[nodiscard]] std::variant<CommandLine, EarlyExit> parse_command_line(
    std::vector<std::string> arguments, const std::optional<std::string>& socket_from_environment);

}  // namespace vipra::cli
