// Pages of metrics as Prometheus would have scraped them, made into a test of the alerts for promtool.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vipra::test {

constexpr int kSecondsAScrape = 15;

// Which alerts fire at that second, and how many of each.
struct Expectation {
  int seconds;
  std::map<std::string, int> firing;
};

class Scrapes {
 public:
  explicit Scrapes(int steps) : steps_{steps} {}

  // What the node's agent served in that scrape; without a page it did not answer.
  void add(const std::string& node, int step, const std::optional<std::string>& page);
  // The file that "promtool test rules" reads.
  [[nodiscard]] std::string test_file(const std::vector<Expectation>& expected) const;

 private:
  void put(const std::string& series, int step, const std::string& value);

  int steps_;
  std::map<std::string, std::vector<std::string>> series_;
};

// A folder of its own, gone with it.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

// Exit status (or what pclose says) and words.
[[nodiscard]] std::pair<int, std::string> promtool(const std::string& arguments);

// What promtool says against the expectation; empty when it agrees.
[[nodiscard]] std::string disagreement(const Scrapes& scrapes, const std::vector<Expectation>& expected);

}  // namespace vipra::test
