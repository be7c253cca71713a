#include "tests/deploy/metric_names.hpp"

#include <array>
#include <cctype>
#include <sstream>

namespace vipra::test {
namespace {

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == ':';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_{text} {}

  [[nodiscard]] bool at_end() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ >= text_.size();
  }
  [[nodiscard]] char peek() { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void skip() { ++at_; }
  // Empty: no name begins here. Digits come first in numbers and durations only.
  std::string name() {
    if (at_end()) return {};
    const auto begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return std::string{text_.substr(begin, at_ - begin)};
  }
  std::string operators() {
    std::string out;
    while (peek() == '=' || peek() == '!' || peek() == '~') {
      out += text_[at_++];
    }
    return out;
  }
  std::string quoted() {
    std::string out;
    if (!take('"')) return out;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_];
    }
    skip();
    return out;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::vector<Selector::Matcher> matchers(Reader& reader) {
  std::vector<Selector::Matcher> out;
  if (!reader.take('{')) return out;
  while (!reader.at_end() && !reader.take('}')) {
    Selector::Matcher matcher;
    matcher.label = reader.name();
    matcher.op = reader.operators();
    matcher.value = reader.quoted();
    out.push_back(std::move(matcher));
    reader.take(',');
  }
  return out;
}

bool is_grouping(const std::string& word) {
  static const std::set<std::string> kWords{"by", "on", "ignoring", "without", "group_left", "group_right"};
  return kWords.contains(word);
}

bool is_operator(const std::string& word) {
  static const std::set<std::string> kWords{"and", "or", "unless", "bool", "offset"};
  return kWords.contains(word);
}

}  // namespace

std::vector<Sample> samples_of(std::string_view page) {
  std::vector<Sample> out;
  std::istringstream lines{std::string{page}};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto value = line.rfind(' ');
    const auto open = line.find('{');
    Sample sample;
    sample.value = line.substr(value + 1);
    if (open == line.npos) {
      sample.name = line.substr(0, value);
    } else {
      sample.name = line.substr(0, open);
      sample.labels = line.substr(open + 1, value - open - 2);
    }
    out.push_back(std::move(sample));
  }
  return out;
}

Served served_by(std::string_view page) {
  Served out;
  for (const auto& sample : samples_of(page)) {
    auto& family = out[sample.name];
    Reader reader{sample.labels};
    while (!reader.at_end()) {
      const auto label = reader.name();
      reader.take('=');
      family[label].insert(reader.quoted());
      reader.take(',');
    }
  }
  return out;
}

Usage usage_of(std::string_view expression) {
  Usage out;
  Reader reader{expression};
  while (!reader.at_end()) {
    if (reader.take('[')) {  // a range
      while (!reader.at_end() && !reader.take(']')) reader.skip();
      continue;
    }
    const auto word = reader.name();
    if (word.empty()) {
      reader.skip();
    } else if (is_grouping(word) && reader.take('(')) {
      while (!reader.at_end() && !reader.take(')')) {
        out.grouping.insert(reader.name());
        reader.take(',');
      }
    } else if (std::isdigit(static_cast<unsigned char>(word.front())) == 0 && !is_operator(word) &&
               reader.peek() != '(' && !is_grouping(word)) {
      // An aggregation may have its labels first: sum by (x) (...).
      static const std::set<std::string> kAggregations{"sum", "max", "min", "count", "avg"};
      if (!kAggregations.contains(word)) out.selectors.push_back({word, matchers(reader)});
    }
  }
  return out;
}

std::vector<std::string> unserved(const Usage& usage, const Served& served) {
  static const std::set<std::string> kOfPrometheus{"instance", "job", "le"};
  std::vector<std::string> out;
  std::set<std::string> known = kOfPrometheus;
  for (const auto& selector : usage.selectors) {
    if (selector.metric == "up") continue;
    const auto family = served.find(selector.metric);
    if (family == served.end()) {
      out.push_back(selector.metric);
      continue;
    }
    for (const auto& [label, values] : family->second) known.insert(label);
    for (const auto& matcher : selector.matchers) {
      if (kOfPrometheus.contains(matcher.label)) continue;
      const auto label = family->second.find(matcher.label);
      if (label == family->second.end()) {
        out.push_back(selector.metric + '{' + matcher.label + '}');
      } else if (matcher.op == "=" && matcher.value.find('$') == std::string::npos &&
                 !label->second.contains(matcher.value)) {
        out.push_back(selector.metric + '{' + matcher.label + "=\"" + matcher.value + "\"}");
      }
    }
  }
  for (const auto& label : usage.grouping) {
    if (!known.contains(label)) out.push_back("label " + label);
  }
  return out;
}

}  // namespace vipra::test
