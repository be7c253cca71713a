#include "tests/deploy/scrapes.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/deploy/metric_names.hpp"

namespace vipra::test {

void Scrapes::add(const std::string& node, int step, const std::optional<std::string>& page) {
  const std::string target = "instance=\"" + node + "\",job=\"vipra-agent\"";
  put("up{" + target + '}', step, page ? "1" : "0");
  if (!page) return;
  for (const auto& sample : samples_of(*page)) {
    put(sample.name + '{' + sample.labels + (sample.labels.empty() ? "" : ",") + target + '}', step,
        sample.value);
  }
}

std::string Scrapes::test_file(const std::vector<Expectation>& expected) const {
  std::string out = "rule_files: [\"" VIPRA_SOURCE_DIR
                    "/deploy/dashboards/alerts.yaml\"]\nevaluation_interval: 15s\ntests:\n- interval: 15s\n"
                    "  input_series:\n";
  for (const auto& [series, values] : series_) {
    out += "  - series: '" + series + "'\n    values: '";
    for (const auto& value : values) out += (value.empty() ? "_" : value) + ' ';
    out.back() = '\'';
    out += '\n';
  }
  out += "  promql_expr_test:\n";
  for (const auto& [seconds, firing] : expected) {
    out += "  - expr: count by (alertname) (ALERTS{alertstate=\"firing\"})\n    eval_time: " +
           std::to_string(seconds) + "s\n    exp_samples:\n";
    if (firing.empty()) out.replace(out.size() - 1, 1, " []\n");
    for (const auto& [name, count] : firing) {
      out += "    - {labels: '{alertname=\"" + name + "\"}', value: " + std::to_string(count) + "}\n";
    }
  }
  return out;
}

// Prometheus marks what was in the last scrape and is not in this one; promtool must be told.
void Scrapes::put(const std::string& series, int step, const std::string& value) {
  auto& values = series_[series];
  values.resize(static_cast<std::size_t>(steps_));
  const auto at = static_cast<std::size_t>(step);
  values[at] = value;
  if (at + 1 < values.size()) values[at + 1] = "stale";
}

TestFolder::TestFolder() : path_{std::filesystem::temp_directory_path() / "vipra-alerts-XXXXXX"} {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"no folder for the test"};
}
TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::pair<int, std::string> promtool(const std::string& arguments) {
  std::FILE* tool = ::popen(("promtool " + arguments + " 2>&1").c_str(), "r");
  if (tool == nullptr) return {-1, "not run"};
  std::string said;
  std::array<char, 4096> piece{};
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), tool)) > 0;)
    said.append(piece.data(), got);
  return {::pclose(tool), said};
}

std::string disagreement(const Scrapes& scrapes, const std::vector<Expectation>& expected) {
  const TestFolder folder;
  const auto file = folder.path() + "/test.yaml";
  std::ofstream{file} << scrapes.test_file(expected);
  const auto [status, said] = promtool("test rules " + file);
  return status == 0 ? std::string{} : said;
}

}  // namespace vipra::test
