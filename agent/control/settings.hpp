// The command line, understood: texts became values, files that must be there were read.
#pragma once

#include <optional>

#include "agent/control/cluster.hpp"
#include "agent/control/options.hpp"
#include "base/result.hpp"
#include "metrics/http_server.hpp"
#include "source/labels.hpp"

namespace vipra::control {

struct Settings {
  Options options;
  source::Labels labels;  // of the flags
  metrics::ListenAddress listen;
  std::optional<Cluster::Settings> cluster;
};

// Fails with one sentence for people that names the flag.
[[nodiscard]] Result<Settings> understand(const Options& options);

}  // namespace vipra::control
