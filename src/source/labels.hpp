// Labels of this node from flags (KEY=VALUE) and from a file (one a line; empty lines and # comments are
// skipped).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"
#include "source_port/change.hpp"

namespace boost::asio {
class io_context;
}

namespace vipra::source {

using Labels = std::map<std::string, std::string>;

// Key and value as Kubernetes allows them: prefix/name with at most 253 and 63 characters; an empty value is
// fine.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_label(std::string_view text);

// A later line wins over an earlier one. One bad line refuses the whole text, with its number.
[[nodiscard]] Result<Labels> parse_labels(std::string_view text);

// Yields Replaced with exactly one Labels after each change of the file. A file that is missing or bad takes
// nothing away: Health says so.
class LabelsFile final : public Source<Labels> {
 public:
  LabelsFile(boost::asio::io_context& loop, std::filesystem::path file);
  ~LabelsFile() override;
  LabelsFile(const LabelsFile&) = delete;
  LabelsFile& operator=(const LabelsFile&) = delete;

  void start(OnChange on_change, OnHealth on_health) override;
  void stop() override;

 private:
  class Watcher;
  std::shared_ptr<Watcher> watcher_;
};

}  // namespace vipra::source
