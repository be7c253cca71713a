#include "source/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <streambuf>
#include <unordered_map>
#include <utility>

namespace vipra::source {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDocuments = 4096;
constexpr std::array<std::string_view, 5> kNulls{"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 11> kTrues{"true", "True", "TRUE", "y",  "Y", "yes",
                                                  "Yes",  "YES",  "on",   "On", "ON"};
constexpr std::array<std::string_view, 11> kFalses{"false", "False", "FALSE", "n",   "N",  "no",
                                                   "No",    "NO",    "off",   "Off", "OFF"};

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  for (const auto word : words) {
    if (text == word) return true;
  }
  return false;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

template <class T>
std::optional<json> number(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return json(value);
}

std::optional<json> integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  auto digits = text;
  if (negative || text.starts_with('+')) digits.remove_prefix(1);
  if (digits.starts_with("0x") && !negative) return number<std::uint64_t>(digits.substr(2), 16);
  if (digits.starts_with("0o") && !negative) return number<std::uint64_t>(digits.substr(2), 8);
  if (!all_digits(digits)) return std::nullopt;
  return negative ? number<std::int64_t>(text, 10) : number<std::uint64_t>(digits, 10);
}

// Digits with a point or an exponent; what from_chars knows beyond that (inf, nan, hex) is a string.
std::optional<json> floating(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of("0123456789.eE+-") != text.npos) return std::nullopt;
  if (text.find_first_of("0123456789") == text.npos) return std::nullopt;
  double value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return json(value);
}

bool is_ambiguous_octal(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' && all_digits(text);
}

json plain_scalar(const std::string& text) {
  if (is_one_of(text, kNulls)) return nullptr;
  if (is_one_of(text, kTrues)) return true;
  if (is_one_of(text, kFalses)) return false;
  if (auto value = integer(text)) return std::move(*value);
  if (auto value = floating(text)) return std::move(*value);
  return text;
}

// Thrown through yaml-cpp, which has no other way to be stopped; caught below.
struct Stopped {};

class YamlEvents final : public YAML::EventHandler {
 public:
  explicit YamlEvents(DocumentBuilder& builder) : builder_{builder} {}

  void OnDocumentStart(const YAML::Mark&) override {
    builder_.start_document();
    anchors_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t anchor) override {
    if (builder_.wants_key()) return go_on(builder_.key("null"));
    go_on(builder_.value(nullptr));
    remember(anchor);
  }
  void OnAlias(const YAML::Mark&, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      go_on(builder_.fail(Reason::kParseError, "an alias stands inside its own anchor"));
    go_on(builder_.value(found->second));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    // The text is UTF-8, but yaml-cpp makes single bytes of the escapes \_ and \N.
    if (!is_utf8(text)) {
      go_on(builder_.fail(Reason::kParseError, "line " + std::to_string(mark.line + 1) +
                                                   ": an escape makes a text that is not UTF-8"));
    }
    if (builder_.wants_key()) return go_on(builder_.key(text));
    go_on(builder_.value(scalar(mark, tag, text)));
    remember(anchor);
  }
  void OnSequenceStart(const YAML::Mark&, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(false, tag, "tag:yaml.org,2002:seq", anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark&, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(true, tag, "tag:yaml.org,2002:map", anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  static void go_on(bool fine) {
    if (!fine) throw Stopped{};
  }

  json scalar(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return text;
    if (!tag.empty() && tag != "?") {
      go_on(builder_.fail(Reason::kParseError,
                          "the tag " + printable(tag.substr(0, 64)) + " is not supported"));
    }
    if (is_ambiguous_octal(text)) {
      go_on(builder_.fail(Reason::kParseError, "line " + std::to_string(mark.line + 1) + ": the number " +
                                                   text.substr(0, 64) + " must not begin with 0"));
    }
    return plain_scalar(text);
  }

  void start(bool is_object, const std::string& tag, std::string_view core_tag, YAML::anchor_t anchor) {
    if (!tag.empty() && tag != "?" && tag != "!" && tag != core_tag) {
      go_on(builder_.fail(Reason::kParseError,
                          "the tag " + printable(tag.substr(0, 64)) + " is not supported"));
    }
    go_on(builder_.start_container(is_object));
    open_anchors_.push_back(anchor);
  }
  void end() {
    go_on(builder_.end_container());
    const auto anchor = open_anchors_.back();
    open_anchors_.pop_back();
    remember(anchor);
  }
  void remember(YAML::anchor_t anchor) {
    if (anchor == 0) return;
    go_on(builder_.count_copy());
    anchors_[anchor] = builder_.completed();
  }

  DocumentBuilder& builder_;
  std::unordered_map<YAML::anchor_t, json> anchors_;
  std::vector<YAML::anchor_t> open_anchors_;
};

class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    auto* begin = const_cast<char*>(text.data());  // the get area is only read
    setg(begin, begin, begin + text.size());
  }
};

std::string message_of(const YAML::Exception& error) {
  const auto text = printable(error.msg.substr(0, 256));
  return error.mark.is_null() ? text : "line " + std::to_string(error.mark.line + 1) + ": " + text;
}

}  // namespace

Documents parse_yaml(std::string_view text, const DocumentLimits& limits) {
  Documents out;
  out.error = check_text(text, limits);
  if (out.error) return out;
  DocumentBuilder builder{limits};
  const auto stop = [&](Reason reason, std::string message) {
    out.error = builder.error().value_or(DocumentError{1, reason, std::move(message)});
    out.error->document = out.all.size() + 1;
  };
  try {
    ViewBuffer buffer{text};
    std::istream stream{&buffer};
    YAML::Parser parser{stream};
    YamlEvents events{builder};
    while (parser.HandleNextDocument(events)) {
      // Some broken texts (a single comma) are endless empty documents to the parser.
      if (out.all.size() == kMaxDocuments) {
        out.all.clear();
        stop(Reason::kTooMany, "has too many documents");
        break;
      }
      out.all.push_back(builder.take());
    }
  } catch (const Stopped&) {
    stop(Reason::kParseError, "cannot be parsed");
  } catch (const YAML::Exception& error) {
    stop(Reason::kParseError, message_of(error));
  } catch (const std::exception& error) {
    stop(Reason::kParseError, error.what());
  }
  return out;
}

}  // namespace vipra::source
