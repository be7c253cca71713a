// The commands: ask the agent (or the files), render, say how it went.
#pragma once

#include "cli/command_line.hpp"

namespace vipra::cli {

// Each returns the exit status. Answers go to standard output, troubles to standard error.
[[nodiscard]] int run_get(const CommandLine& line);
[[nodiscard]] int run_explain(const CommandLine& line);
[[nodiscard]] int run_watch(const CommandLine& line);
[[nodiscard]] int run_segments(const CommandLine& line);
[[nodiscard]] int run_validate(const CommandLine& line);
// Switchover and maintenance: tells the agent, and waits until what this node owned is handed over.
[[nodiscard]] int run_stand_aside(const CommandLine& line);

}  // namespace vipra::cli
