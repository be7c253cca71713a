// The controller's metrics as Prometheus text. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "collect/report_server.hpp"
#include "controller/status_writer.hpp"
#include "operator/reduce.hpp"

namespace vipra::controller {

struct PageFacts {
  std::string build;
  bool leading = false;
  cluster::Metrics cluster;
  collect::ReportServer::Counters reports;
  StatusWriter::Counters writes;
  std::int64_t certificate_not_after_unix = 0;
  std::map<std::string, bool> api_readable;  // by resource
  std::uint64_t relists = 0;
};

[[nodiscard]] std::string render(const PageFacts& facts);

}  // namespace vipra::controller
