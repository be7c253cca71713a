// Short-lived programs (ip, nft, vipctl...) run to their end inside a namespace.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "lab/net_namespace.hpp"

namespace vipra::lab {

struct CommandOutput {
  int exit_status = 0;  // 128 + signal if killed
  std::string out;      // stdout and stderr together, at most 1 MiB
};

// Fails only if the program can not be started or is not done in time (it is killed then).
[[nodiscard]] Result<CommandOutput> run_command(const NetNamespace& net, const std::vector<std::string>& argv,
                                                std::string_view input = {},
                                                Duration within = std::chrono::seconds{10});

// As above, and an exit status other than 0 is an error that carries the program's words.
[[nodiscard]] Status must_run(const NetNamespace& net, const std::vector<std::string>& argv,
                              std::string_view input = {}, Duration within = std::chrono::seconds{10});

}  // namespace vipra::lab
