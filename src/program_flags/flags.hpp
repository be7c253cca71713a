// What the command lines of vipra-control and vipra-controller have in common. CLI11 stays in the sources.
// Called once, at the start, on one thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace vipra::flags {

// "" where the machine has none.
[[nodiscard]] std::string host_name();

// --log-level; `level` must outlive parse().
void add_log_level(CLI::App& app, log::Level& level);

struct Parsed {
  enum class Request : std::uint8_t { kRun, kPrintAndExit } request = Request::kRun;
  std::string text;  // what to print: help, version
};

// Adds --help and --version and reads the arguments. Fails (kInvalid) with one sentence for people.
[[nodiscard]] Result<Parsed> parse(CLI::App& app, const std::string& version, int argc,
                                   const char* const* argv);

}  // namespace vipra::flags
