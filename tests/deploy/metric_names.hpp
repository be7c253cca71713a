// Which metric names, labels and values of labels a PromQL expression uses, and which a page of metrics
// serves.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace vipra::test {

// Of each family: its labels and the values they have on the page. A histogram has its three names.
using Served = std::map<std::string, std::map<std::string, std::set<std::string>>>;

[[nodiscard]] Served served_by(std::string_view page);

// One sample of a page.
struct Sample {
  std::string name;
  std::string labels;  // between the braces, as it stands there
  std::string value;
};
[[nodiscard]] std::vector<Sample> samples_of(std::string_view page);

struct Selector {
  struct Matcher {
    std::string label, op, value;
  };
  std::string metric;
  std::vector<Matcher> matchers;
};

struct Usage {
  std::vector<Selector> selectors;
  std::set<std::string> grouping;  // labels of by, on, ignoring, without, group_left, group_right
};

// A reader of the PromQL that is used here, no more.
[[nodiscard]] Usage usage_of(std::string_view expression);

// What an expression uses that is not served; "instance" and "job" are Prometheus' own, and so is the metric
// "up". Values that hold a "$" are variables of a dashboard.
[[nodiscard]] std::vector<std::string> unserved(const Usage& usage, const Served& served);

}  // namespace vipra::test
