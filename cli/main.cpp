// vipctl: asks the agent of this node, or judges files.
#include <cstdlib>
#include <exception>
#include <string>

#include "cli/command_line.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"

namespace {

using namespace vipra::cli;

int run(const CommandLine& line) {
  switch (line.command) {
    case Command::kGet:
      return run_get(line);
    case Command::kExplain:
      return run_explain(line);
    case Command::kWatch:
      return run_watch(line);
    case Command::kSegments:
      return run_segments(line);
    case Command::kValidate:
      return run_validate(line);
    case Command::kSwitchover:
    case Command::kMaintenance:
      return run_stand_aside(line);
  }
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) try {
  // gRPC's own lines on standard error help nobody who reads a table.
  ::setenv("GRPC_VERBOSITY", "NONE", 0);
  std::optional<std::string> socket;
  if (const char* value = std::getenv("VIPRA_SOCKET")) socket = value;
  const auto parsed = parse_command_line({argv + 1, argv + argc}, socket);
  if (const auto* leave = std::get_if<EarlyExit>(&parsed)) {
    if (leave->code == kExitOk) {
      print(leave->text);
    } else {
      std::fputs(leave->text.c_str(), stderr);
    }
    return leave->code;
  }
  return run(std::get<CommandLine>(parsed));
} catch (const std::exception& error) {
  vipra::cli::complain(error.what());
  return vipra::cli::kExitUnreachable;
}
